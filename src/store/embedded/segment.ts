/**
 * One file of the log: appended to, read by position.
 * @packageDocumentation
 */
import { BrochError } from '../../lib/error.js'
import type { OpenFiles } from './open-files.js'
import type { Forgotten } from './record.js'
import { asStoreError, attempt } from './store-error.js'
import type { StoreFiles } from './store-files.js'

/** The most buffers one writev(2) takes. */
const IOV_MAX = 1024

export class Segment {
  readonly number: number
  readonly path: string
  readonly #files: StoreFiles
  readonly #open: OpenFiles
  /** Where the next record goes. */
  end: number
  /** Bytes of live block records, headers included. */
  live = 0
  /** All before this is on the disk, come what may. */
  synced = 0
  /** What the file has after `end` is torn and goes before anything is appended. */
  torn = false
  /** Where its records of places to forget begin. */
  readonly forgets: number[] = []
  /** How many of those places are in which segment. */
  readonly forgetsIn = new Map<number, number>()

  constructor(files: StoreFiles, open: OpenFiles, place: { readonly number: number; readonly path: string; readonly end: number }) {
    this.#files = files
    this.#open = open
    this.number = place.number
    this.path = place.path
    this.end = place.end
  }

  /** A record of places to forget is in this segment. */
  addForgets(offset: number, places: readonly Forgotten[]): void {
    this.forgets.push(offset)
    for (const { segment } of places) this.forgetsIn.set(segment, (this.forgetsIn.get(segment) ?? 0) + 1)
  }

  /**
   * All of the buffers or none of them.
   * @throws BrochError NO_SPACE, QUOTA, IO
   */
  append(buffers: readonly Uint8Array[]): number {
    const start = this.end
    this.cutTorn()
    const file = attempt('open a segment of the store', () => this.#open.get(this.path))
    try {
      let at = start
      for (let i = 0; i < buffers.length; i += IOV_MAX) at = this.#writeAll(file, buffers.slice(i, i + IOV_MAX), at)
      this.end = at
    } catch (error) {
      this.#cut(file, start)
      throw asStoreError('write to the store', error)
    }
    return start
  }

  #writeAll(file: number, buffers: readonly Uint8Array[], at: number): number {
    let rest = buffers
    let end = at
    while (rest.length > 0) {
      let written = this.#files.write(file, rest, end)
      if (written === 0 && rest.some(({ length }) => length > 0)) throw new BrochError('IO', 'the disk takes no bytes')
      end += written
      let whole = 0
      while (whole < rest.length && written >= (rest[whole] as Uint8Array).length) written -= (rest[whole++] as Uint8Array).length
      if (whole === rest.length) return end
      rest = [(rest[whole] as Uint8Array).subarray(written), ...rest.slice(whole + 1)]
    }
    return end
  }

  /** Before anything is written after it: what is torn must never be taken for a record. */
  cutTorn(): void {
    if (this.torn) this.#cut(attempt('open a segment of the store', () => this.#open.get(this.path)), this.end)
  }

  #cut(file: number, end: number): void {
    try {
      this.#files.truncate(file, end)
      this.torn = false
    } catch (error) {
      this.torn = true
      throw new BrochError('IO', 'a segment of the store could not be cut back to its last whole record', { cause: error })
    }
  }

  /** Fills the buffer. @returns bytes read; fewer at the end of the file */
  read(into: Uint8Array, at: number): number {
    return attempt('read from the store', () => this.#files.read(this.#open.get(this.path), into, at))
  }

  async sync(): Promise<void> {
    const { end } = this
    await this.#open.pinned(this.path, (file) => this.#files.sync(file))
    this.synced = Math.max(this.synced, end)
  }

  syncNow(): void {
    if (this.synced === this.end) return
    this.#files.syncNow(this.#open.get(this.path))
    this.synced = this.end
  }

  remove(): void {
    this.#open.close(this.path)
    this.#files.remove(this.path)
  }
}
