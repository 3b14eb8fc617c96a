/**
 * Synchronous reading of blocks: from the store if they are at hand, else from what was fetched just now.
 * @packageDocumentation
 */
import { BrochError } from '../lib/error.js'
import { type BlockStore, type Cid, NeedBlocks } from './block.js'
import { cidKey, codecOf, formatCid, type Sha256, verifyBlock } from './cid.js'

export class BlockReader {
  readonly #blocks: BlockStore
  readonly #sha256: Sha256
  readonly #maxBytes: number
  /** In the order of arrival; dag-cbor ones were checked then. */
  readonly #fetched = new Map<string, Uint8Array>()
  #fetchedBytes = 0

  /** @param maxBytes - of fetched blocks kept; the last fetch is kept whole in any case */
  constructor(blocks: BlockStore, sha256: Sha256, maxBytes: number) {
    this.#blocks = blocks
    this.#sha256 = sha256
    this.#maxBytes = maxBytes
  }

  /**
   * A raw block, not hashed: its sealed box is what binds it.
   * @param into - as for {@link BlockStore.peek}
   * @throws NeedBlocks; BrochError CORRUPT.
   */
  fragment(cid: Cid, into?: Uint8Array): Uint8Array {
    const bytes = this.#blocks.peek(cid, into) ?? this.#fetched.get(cidKey(cid))
    if (bytes === undefined) throw new NeedBlocks([cid])
    return bytes
  }

  /** A block that has its hash. @throws NeedBlocks; BrochError CORRUPT. */
  verified(cid: Cid): Uint8Array {
    const bytes = this.#blocks.peek(cid)
    if (bytes === undefined) return this.#arrived(cid)
    verifyBlock(this.#sha256, cid, bytes)
    return bytes
  }

  #arrived(cid: Cid): Uint8Array {
    const bytes = this.#fetched.get(cidKey(cid))
    if (bytes === undefined) throw new NeedBlocks([cid])
    return bytes
  }

  /**
   * Gets what a reader lacked, so that it finds it when it runs again.
   * @throws BrochError MISSING_BLOCK when the store has not got one; CORRUPT.
   */
  async fetch(cids: readonly Cid[]): Promise<void> {
    const wanted = new Map(cids.map((cid) => [cidKey(cid), cid]))
    const order = [...wanted]
    const got = await this.#blocks.getMany(order.map(([, cid]) => cid))
    this.#makeRoom(got.reduce((sum, bytes) => sum + (bytes?.length ?? 0), 0))
    for (const [i, [key, cid]] of order.entries()) {
      const bytes = got[i]
      if (bytes === undefined) throw new BrochError('MISSING_BLOCK', `block ${formatCid(cid)} is not in the store`)
      if (codecOf(cid) === 'dag-cbor') verifyBlock(this.#sha256, cid, bytes)
      this.#keep(key, bytes)
    }
  }

  #keep(key: string, bytes: Uint8Array): void {
    this.#fetchedBytes += bytes.length - (this.#fetched.get(key)?.length ?? 0)
    this.#fetched.set(key, bytes)
  }

  #makeRoom(bytes: number): void {
    for (const [key, old] of this.#fetched) {
      if (this.#fetchedBytes + bytes <= this.#maxBytes) return
      this.#fetched.delete(key)
      this.#fetchedBytes -= old.length
    }
  }
}

/** Runs a synchronous reader until nothing is missing. @throws BrochError MISSING_BLOCK, CORRUPT. */
export async function whenFetched<T>(reader: BlockReader, step: () => T): Promise<T> {
  for (;;) {
    try {
      return step()
    } catch (error) {
      if (!(error instanceof NeedBlocks)) throw error
      await reader.fetch(error.cids)
    }
  }
}
