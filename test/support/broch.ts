import { spawn } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

export const BROCH = fileURLToPath(new URL('../../bin/broch', import.meta.url))

export interface Outcome {
  readonly code: number | null
  readonly out: string
  readonly error: string
}

/** Runs a program to its end, without a terminal. */
export function run(program: string, args: readonly string[], options: { env?: NodeJS.ProcessEnv; input?: string; cwd?: string } = {}): Promise<Outcome> {
  const { env = process.env, input = '', cwd } = options
  const child = spawn(program, args, { env, stdio: ['pipe', 'pipe', 'pipe'], ...(cwd !== undefined && { cwd }) })
  let [out, error] = ['', '']
  child.stdout.setEncoding('latin1').on('data', (data: string) => (out += data))
  child.stderr.setEncoding('utf8').on('data', (data: string) => (error += data))
  child.stdin.on('error', () => undefined)
  child.stdin.end(input)
  return new Promise((resolve, reject) => {
    child.once('error', reject)
    child.once('close', (code) => resolve({ code, out, error }))
  })
}

/** A home of its own, all state below one temporary folder. */
export class BrochHome {
  readonly dir = mkdtempSync(join(tmpdir(), 'broch-cli-'))
  readonly store = join(this.dir, 'home', 'store')
  readonly env: NodeJS.ProcessEnv = { ...process.env, BROCH_HOME: join(this.dir, 'home') }

  path(...names: string[]): string {
    return join(this.dir, ...names)
  }

  /** A file with a pass phrase that only its owner can read. */
  passfile(name: string, text = 'correct horse battery staple\n', mode = 0o600): string {
    writeFileSync(this.path(name), text, { mode })
    return this.path(name)
  }

  broch(...args: string[]): Promise<Outcome> {
    return run(process.execPath, [BROCH, ...args], { env: this.env })
  }

  dispose(): void {
    rmSync(this.dir, { recursive: true, force: true })
  }
}
