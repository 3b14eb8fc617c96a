/**
 * How many requests the kernel sends to a filesystem, by kind, from the kernel's own trace of FUSE (Linux 6.11 and later).
 *
 * Tracing slows a run down, so it is asked for, and its times are worth less. FORGET is not in the trace.
 * @packageDocumentation
 */
import { existsSync, mkdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { run } from './process.js'

const BUFFER_KIB_PER_CPU = 32_768
const TIMEOUT_MS = 60_000

export type RequestCounts = Readonly<Record<string, number>>

export class RequestTrace {
  readonly #tracefs: string
  readonly #instance: string

  private constructor(tracefs: string) {
    this.#tracefs = tracefs
    this.#instance = join(tracefs, 'instances', `broch-bench-${process.pid}`)
  }

  /** An instance of its own: other traces on the machine are not touched. @throws Error when the kernel cannot */
  static async open(tracefs: string): Promise<RequestTrace> {
    mkdirSync(tracefs)
    await run(['mount', '-t', 'tracefs', 'tracefs', tracefs], options())
    const trace = new RequestTrace(tracefs)
    try {
      if (!existsSync(join(tracefs, 'events/fuse/fuse_request_send'))) throw new Error('this kernel does not trace requests of FUSE (Linux 6.11 and later do)')
      mkdirSync(trace.#instance)
      trace.#write('buffer_size_kb', String(BUFFER_KIB_PER_CPU))
      trace.#write('events/fuse/fuse_request_send/enable', '1')
      return trace
    } catch (error) {
      await trace.close()
      throw error
    }
  }

  clear(): void {
    this.#write('trace', '')
  }

  /** Since the last {@link clear}, for what is mounted at `dir`. */
  counts(dir: string): RequestCounts {
    const connection = connectionOf(dir)
    const counts: Record<string, number> = {}
    for (const [, id, name] of readFileSync(join(this.#instance, 'trace'), 'latin1').matchAll(/connection (\d+) req \d+ opcode \d+ \((?:FUSE_)?(\w+)\)/g)) {
      if (id === connection && name !== undefined) counts[name] = (counts[name] ?? 0) + 1
    }
    return counts
  }

  async close(): Promise<void> {
    if (existsSync(this.#instance)) rmdirSync(this.#instance)
    await run(['umount', this.#tracefs], options())
    rmdirSync(this.#tracefs)
  }

  #write(file: string, text: string): void {
    writeFileSync(join(this.#instance, file), text)
  }
}

/** Not the run's own signal: what is closed after it must still be closed. */
function options() {
  return { timeoutMs: TIMEOUT_MS, signal: new AbortController().signal }
}

/** The kernel names a connection by its device, whose major number is 0. */
function connectionOf(dir: string): string | undefined {
  const line = readFileSync('/proc/self/mountinfo', 'latin1').split('\n').find((text) => text.split(' ')[4] === dir)
  return line?.split(' ')[2]?.split(':')[1]
}
