/** A space of its own in a temporary folder, mounted for all users by the real program. */
import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'

const BROCH = fileURLToPath(new URL('../../bin/broch', import.meta.url))

export class RealMount {
  home = mkdtempSync(join(tmpdir(), 'broch-posix-'))
  dir = join(this.home, 'mnt')
  /** A second filesystem, for EXDEV. */
  other = join(this.home, 'tmpfs')
  log = ''
  #passfile = join(this.home, 'pass')
  #env = { ...process.env, BROCH_HOME: join(this.home, 'broch') }
  #child

  constructor() {
    chmodSync(this.home, 0o755)
    mkdirSync(this.dir)
    mkdirSync(this.other)
    spawnSync('mount', ['-t', 'tmpfs', 'broch-posix', this.other])
    writeFileSync(this.#passfile, 'correct horse battery staple\n', { mode: 0o600 })
    this.#broch('init', '--passfile', this.#passfile)
  }

  #broch(...args) {
    const { status, stderr } = spawnSync(process.execPath, [BROCH, ...args], { env: this.#env, encoding: 'utf8' })
    if (status !== 0) throw new Error(`broch ${args[0]} failed: ${stderr}`)
  }

  get isMounted() {
    return readFileSync('/proc/mounts', 'utf8').includes(` ${this.dir} `)
  }

  /** Whether `mount` stays in the foreground or not. */
  async mount() {
    const args = [BROCH, 'mount', this.dir, '-o', 'allow_other', '--passfile', this.#passfile]
    const child = spawn(process.execPath, args, { env: this.#env, stdio: ['ignore', 'pipe', 'pipe'] })
    for (const stream of [child.stdout, child.stderr]) stream.on('data', (data) => (this.log += data))
    this.#child = once(child, 'exit')
    let ended
    void this.#child.then(([code]) => (ended = code))
    while (!this.isMounted) {
      if (ended !== undefined && ended !== 0) throw new Error(`broch mount ended with ${ended}: ${this.log}`)
      await setTimeout(20)
    }
  }

  async stop() {
    if (this.isMounted) this.#broch('umount', this.dir)
    await this.#child
  }

  async dispose() {
    try {
      await this.stop()
    } finally {
      if (this.isMounted) spawnSync('umount', ['-l', this.dir])
      spawnSync('umount', [this.other])
      rmSync(this.home, { recursive: true, force: true })
    }
  }
}
