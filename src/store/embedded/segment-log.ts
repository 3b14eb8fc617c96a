/**
 * The log of a store: records appended to its last segment, made durable by one fdatasync. docs/format.md §6
 *
 * Everything but waiting for the disk is synchronous. After a sync that failed nothing more is written: the kernel may
 * have dropped what it could not write, and would not say so again.
 * @packageDocumentation
 */
import { toHex } from '../../lib/bytes.js'
import { BrochError, isBrochError } from '../../lib/error.js'
import type { Block, Cid } from '../block.js'
import type { SignedPointer } from '../pointer.js'
import type { Place } from './block-index.js'
import { DigestWriter } from './digest.js'
import { cidsOf, hintPath, type LogPlace, openLog, writeHint } from './log-open.js'
import type { LogState } from './log-state.js'
import { encodeHeader, type Forgotten, HEADER_BYTES, headerHasCid, joinForgotten, joinPointers, type LogRecord, makeRecord, putUint32, RECORD_KIND, splitForgotten } from './record.js'
import type { Reserve } from './reserve.js'
import { Segment } from './segment.js'
import { asStoreError, attempt } from './store-error.js'

export interface LogOptions extends LogPlace {
  readonly reserve: Reserve
  /** A name for the next segment file, never used before. */
  readonly randomName: () => string
  readonly segmentBytes: number
}

/** Written and not yet synced: past this a sync begins by itself, so that a commit finds little left to wait for. */
const UNSYNCED_BYTES = 16 * 1024 * 1024
const MARK_BYTES = HEADER_BYTES + 4
/** Places in one record: a record holds no more than a block may. */
const FORGOTTEN_A_RECORD = 100_000

/** `urgent` may use the reserve. */
export type Urgency = 'urgent' | 'patient'

/** A live block, and where its old record begins. */
export interface MovedBlock {
  readonly cid: Cid
  readonly payload: Uint8Array
  readonly offset: number
}

export interface Appended {
  readonly segment: Segment
  /** of the records' headers */
  readonly offsets: readonly number[]
}

export class SegmentLog {
  readonly state: LogState
  readonly #options: LogOptions
  #head: Segment | undefined
  /** of the head */
  #digest: DigestWriter
  /** Up to here the head says that it is synced. */
  #marked = 0
  #nextNumber: number
  #syncing: Promise<void> | undefined
  #failure: BrochError | undefined

  /** @throws BrochError CORRUPT, NEWER_FORMAT, IO */
  constructor(options: LogOptions) {
    this.#options = options
    const { state, digest } = openLog(options)
    this.state = state
    this.#digest = digest
    this.#head = [...state.segments.values()].at(-1)
    this.#marked = this.#head?.synced ?? 0
    this.#nextNumber = (this.#head?.number ?? 0) + 1
  }

  get head(): Segment | undefined {
    return this.#head
  }

  get segmentBytes(): number {
    return this.#options.segmentBytes
  }

