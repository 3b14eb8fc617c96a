/**
 * One mount, from the open space to a clean end: by a signal, by `broch umount`, or by whoever unmounts it.
 *
 * Order of the end: commit, unmount, commit what came between, let go of the store, answer who asked.
 * @packageDocumentation
 */
import { resolve } from 'node:path'
import { setFlagsFromString } from 'node:v8'
import { type OpenEmbeddedSpace, openSpace } from '../app/embedded-space.node.js'
import type { OpenSpace } from '../app/space.js'
import { type Mounted, mountFilesystem } from '../fuse/mount.node.js'
import type { MountOptions } from '../fuse/mount-options.js'
import type { TransportName } from '../fuse/transport.js'
import { BrochError } from '../lib/error.js'
import type { Answer, Ask, MountStatus } from './control-protocol.js'
import { ControlServer } from './control-server.js'
import { showBytes, showCount } from './safe-text.js'
import { whileUnmounted } from './unmounted-space.js'
import type { Voice } from './voice.js'

export interface MountRequest {
  readonly store: string
  readonly dir: string
  readonly passphrase: Uint8Array
  readonly options: MountOptions
  readonly transport: TransportName
  /** folder of the control socket */
  readonly run: string
  /** Take a store that is older than what this device saw. */
  readonly acceptRollback: boolean
}

/** A heap grows by half of what lives in it, and not to four times as much, before it is swept: a third less memory at the peak. */
setFlagsFromString('--heap-growing-percent=50')

/** Between two tries to commit for the last time. */
const RETRY_MS = 3000
const LAST_COMMIT_TRIES = 100
/** After being told to end in any case. */
const FORCED_TRIES = 3
/** Input or output failed: docs/cli.md */
const EXIT_LOST = 17

/**
 * Resolves when the mount is gone and everything is in the store.
 * @param ready - called once the mount is there, with what the user should know besides
 */
export async function runMount(request: MountRequest, voice: Voice, ready: (dir: string, notes: readonly string[]) => void): Promise<void> {
  const { options, transport, acceptRollback } = request
  const { readOnly, atime, noDirAtime } = options
  const space = await whileUnmounted(request.store, () => openSpace(request.store, request.passphrase, { readOnly, atime, noDirAtime, acceptRollback }))
  let session: MountSession
  try {
    const mounted = await mountFilesystem(space.fs, request.dir, { options, transport, onFault: (error) => voice.fault(error) })
    session = new MountSession(space, mounted, voice, { store: resolve(request.store), readOnly: space.readOnly, transport })
  } catch (error) {
    await space.close()
    throw error
  }
  const control = await ControlServer.listen(request.run, (ask) => session.answer(ask)).catch((error: unknown) => voice.fault(error))
  const signals = session.hearSignals()
  try {
    ready(session.dir, notesOf(space, readOnly))
    await session.ended
  } finally {
    signals.release()
    await control?.close()
  }
}

function notesOf(space: OpenEmbeddedSpace, readOnly: boolean): string[] {
  const notes = space.warning === undefined ? [] : [`Warning: ${space.warning}`]
  if (space.readOnly && !readOnly) notes.push('Read-only: the store folder cannot be written to.')
  return notes
}

class MountSession {
  readonly dir: string
  /** The space is closed; rejects when the last commit failed for good. */
  readonly ended: Promise<void>
  readonly #space: OpenSpace
  readonly #mounted: Mounted
  readonly #voice: Voice
  readonly #facts: Pick<MountStatus, 'store' | 'readOnly' | 'transport'>
  readonly #since = new Date().toISOString()
  #letGo: () => void = () => undefined
  #isGone = false
  #isForced = false

  constructor(space: OpenSpace, mounted: Mounted, voice: Voice, facts: Pick<MountStatus, 'store' | 'readOnly' | 'transport'>) {
    this.dir = mounted.dir
    this.#space = space
    this.#mounted = mounted
    this.#voice = voice
    this.#facts = facts
    const forced = new Promise<void>((done) => {
      this.#letGo = done
    })
    this.ended = Promise.race([mounted.done, forced]).then(() => {
      this.#isGone = true
      return this.#close()
    })
    this.ended.catch(() => undefined) // told to whoever waits for it
  }

  async answer(ask: Ask): Promise<Answer> {
    if (ask.ask === 'status') return { ok: true, status: await this.#status() }
    await this.end(ask.force)
    await this.ended
    return { ok: true }
  }

  /**
   * What cannot be committed is not unmounted.
   * @param force - detach even though files are open; they get errors, what they wrote is kept if the store takes it
   * @throws BrochError MOUNT_BUSY; of the commit, unless forced
   */
  async end(force: boolean): Promise<void> {
    if (!force) return this.#mounted.unmount()
    this.#isForced = true
    await this.#mounted.unmount({ force: true }).catch((error: unknown) => this.#voice.fault(error)) // it may be detached already
    this.#letGo()
  }

  /** SIGINT asks nicely, then forces; SIGTERM and SIGHUP end in any case. */
  hearSignals(): { release(): void } {
    let asked = 0
    const interrupt = (): void => {
      asked += 1
      if (!this.#isGone) this.#attempt(asked > 1)
      else if (asked > 1) process.exit(EXIT_LOST)
      else this.#voice.say('Unmounted; the last changes are being written. Pressing Ctrl-C again loses them.')
    }
    const terminate = (): void => {
      this.end(false).catch(() => this.#attempt(true))
    }
    process.on('SIGINT', interrupt).on('SIGTERM', terminate).on('SIGHUP', terminate)
    return { release: () => process.off('SIGINT', interrupt).off('SIGTERM', terminate).off('SIGHUP', terminate) }
  }

  #attempt(force: boolean): void {
    const { bytes, inodes } = this.#space.fs.dirty
    if (force) this.#voice.say('Detaching: files that are open there get errors, what was written is kept.')
    else if (inodes > 0) this.#voice.say(`Unmounting: ${showBytes(bytes)} in ${showCount(inodes, 'file')} to be written to the store ...`)
    this.end(force).catch((error: unknown) => {
      const why = error instanceof BrochError ? error.message : 'unmounting failed'
      this.#voice.say(`Not unmounted: ${why}. Close what is open there and run umount, or press Ctrl-C again to force.`)
    })
  }

  /** A full disk may have room again: what is dirty would be lost. */
  async #close(): Promise<void> {
    for (let tries = 1; ; tries++) {
      try {
        return await this.#space.close()
      } catch (error) {
        this.#voice.fault(error)
        const mayPass = error instanceof BrochError && ['NO_SPACE', 'QUOTA', 'IO'].includes(error.code)
        if (!mayPass || tries >= (this.#isForced ? FORCED_TRIES : LAST_COMMIT_TRIES)) throw error
        if (tries === 1) this.#voice.say('The last changes cannot be written yet; trying again until they can. Ending the process now loses them.')
        await new Promise((resolve) => setTimeout(resolve, RETRY_MS))
      }
    }
  }

  async #status(): Promise<MountStatus> {
    const { dir } = this
    return { dir, ...this.#facts, pid: process.pid, since: this.#since, ...(await this.#space.status()) }
  }
}
