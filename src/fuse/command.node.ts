/**
 * Running a program of the system and hearing what it says.
 * @packageDocumentation
 */
import { spawn, type StdioOptions } from 'node:child_process'

export interface Outcome {
  /** undefined when there is no such program, or it may not be run */
  readonly code: number | undefined
  /** what it wrote to its standard error */
  readonly said: string
}

export interface CommandOptions {
  readonly env?: NodeJS.ProcessEnv
  /** descriptors for the child, from its 3 on */
  readonly fds?: readonly number[]
}

/** Messages are asked for in English: what they say is looked at. */
export function runCommand(command: string, args: readonly string[], { env = {}, fds = [] }: CommandOptions = {}): Promise<Outcome> {
  const stdio: StdioOptions = ['ignore', 'ignore', 'pipe', ...fds]
  return new Promise((resolve) => {
    const child = spawn(command, args, { stdio, env: { ...process.env, LC_ALL: 'C', ...env } })
    let said = ''
    child.stderr?.on('data', (data: Buffer) => {
      said += data.toString()
    })
    child.once('error', () => resolve({ code: undefined, said: `${command} could not be run` }))
    child.once('close', (code) => resolve({ code: code ?? 1, said: said.trim() }))
    child.once('exit', (code) => {
      // a helper that stays on (auto_unmount) holds the pipe open
      if (code === 0) child.stderr?.destroy()
    })
  })
}
