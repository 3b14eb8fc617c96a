/**
 * Blocks and pointers in one folder: an append-only log of segments, indexed in memory. docs/format.md §6
 *
 * A pointer is a record after its blocks, so one fdatasync makes a commit durable. The index is rebuilt from the
 * records' headers at open.
 * @packageDocumentation
 */
import { randomBytes } from 'node:crypto'
import { closeSync, existsSync, fsyncSync, mkdirSync, openSync, readdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { statfs } from 'node:fs/promises'
import { join } from 'node:path'
import type { Crypto, PublicSignKey } from '../../crypto/crypto.js'
import { concatBytes, toHex } from '../../lib/bytes.js'
import { BrochError } from '../../lib/error.js'
import { type Block, type BlockStore, CID_BYTES, type Cid, type StoreUsage } from '../block.js'
import { cidFromKey, cidKey, makeCid } from '../cid.js'
import type { PointerStore, SignedPointer } from '../pointer.js'
import { decodePointer, encodePointer, verifyPointer } from '../root.js'
import { takeLock } from './lock.node.js'
import { decodeHeader, encodeHeader, HEADER_BYTES, RECORD_KIND, type RecordHeader } from './record.js'
import { attempt, Segment } from './segment.node.js'

const FORMAT = 'broch store 1\n'
const SEGMENT_BYTES = 64 * 1024 * 1024

interface Place {
  readonly segment: Segment
  readonly offset: number
  readonly length: number
}

export interface EmbeddedOptions {
  readonly dir: string
  readonly crypto: Crypto
  readonly create?: boolean
}

export class EmbeddedStore implements BlockStore, PointerStore {
  readonly #dir: string
  readonly #crypto: Crypto
  readonly #unlock: () => void
  readonly #index = new Map<string, Place>()
  readonly #pointers = new Map<string, { readonly pointer: SignedPointer; readonly segment: Segment }>()
  #segments: Segment[] = []
  #nextNumber = 1
  #bytes = 0

  private constructor(options: EmbeddedOptions, unlock: () => void) {
    this.#dir = options.dir
    this.#crypto = options.crypto
    this.#unlock = unlock
  }

  /** @throws BrochError NO_STORE, STORE_EXISTS, STORE_LOCKED, NEWER_FORMAT, READ_ONLY, CORRUPT, IO */
  static open(options: EmbeddedOptions): EmbeddedStore {
    const { dir, create = false } = options
    const format = join(dir, 'format')
    if (create && existsSync(format)) throw new BrochError('STORE_EXISTS', 'there is a store already')
    if (!create && !existsSync(format)) throw new BrochError('NO_STORE', 'there is no store here')
    if (create) attempt('make the store', () => mkdirSync(join(dir, 'segments'), { recursive: true, mode: 0o700 }))
    else checkFormat(readFileSync(format, 'utf8'))
    const store = new EmbeddedStore(options, takeLock(join(dir, 'lock')))
    try {
      if (create) writeDurably(dir, 'format', new TextEncoder().encode(FORMAT))
      else store.#load()
    } catch (error) {
      store.#unlock()
      throw error
    }
    return store
  }

  readAccount(): Uint8Array {
    return attempt('read the account record', () => new Uint8Array(readFileSync(join(this.#dir, 'account'))))
  }

  /** In one step: the old record or the new one is there, whatever happens. */
  writeAccount(record: Uint8Array): void {
    writeDurably(this.#dir, 'account', record)
  }

  peek(cid: Cid): Uint8Array | undefined {
    const place = this.#index.get(cidKey(cid))
    if (place === undefined) return undefined
    const bytes = place.segment.read(place.offset, place.length)
    if (bytes.length !== place.length) throw new BrochError('CORRUPT', 'a segment of the store ends too early')
    return bytes
  }

  getMany(cids: readonly Cid[]): Promise<(Uint8Array | undefined)[]> {
    return Promise.resolve().then(() => cids.map((cid) => this.peek(cid)))
  }

  /** All blocks, in no order. */
  *cids(): Generator<Cid> {
    for (const key of this.#index.keys()) yield cidFromKey(key)
  }

  has(cid: Cid): Promise<boolean> {
    return Promise.resolve(this.#index.has(cidKey(cid)))
  }

  putMany(blocks: readonly Block[]): Promise<void> {
    try {
      const fresh = new Map<string, Block>()
      for (const block of blocks) if (!this.#index.has(cidKey(block.cid))) fresh.set(cidKey(block.cid), block)
      if (fresh.size > 0) this.#putFresh([...fresh.values()])
      return Promise.resolve()
    } catch (error) {
      return Promise.reject(error)
    }
  }

  delete(cids: readonly Cid[]): Promise<void> {
    return Promise.resolve().then(() => {
      const known = cids.filter((cid) => this.#index.has(cidKey(cid)))
      if (known.length === 0) return
      // a record holds at most a block's bytes
      for (let i = 0; i < known.length; i += 20_000) this.#append(RECORD_KIND.forget, [concatBytes(known.slice(i, i + 20_000))])
      for (const cid of known) this.#forget(cidKey(cid))
      this.#removeDead()
    })
  }

  flush(): Promise<void> {
    return Promise.resolve().then(() => this.#segments.at(-1)?.sync())
  }

  async usage(): Promise<StoreUsage> {
    const { bavail, blocks, bsize } = await statfs(this.#dir)
    return { blocks: this.#index.size, bytes: this.#bytes, freeBytes: bavail * bsize, totalBytes: blocks * bsize }
  }

  get(writer: PublicSignKey): Promise<SignedPointer | undefined> {
    return Promise.resolve(this.#pointers.get(toHex(writer))?.pointer)
  }

  swap(given: readonly SignedPointer[]): Promise<void> {
    const pointers = given.map(copyPointer) // the caller may use its buffers again
    return Promise.resolve().then(() => {
      for (const pointer of pointers) {
        verifyPointer(this.#crypto, pointer.writer, pointer)
        const sequence = this.#pointers.get(toHex(pointer.writer))?.pointer.sequence ?? 0
        if (pointer.sequence !== sequence + 1) throw new BrochError('CONFLICT', 'another update of this root came first')
      }
      const { segment } = this.#append(RECORD_KIND.pointer, [joinPointers(pointers)])
      segment.sync()
      for (const pointer of pointers) this.#pointers.set(toHex(pointer.writer), { pointer, segment })
    })
  }

  close(): Promise<void> {
    return Promise.resolve().then(() => {
      this.#segments.at(-1)?.sync()
      for (const segment of this.#segments) segment.close()
      this.#unlock()
    })
  }

  #putFresh(blocks: readonly Block[]): void {
    const { segment, offsets } = this.#append(
      RECORD_KIND.block,
      blocks.map(({ bytes }) => bytes),
      blocks.map(({ cid }) => cid),
    )
    blocks.forEach(({ cid, bytes }, i) => {
      this.#add(cidKey(cid), { segment, offset: offsets[i] as number, length: bytes.length })
    })
  }

  #append(kind: RecordHeader['kind'], payloads: readonly Uint8Array[], cids?: readonly Cid[]): { segment: Segment; offsets: number[] } {
    const segment = this.#head()
    const { sha256 } = this.#crypto
    const buffers: Uint8Array[] = []
    const offsets: number[] = []
    let at = segment.end
    payloads.forEach((payload, i) => {
      const cid = cids?.[i] ?? makeCid(sha256, 'raw', payload)
      buffers.push(encodeHeader(sha256, { kind, length: payload.length, cid }), payload)
      offsets.push(at + HEADER_BYTES)
      at += HEADER_BYTES + payload.length
    })
    segment.append(buffers)
    return { segment, offsets }
  }

  /** The segment to append to. A full one is synced before the next begins, so only the last can be torn. */
  #head(): Segment {
    const last = this.#segments.at(-1)
    if (last !== undefined && last.end < SEGMENT_BYTES) return last
    last?.sync()
    const number = String(this.#nextNumber++).padStart(8, '0')
    const path = join(this.#dir, 'segments', `${number}-${randomBytes(12).toString('hex')}`)
    const segment = new Segment(path, 'wx+')
    syncFolder(join(this.#dir, 'segments'))
    this.#segments.push(segment)
    return segment
  }

  #add(key: string, place: Place): void {
    this.#index.set(key, place)
    place.segment.live += place.length
    this.#bytes += place.length
  }

  #forget(key: string): void {
    const place = this.#index.get(key)
    if (place === undefined) return
    this.#index.delete(key)
    place.segment.live -= place.length
    this.#bytes -= place.length
  }

  /** Oldest first and no further than the first in use: what a segment says to forget lies in older ones. */
  #removeDead(): void {
    const used = new Set([...this.#pointers.values()].map(({ segment }) => segment))
    while (this.#segments.length > 1) {
      const oldest = this.#segments[0] as Segment
      if (oldest.live > 0 || used.has(oldest)) return
      this.#segments.shift()
      oldest.remove()
    }
  }

  #load(): void {
    const folder = join(this.#dir, 'segments')
    const names = attempt('list the store', () => readdirSync(folder)).sort()
    this.#segments = names.map((name) => new Segment(join(folder, name), 'r+'))
    this.#nextNumber = 1 + Number.parseInt(names.at(-1) ?? '0', 10)
    this.#segments.forEach((segment, i) => {
      this.#scan(segment, i === this.#segments.length - 1)
    })
  }

  /** @param isLast - its end may be torn: verified by content, and cut at the first bad record */
  #scan(segment: Segment, isLast: boolean): void {
    let at = 0
    while (at < segment.end) {
      const header = decodeHeader(this.#crypto.sha256, segment.read(at, HEADER_BYTES))
      const next = at + HEADER_BYTES + (header?.length ?? 0)
      if (header === undefined || next > segment.end || (isLast && !this.#isWhole(segment, at, header))) {
        if (!isLast) throw new BrochError('CORRUPT', `a segment of the store is damaged at byte ${at}`)
        segment.truncate(at)
        return
      }
      this.#apply(segment, at + HEADER_BYTES, header)
      at = next
    }
  }

  #isWhole(segment: Segment, at: number, header: RecordHeader): boolean {
    const payload = segment.read(at + HEADER_BYTES, header.length)
    const digest = this.#crypto.sha256(payload)
    return digest.every((byte, i) => byte === header.cid[CID_BYTES - 32 + i])
  }

  #apply(segment: Segment, offset: number, { kind, length, cid }: RecordHeader): void {
    if (kind === RECORD_KIND.block) {
      this.#forget(cidKey(cid))
      this.#add(cidKey(cid), { segment, offset, length })
      return
    }
    const payload = segment.read(offset, length)
    if (kind === RECORD_KIND.pointer) {
      for (const pointer of splitPointers(payload)) this.#pointers.set(toHex(pointer.writer), { pointer, segment })
      return
    }
    for (let i = 0; i + CID_BYTES <= payload.length; i += CID_BYTES) this.#forget(cidKey(payload.subarray(i, i + CID_BYTES) as Cid))
  }
}

function copyPointer({ writer, sequence, root, signature }: SignedPointer): SignedPointer {
  const copy = <T extends Uint8Array>(bytes: T): T => bytes.slice() as T
  return { writer: copy(writer), sequence, root: copy(root), signature: copy(signature) }
}

/** All pointers of a swap in one record, each after its length in two bytes: all of them count or none. */
function joinPointers(pointers: readonly SignedPointer[]): Uint8Array {
  return concatBytes(
    pointers.flatMap((pointer) => {
      const bytes = encodePointer(pointer)
      return [Uint8Array.of(bytes.length >> 8, bytes.length & 255), bytes]
    }),
  )
}

function splitPointers(payload: Uint8Array): SignedPointer[] {
  const pointers: SignedPointer[] = []
  for (let at = 0; at + 2 <= payload.length; ) {
    const length = ((payload[at] as number) << 8) | (payload[at + 1] as number)
    pointers.push(decodePointer(payload.subarray(at + 2, at + 2 + length)))
    at += 2 + length
  }
  return pointers
}

function checkFormat(text: string): void {
  if (text === FORMAT) return
  throw new BrochError('NEWER_FORMAT', `the store has another format (${JSON.stringify(text.trim().slice(0, 40))}); this program knows ${FORMAT.trim()}`)
}

function writeDurably(dir: string, name: string, bytes: Uint8Array): void {
  attempt(`write ${name}`, () => {
    writeFileSync(join(dir, `${name}.new`), bytes, { mode: 0o600, flush: true })
    renameSync(join(dir, `${name}.new`), join(dir, name))
    syncFolder(dir)
  })
}

function syncFolder(dir: string): void {
  const fd = openSync(dir, 'r')
  fsyncSync(fd)
  closeSync(fd)
}