  /** @throws BrochError READ_ONLY; IO after a sync that failed */
  checkWritable(): void {
    if (this.#options.readOnly) throw new BrochError('READ_ONLY', 'the store is open for reading only')
    if (this.#failure !== undefined) throw this.#failure
  }

  putBlocks(blocks: readonly Block[], urgency: Urgency): void {
    const { segment, offsets } = this.#append(blocks.map(({ cid, bytes }) => ({ kind: RECORD_KIND.block, cid, payload: bytes })), urgency)
    blocks.forEach(({ cid, bytes }, i) => {
      this.state.add(cid, segment, offsets[i] as number, bytes.length)
    })
  }

  /** Blocks that are in the index. */
  forget(cids: readonly Cid[]): void {
    const { state } = this
    const places: Forgotten[] = [...state.doubles]
    const known = cids.filter((cid) => {
      const place = state.index.get(cid)
      if (place !== undefined) places.push(place)
      return place !== undefined
    })
    if (known.length === 0) return
    this.#append(this.#forgetRecords(places), 'urgent')
    state.doubles = []
    for (const cid of known) state.drop(cid)
  }

  /** Copies of blocks go to the end, and their old places die. One append: both or neither. */
  moveBlocks(from: Segment, blocks: readonly MovedBlock[]): void {
    const copies = blocks.map(({ cid, payload }) => ({ kind: RECORD_KIND.block, cid, payload }))
    const forgets = this.#forgetRecords(blocks.map(({ offset }) => ({ segment: from.number, offset })))
    const { segment, offsets } = this.#append([...copies, ...forgets], 'urgent')
    blocks.forEach(({ cid, payload }, i) => {
      this.state.move(cid, segment, offsets[i] as number, payload.length)
    })
  }

  /** Puts again what a segment says that still counts: before it is removed. */
  carryOver(segment: Segment, places: readonly Forgotten[]): void {
    const { state } = this
    const pointers = [...state.pointers.values()].filter(({ segment: number }) => number === segment.number).map(({ pointer }) => pointer)
    const records = this.#forgetRecords(places)
    if (pointers.length > 0) records.push(makeRecord(this.#options.sha256, RECORD_KIND.pointer, joinPointers(pointers)))
    if (records.length === 0) return
    const { segment: to } = this.#append(records, 'urgent')
    for (const pointer of pointers) state.pointers.set(toHex(pointer.writer), { pointer, segment: to.number })
  }

  /** Not durable before the next `sync`. */
  appendPointers(pointers: readonly SignedPointer[]): void {
    const { segment } = this.#append([makeRecord(this.#options.sha256, RECORD_KIND.pointer, joinPointers(pointers))], 'urgent')
    for (const pointer of pointers) this.state.pointers.set(toHex(pointer.writer), { pointer, segment: segment.number })
  }

  #forgetRecords(places: readonly Forgotten[]): LogRecord[] {
    const records: LogRecord[] = []
    for (let i = 0; i < places.length; i += FORGOTTEN_A_RECORD) {
      records.push(makeRecord(this.#options.sha256, RECORD_KIND.forget, joinForgotten(places.slice(i, i + FORGOTTEN_A_RECORD))))
    }
    return records
  }

  /** All live blocks. What moves meanwhile may come twice. */
  *cids(): Generator<Cid> {
    for (const segment of this.state.segments.values()) yield* cidsOf(this.#options, this.state, segment)
  }

  /** Header and payload in one read, into the caller's buffer if it is large enough. @throws BrochError CORRUPT */
  read(cid: Cid, { segment: number, offset, length }: Place, into?: Uint8Array): Uint8Array {
    const segment = this.state.segments.get(number)
    const size = HEADER_BYTES + length
    const whole = into !== undefined && into.length >= size ? into.subarray(0, size) : this.#options.files.allocate(size)
    const got = segment?.read(whole, offset) ?? 0
    if (got < whole.length) throw new BrochError('CORRUPT', 'a segment of the store ends too early')
    if (!headerHasCid(whole, 0, cid)) throw new BrochError('CORRUPT', 'a record of the store is not the block it should be')
    return new Uint8Array(whole.buffer, whole.byteOffset + HEADER_BYTES, length)
  }

  #append(given: readonly LogRecord[], urgency: Urgency): Appended {
    this.checkWritable()
    try {
      return this.#appendOnce(given)
    } catch (error) {
      const full = isBrochError(error, 'NO_SPACE') || isBrochError(error, 'QUOTA')
      if (!full || urgency === 'patient' || !this.#options.reserve.release()) throw error
      return this.#appendOnce(given)
    }
  }

  #appendOnce(given: readonly LogRecord[]): Appended {
    const segment = this.#room()
    const records = this.#withMark(segment, given)
    const headers = new Uint8Array(records.length * HEADER_BYTES)
    const buffers: Uint8Array[] = []
    const offsets: number[] = []
    let at = segment.end
    for (const [i, { kind, cid, payload }] of records.entries()) {
      const header = headers.subarray(i * HEADER_BYTES, (i + 1) * HEADER_BYTES)
      encodeHeader(kind, payload.length, cid, header)
      buffers.push(header, payload)
      offsets.push(at)
      at += HEADER_BYTES + payload.length
    }
    segment.append(buffers)
    if (records.length > given.length) this.#marked = segment.synced
    this.#note(segment, records, headers, offsets)
    if (segment.end - segment.synced > UNSYNCED_BYTES) void this.sync().catch(() => undefined) // told by the next write
    return { segment, offsets: offsets.slice(records.length - given.length) }
  }

  /** What is synced is said so by the next append: at the next opening it is then known from a torn end. */
  #withMark(segment: Segment, records: readonly LogRecord[]): readonly LogRecord[] {
    if (segment.synced <= this.#marked) return records
    const payload = new Uint8Array(4)
    putUint32(payload, 0, segment.synced)
    return [makeRecord(this.#options.sha256, RECORD_KIND.mark, payload), ...records]
  }

  #note(segment: Segment, records: readonly LogRecord[], headers: Uint8Array, offsets: readonly number[]): void {
    for (const [i, { kind, payload }] of records.entries()) {
      this.#digest.add(headers.subarray(i * HEADER_BYTES, (i + 1) * HEADER_BYTES))
      if (kind !== RECORD_KIND.block) this.#digest.add(payload)
      if (kind === RECORD_KIND.forget) segment.addForgets(offsets[i] as number, splitForgotten(payload))
    }
  }

  /** The segment to append to. A full one is synced before the next begins, so only the last can be torn. */
  #room(): Segment {
    if (this.#head !== undefined && this.#head.end < this.#options.segmentBytes) return this.#head
    return this.roll()
  }

  /** Begins a new segment. */
  roll(): Segment {
    this.checkWritable()
    const { files, open, folder } = this.#options
    const full = this.#head
    full?.cutTorn()
    if (full !== undefined) this.#syncNow(full)
    const number = this.#nextNumber++ // also when it fails: two files never share a number
    const path = `${folder}/${String(number).padStart(8, '0')}-${this.#options.randomName()}`
    attempt('begin a segment of the store', () => {
      open.create(path)
      files.syncFolder(folder)
    })
    if (full !== undefined) writeHint(this.#options, full, this.#digest.bytes)
    const head = new Segment(files, open, { number, path, end: 0 })
    this.state.segments.set(head.number, head)
    this.#head = head
    this.#digest = new DigestWriter()
    this.#marked = 0
    return head
  }

  #syncNow(segment: Segment): void {
    try {
      segment.syncNow()
    } catch (error) {
      throw this.#fail(error)
    }
  }

  /**
   * Resolves when all that was appended before the call is on the disk; who waits together shares a sync.
   * @throws BrochError IO, NO_SPACE: then, and for ever after
   */
  async sync(): Promise<void> {
    const segment = this.#options.readOnly ? undefined : this.#head
    const end = segment?.end ?? 0
    while (segment !== undefined && segment.synced < end) {
      this.checkWritable()
      this.#syncing ??= this.#startSync()
      await this.#syncing
    }
    if (this.#failure !== undefined) throw this.#failure
  }

  async #startSync(): Promise<void> {
    try {
      await this.#head?.sync()
    } catch (error) {
      throw this.#fail(error)
    } finally {
      this.#syncing = undefined
    }
  }

  #fail(cause: unknown): BrochError {
    const said = asStoreError('sync the store', cause)
    this.#failure ??= new BrochError(said.code, `${said.message}: nothing more is written until the store is opened anew; what was committed before is kept`, { cause })
    return this.#failure
  }

  /** The file goes; its carried-over records must be durable. */
  remove(segments: readonly Segment[]): void {
    const { files, folder } = this.#options
    attempt('remove a segment of the store', () => {
      for (const segment of segments) {
        segment.remove()
        this.state.segments.delete(segment.number)
        files.remove(hintPath(this.#options, segment))
      }
      files.syncFolder(folder)
    })
    this.#options.reserve.restore()
  }

  /** Says at the end that all was synced, so that the next opening need not check it. */
  async close(): Promise<void> {
    try {
      await this.#syncing?.catch(() => undefined)
      if (!this.#options.readOnly && this.#failure === undefined) {
        await this.sync()
        if (this.#head !== undefined && this.#head.end > this.#marked + MARK_BYTES) this.#append([], 'urgent')
      }
    } finally {
      this.#options.open.closeAll()
    }
  }
}
