/**
 * Blocks and the stores that keep them.
 * @packageDocumentation
 */
import type { Brand } from '../lib/brand.js'

/** CIDv1 in binary: 0x01, codec varint (0x55 raw or 0x71 dag-cbor), 0x12 0x20, 32 bytes of sha2-256. Always 36 bytes. */
export type Cid = Brand<Uint8Array, 'Cid'>

export const CID_BYTES = 36
/** No block is longer: any IPFS node takes it. docs/format.md §3 */
export const MAX_BLOCK_BYTES = 1024 * 1024 + 65_536

export type Codec = 'raw' | 'dag-cbor'

export interface Block {
  readonly cid: Cid
  readonly bytes: Uint8Array
}

/** Some blocks are not at hand: fetch them and try again. Thrown by synchronous readers (docs/decisions/0002). */
export class NeedBlocks extends Error {
  override readonly name = 'NeedBlocks'
  readonly cids: readonly Cid[]

  constructor(cids: readonly Cid[]) {
    super(`${cids.length} blocks are not at hand`)
    this.cids = cids
  }
}

/**
 * Where blocks lie. Every implementation passes `test/contract/block-store.ts`.
 *
 * Durable: what was put is on the disk once `flush`, or a pointer swap begun after the put, has resolved.
 * Readable: from the moment `putMany` returns (before its promise resolves).
 */
export interface BlockStore {
  /**
   * The block, if it can be had without waiting; undefined says nothing about its being there.
   * The bytes may be a view that stays valid; the caller does not change them.
   * @param into - a buffer of the caller's that a store may use for it: then the bytes are valid as long as the buffer's
   * @throws BrochError CORRUPT when the stored record is damaged.
   */
  peek(cid: Cid, into?: Uint8Array): Uint8Array | undefined
  /** In the order asked; undefined for each that is not there. */
  getMany(cids: readonly Cid[]): Promise<(Uint8Array | undefined)[]>
  has(cid: Cid): Promise<boolean>
  /** The store keeps references to the bytes until the promise resolves. Putting what is there again is no error. */
  putMany(blocks: readonly Block[]): Promise<void>
  /** Forgets blocks; unknown ones are ignored. Space comes back by and by. */
  delete(cids: readonly Cid[]): Promise<void>
  flush(): Promise<void>
  /** Bytes of blocks kept, and what is free and total where they lie. */
  usage(): Promise<StoreUsage>
  close(): Promise<void>
}

export interface StoreUsage {
  readonly blocks: number
  readonly bytes: number
  readonly freeBytes: number
  readonly totalBytes: number
}
