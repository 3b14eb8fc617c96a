/**
 * Programs that a run starts, and what the system knows about them.
 * @packageDocumentation
 */
import { type ChildProcess, spawn, type SpawnOptions } from 'node:child_process'
import { once } from 'node:events'
import { accessSync, constants, readFileSync, writeFileSync } from 'node:fs'
import { delimiter, join } from 'node:path'

/** Linux counts CPU time in hundredths of a second on every architecture that Node runs on. */
const TICKS_PER_SECOND = 100

export type Command = readonly [program: string, ...args: string[]]

export interface RunOptions {
  readonly timeoutMs: number
  readonly signal: AbortSignal
  readonly env?: NodeJS.ProcessEnv
}

/** Whether a program is on the PATH. */
export function isInstalled(program: string): boolean {
  return (process.env['PATH'] ?? '').split(delimiter).some((folder) => {
    try {
      accessSync(join(folder, program), constants.X_OK)
      return true
    } catch {
      return false
    }
  })
}

/** A group of its own: Ctrl-C on the terminal reaches the benchmark alone, which then ends things in order. */
export function start(command: Command, options: SpawnOptions): ChildProcess {
  const [program, ...args] = command
  return spawn(program, args, { ...options, detached: true })
}

/**
 * Runs to the end; gives what was printed.
 *
 * @throws Error when it fails, takes too long, or the run is stopped
 */
export async function run(command: Command, options: RunOptions): Promise<string> {
  options.signal.throwIfAborted()
  const child = start(command, { env: options.env ?? process.env, stdio: ['ignore', 'pipe', 'pipe'] })
  const text = { out: '', error: '' }
  child.stdout?.on('data', (data: Buffer) => (text.out += data.toString()))
  child.stderr?.on('data', (data: Buffer) => (text.error += data.toString()))
  let code: number | null
  try {
    ;[code] = (await waitFor(once(child, 'close'), options)) as [number | null]
  } catch (error) {
    // not waited for: what hangs in a mount ends only when its server does
    killGroup(child)
    throw error
  }
  if (code === 0) return text.out
  throw new Error(`${command[0]} ended with ${code ?? 'a signal'}: ${text.error.trim().slice(0, 300)}`)
}

/**
 * Waits, but not for ever. (`AbortSignal.any` with a timeout would do, were it not collected as garbage while it waits.)
 *
 * @throws Error when it takes too long, or the run is stopped
 */
export async function waitFor<T>(what: Promise<T>, { signal, timeoutMs }: Pick<RunOptions, 'signal' | 'timeoutMs'>): Promise<T> {
  const { promise: givenUp, reject } = withReject()
  const stop = (): void => reject(new Error('stopped'))
  const timer = setTimeout(() => reject(new Error(`no end after ${timeoutMs / 1000} s`)), timeoutMs)
  signal.addEventListener('abort', stop)
  if (signal.aborted) stop()
  try {
    return await Promise.race([what, givenUp])
  } finally {
    clearTimeout(timer)
    signal.removeEventListener('abort', stop)
  }
}

function withReject(): { promise: Promise<never>; reject: (error: Error) => void } {
  let reject: (error: Error) => void = () => undefined
  const promise = new Promise<never>((_, fail) => {
    reject = fail
  })
  return { promise, reject }
}

function killGroup(child: ChildProcess): void {
  try {
    if (child.pid !== undefined) process.kill(-child.pid, 'SIGKILL')
  } catch {
    // it has ended
  }
}

/** CPU time of a process until now, in seconds. */
export function cpuSeconds(pid: number): number {
  const text = readFileSync(`/proc/${pid}/stat`, 'latin1')
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ')
  return (Number(fields[11]) + Number(fields[12])) / TICKS_PER_SECOND
}

/** Peak of resident memory since the last {@link resetPeak}, in MiB. */
export function peakMib(pid: number): number {
  const line = /^VmHWM:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'latin1'))
  return Number(line?.[1] ?? Number.NaN) / 1024
}

export function resetPeak(pid: number): void {
  writeFileSync(`/proc/${pid}/clear_refs`, '5')
}

/** Whether something is mounted at a path without spaces. */
export function isMounted(dir: string): boolean {
  return readFileSync('/proc/self/mounts', 'latin1').includes(` ${dir} `)
}
