import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

const BROCH = fileURLToPath(new URL('../../bin/broch', import.meta.url))

/** Why a real mount cannot be made here, and what helps; undefined when it can. */
export function whyNoMount(): string | undefined {
  if (!existsSync('/dev/fuse')) return 'there is no /dev/fuse (modprobe fuse)'
  return process.getuid?.() === 0 ? undefined : 'mounting needs root (sudo npm test)'
}

/** A space of its own in a temporary folder, mounted by the real program. */
export class MountedSpace {
  readonly home = mkdtempSync(join(tmpdir(), 'broch-mount-'))
  readonly dir = join(this.home, 'mnt')
  readonly store = join(this.home, 'broch', 'store')
  log = ''
  readonly #flags: readonly string[]
  #child: ChildProcess | undefined

  /** @param flags - as of mount(8); with `allow_other` the folder is open to all users */
  constructor(flags: readonly string[] = []) {
    this.#flags = flags
    if (flags.includes('allow_other')) chmodSync(this.home, 0o755)
  }

  get pid(): number {
    return this.#child?.pid ?? 0
  }

  async mount(): Promise<void> {
    if (this.log === '') mkdirSync(this.dir, { recursive: true })
    const passfile = join(this.home, 'pass')
    writeFileSync(passfile, 'correct horse battery staple\n', { mode: 0o600 })
    const env = { ...process.env, BROCH_HOME: join(this.home, 'broch') }
    const options = this.#flags.length === 0 ? [] : ['-o', this.#flags.join(',')]
    const child = spawn(process.execPath, [BROCH, 'start', this.dir, '--passfile', passfile, ...options], { env, stdio: ['ignore', 'pipe', 'pipe'] })
    this.#child = child
    await new Promise<void>((ready, fail) => {
      const hear = (data: Buffer): void => {
        this.log += data.toString()
        if (data.toString().includes('Your space is at')) ready()
      }
      child.stdout.on('data', hear)
      child.stderr.on('data', hear)
      child.once('exit', (code) => {
        if (this.#child === child) this.#child = undefined
        fail(new Error(`broch ended with ${code}: ${this.log}`))
      })
    })
  }

  /** Ctrl-C; gives the exit code. */
  async stop(): Promise<number> {
    return this.#end('SIGINT')
  }

  async kill9(): Promise<void> {
    await this.#end('SIGKILL')
  }

  /** What the check finds in the store, which must not be mounted. */
  async fsck(): Promise<{ readonly sound: boolean; readonly problems: readonly unknown[] }> {
    const child = spawn(process.execPath, [BROCH, 'fsck', '--json', '--store', this.store, '--passfile', join(this.home, 'pass')], { stdio: ['ignore', 'pipe', 'inherit'] })
    let out = ''
    child.stdout.on('data', (data: Buffer) => (out += data.toString()))
    await once(child, 'close')
    return JSON.parse(out) as { sound: boolean; problems: unknown[] }
  }

  async dispose(): Promise<void> {
    if (this.#child !== undefined) await this.#end('SIGINT')
    if (readFileSync('/proc/mounts', 'utf8').includes(` ${this.dir} `)) await once(spawn('umount', ['-l', this.dir]), 'close')
    rmSync(this.home, { recursive: true, force: true })
  }

  async #end(signal: NodeJS.Signals): Promise<number> {
    const child = this.#child
    this.#child = undefined
    if (child === undefined) return 0
    const gone = once(child, 'exit')
    child.kill(signal)
    const [code] = (await gone) as [number | null]
    return code ?? -1
  }
}

/** Runs a shell script with `$M` as the mount; gives what it printed. Asynchronous: the mount is served elsewhere. */
export async function shell(space: MountedSpace, script: string): Promise<string> {
  const child = spawn('bash', ['-euo', 'pipefail', '-c', script], { env: { ...process.env, M: space.dir, T: space.home }, stdio: ['ignore', 'pipe', 'pipe'] })
  let out = ''
  let error = ''
  child.stdout.on('data', (data: Buffer) => (out += data.toString()))
  child.stderr.on('data', (data: Buffer) => (error += data.toString()))
  const [code] = (await once(child, 'close')) as [number]
  if (code !== 0) throw new Error(`exit ${code}: ${out}${error}`)
  return out.trim()
}
