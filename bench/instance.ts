/**
 * One filesystem of one contestant, from empty to removed.
 * @packageDocumentation
 */
import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { performance } from 'node:perf_hooks'
import { setTimeout as sleep } from 'node:timers/promises'
import { type Contestant, makePlace, type Place } from './contestants.js'
import { isMounted, run, start, waitFor } from './process.js'

const MOUNT_TIMEOUT_MS = 60_000
const STOP_TIMEOUT_MS = 60_000
const POLL_MS = 2

export interface InstanceOptions {
  readonly contestant: Contestant
  /** An empty folder of its own. */
  readonly home: string
  readonly signal: AbortSignal
}

export class Instance {
  readonly #options: InstanceOptions
  readonly #place: Place
  #server: ChildProcess | undefined
  #log = ''
  /** From the start of the program until a listing is answered. */
  mountSeconds = Number.NaN

  private constructor(options: InstanceOptions) {
    this.#options = options
    this.#place = makePlace(options.home)
  }

  static async create(options: InstanceOptions): Promise<Instance> {
    const instance = new Instance(options)
    const command = options.contestant.create?.(instance.#place)
    try {
      if (command !== undefined) await run(command, { timeoutMs: MOUNT_TIMEOUT_MS, signal: options.signal, env: instance.#place.env })
      return instance
    } catch (error) {
      rmSync(options.home, { recursive: true, force: true })
      throw error
    }
  }

  /** What the rows use. Not the root, which is listed to see whether the mount answers: the kernel may keep that listing. */
  get dir(): string {
    return join(this.#options.contestant.serve === undefined ? this.#place.sealed : this.#place.mnt, 'work')
  }

  /** The serving process; none for the plain directory. */
  get pid(): number | undefined {
    return this.#server?.pid
  }

  async mount(nodeArgs: readonly string[] = []): Promise<void> {
    const command = this.#options.contestant.serve?.(this.#place, nodeArgs)
    if (command === undefined) return
    const begin = performance.now()
    const child = start(command, { env: this.#place.env, stdio: ['ignore', 'pipe', 'pipe'] })
    this.#server = child
    for (const stream of [child.stdout, child.stderr]) stream?.on('data', (data: Buffer) => (this.#log = (this.#log + data.toString()).slice(-2000)))
    while (!isMounted(this.#place.mnt)) {
      if (child.exitCode !== null || performance.now() - begin > MOUNT_TIMEOUT_MS) throw new Error(`${this.#options.contestant.name} did not mount: ${this.#log.trim()}`)
      await sleep(POLL_MS, undefined, { signal: this.#options.signal })
    }
    await waitFor(readdir(this.#place.mnt), { timeoutMs: MOUNT_TIMEOUT_MS, signal: this.#options.signal })
    this.mountSeconds = (performance.now() - begin) / 1000
  }

  /** As mount(8) users do it; over when the process has ended. */
  async unmount(): Promise<void> {
    const child = this.#server
    if (child === undefined) return
    await run(['umount', this.#place.mnt], { timeoutMs: STOP_TIMEOUT_MS, signal: this.#options.signal })
    if (child.exitCode === null) await waitFor(once(child, 'exit'), { timeoutMs: STOP_TIMEOUT_MS, signal: this.#options.signal })
    this.#server = undefined
  }

  async remount(nodeArgs: readonly string[] = []): Promise<void> {
    await this.unmount()
    await this.mount(nodeArgs)
  }

  /** Nothing of it in memory any more: a new process, and the page cache dropped. */
  async remountCold(nodeArgs: readonly string[] = []): Promise<void> {
    await this.unmount()
    await run(['sync', '-f', this.#options.home], { timeoutMs: STOP_TIMEOUT_MS, signal: this.#options.signal })
    dropCaches()
    await this.mount(nodeArgs)
  }

  /** Whatever state it is in: unmounted, ended, removed. Not stopped by the signal. */
  async dispose(): Promise<void> {
    const signal = new AbortController().signal
    const child = this.#server
    this.#server = undefined
    if (child !== undefined && child.exitCode === null && child.signalCode === null) {
      const clean = await run(['umount', this.#place.mnt], { timeoutMs: STOP_TIMEOUT_MS, signal }).then(
        () => true,
        () => false,
      )
      await end(child, clean ? STOP_TIMEOUT_MS : 0)
    }
    if (isMounted(this.#place.mnt)) await run(['umount', '-l', this.#place.mnt], { timeoutMs: STOP_TIMEOUT_MS, signal })
    rmSync(this.#options.home, { recursive: true, force: true })
  }
}

/** Waits for the end of a process, and brings it about when it takes too long. */
async function end(child: ChildProcess, patienceMs: number): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  const gone = once(child, 'exit')
  const timer = setTimeout(() => child.kill('SIGKILL'), patienceMs)
  await gone
  clearTimeout(timer)
}

/** Needs root, as {@link canDropCaches} tells. */
function dropCaches(): void {
  if (canDropCaches()) writeFileSync('/proc/sys/vm/drop_caches', '3')
}

export function canDropCaches(): boolean {
  return process.getuid?.() === 0
}

/** An empty folder below the work folder. */
export function freshHome(work: string, name: string): string {
  const home = join(work, name)
  mkdirSync(home)
  return home
}
