/**
 * Blocks and pointers in a log of segments. docs/format.md §6
 *
 * A pointer is a record after its blocks, so one fdatasync makes a commit durable. All but waiting for it is synchronous.
 * @packageDocumentation
 */
import type { Crypto, PublicSignKey } from '../../crypto/crypto.js'
import { toHex } from '../../lib/bytes.js'
import { BrochError } from '../../lib/error.js'
import type { Block, BlockStore, Cid, StoreUsage } from '../block.js'
import { cidKey, codecOf } from '../cid.js'
import type { PointerStore, SignedPointer } from '../pointer.js'
import { verifyPointer } from '../root.js'
import { Compaction } from './compaction.js'
import type { OpenFiles } from './open-files.js'
import type { Reserve } from './reserve.js'
import { SegmentLog } from './segment-log.js'
import type { StoreFiles } from './store-files.js'

export interface LogStoreOptions {
  readonly crypto: Crypto
  readonly files: StoreFiles
  readonly open: OpenFiles
  readonly reserve: Reserve
  /** of the store */
  readonly folder: string
  readonly readOnly: boolean
  readonly segmentBytes?: number
  /** Bytes free, and in all, where the store lies. */
  readonly room: () => Promise<{ readonly freeBytes: number; readonly totalBytes: number }>
}

const SEGMENT_BYTES = 64 * 1024 * 1024

export class LogStore implements BlockStore, PointerStore {
  readonly readOnly: boolean
  readonly #options: LogStoreOptions
  readonly #log: SegmentLog
  readonly #compaction: Compaction

  /** @throws BrochError CORRUPT, NEWER_FORMAT, IO */
  constructor(options: LogStoreOptions) {
    const { crypto, folder } = options
    this.#options = options
    this.readOnly = options.readOnly
    this.#log = new SegmentLog({
      ...options,
      sha256: crypto.sha256,
      folder: `${folder}/segments`,
      hints: `${folder}/hints`,
      randomName: () => toHex(crypto.randomBytes(12)),
      segmentBytes: options.segmentBytes ?? SEGMENT_BYTES,
    })
    this.#compaction = new Compaction(this.#log, crypto.sha256)
    if (!this.readOnly) {
      options.reserve.restore()
      this.#compaction.start()
    }
  }

  /** What was found damaged at opening: for people. What it held is missing, everything else is there. */
  get damage(): readonly string[] {
    return this.#log.state.damage
  }

  peek(cid: Cid, into?: Uint8Array): Uint8Array | undefined {
    const place = this.#log.state.index.get(cid)
    return place === undefined ? undefined : this.#log.read(cid, place, into)
  }

  async getMany(cids: readonly Cid[]): Promise<(Uint8Array | undefined)[]> {
    return cids.map((cid) => this.peek(cid))
  }

  /** All blocks, in no order. Slow: reads every header. */
  cids(): Generator<Cid> {
    return this.#log.cids()
  }

  async has(cid: Cid): Promise<boolean> {
    return this.#log.state.index.has(cid)
  }

  putMany(blocks: readonly Block[]): Promise<void> {
    try {
      this.#put(blocks)
      return Promise.resolve()
    } catch (error) {
      return Promise.reject(error)
    }
  }

  /** Nodes may use the reserve: they are what a commit, one that deletes too, is made of. File data may not. */
  #put(blocks: readonly Block[]): void {
    this.#log.checkWritable()
    const fresh = new Map<string, Block>()
    for (const block of blocks) if (!this.#log.state.index.has(block.cid)) fresh.set(cidKey(block.cid), block)
    if (fresh.size === 0) return
    const list = [...fresh.values()]
    const isData = list.some(({ cid }) => codecOf(cid) === 'raw')
    if (isData && !this.#options.reserve.restore()) throw new BrochError('NO_SPACE', 'the disk is full: delete something first', { retry: true })
    this.#log.putBlocks(list, isData ? 'patient' : 'urgent')
  }

  async delete(cids: readonly Cid[]): Promise<void> {
    this.#log.checkWritable()
    this.#log.forget(cids)
    this.#compaction.start()
  }

  flush(): Promise<void> {
    return this.#log.sync()
  }

  /** No room is free for file data while the reserve is in use. */
  async usage(): Promise<StoreUsage> {
    const { state } = this.#log
    const { freeBytes, totalBytes } = await this.#options.room()
    return { blocks: state.index.size, bytes: state.bytes, freeBytes: this.#options.reserve.whole || this.readOnly ? freeBytes : 0, totalBytes }
  }

  async get(writer: PublicSignKey): Promise<SignedPointer | undefined> {
    return this.#log.state.pointers.get(toHex(writer))?.pointer
  }

  async swap(given: readonly SignedPointer[]): Promise<void> {
    this.#log.checkWritable()
    const pointers = given.map(copyPointer) // the caller may use its buffers again
    const writers = new Set<string>()
    for (const pointer of pointers) {
      verifyPointer(this.#options.crypto, pointer.writer, pointer)
      const writer = toHex(pointer.writer)
      if (writers.has(writer)) throw new BrochError('INVALID', 'two pointers of one writer in one swap')
      writers.add(writer)
      const sequence = this.#log.state.pointers.get(writer)?.pointer.sequence ?? 0
      if (pointer.sequence !== sequence + 1) throw new BrochError('CONFLICT', 'another update of this root came first')
    }
    this.#log.appendPointers(pointers)
    await this.#log.sync()
  }

  /** Resolves when all space has come back that is worth its while; otherwise that goes on in the background. */
  compact(): Promise<void> {
    this.#log.checkWritable()
    return this.#compaction.finish()
  }

  async close(): Promise<void> {
    if (!this.readOnly) await this.#compaction.stop()
    await this.#log.close()
  }
}

function copyPointer({ writer, sequence, root, signature }: SignedPointer): SignedPointer {
  const copy = <T extends Uint8Array>(bytes: T): T => new Uint8Array(bytes) as T
  return { writer: copy(writer), sequence, root: copy(root), signature: copy(signature) }
}
