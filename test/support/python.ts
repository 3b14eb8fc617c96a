/**
 * Tests of system calls on a mount, said in Python: as other users, in several processes, with what Node has no name for.
 * @packageDocumentation
 */
import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { whyNoMount } from './mounted-space.js'

const HERE = fileURLToPath(new URL('.', import.meta.url))

/** Why these tests cannot run here, and what helps; undefined when they can. */
export function whyNoPython(): string | undefined {
  const reason = whyNoMount()
  if (reason !== undefined) return reason
  return spawnSync('python3', ['--version']).status === 0 ? undefined : 'python3 is missing (bash scripts/install-test-tools.sh)'
}

/**
 * Runs a script that asserts; throws with what it said when it failed. Asynchronous: the mount is served elsewhere.
 *
 * @param script - may begin lines with the indentation of its first
 */
export async function python(dir: string, script: string): Promise<string> {
  const indent = /^\n?([ ]*)/.exec(script)?.[1] ?? ''
  const body = script.split('\n').map((line) => (line.startsWith(indent) ? line.slice(indent.length) : line)).join('\n')
  const env = { ...process.env, M: dir, PYTHONPATH: HERE, PYTHONDONTWRITEBYTECODE: '1' }
  const child = spawn('python3', ['-c', `from posix_calls import *\n${body}`], { env, stdio: ['ignore', 'pipe', 'pipe'], timeout: 100_000, killSignal: 'SIGKILL' })
  let said = ''
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (data: Buffer) => (said += data.toString()))
  const [code] = (await once(child, 'close')) as [number | null]
  if (code !== 0) throw new Error(`python3 ended with ${code}:\n${said}`)
  return said.trim()
}
