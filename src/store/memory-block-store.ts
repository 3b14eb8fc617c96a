/**
 * Blocks in memory: for tests, browsers, and as a model of what the others must do.
 * @packageDocumentation
 */
import type { Block, BlockStore, Cid, StoreUsage } from './block.js'
import { cidKey } from './cid.js'

export interface MemoryBlockStoreOptions {
  /** What `usage` gives as the room there is; nothing is refused because of it. */
  readonly totalBytes?: number
}

export class MemoryBlockStore implements BlockStore {
  readonly #blocks = new Map<string, Block>()
  readonly #totalBytes: number
  #bytes = 0

  constructor(options: MemoryBlockStoreOptions = {}) {
    this.#totalBytes = options.totalBytes ?? 2 ** 40
  }

  peek(cid: Cid): Uint8Array | undefined {
    return this.#blocks.get(cidKey(cid))?.bytes
  }

  async getMany(cids: readonly Cid[]): Promise<(Uint8Array | undefined)[]> {
    return cids.map((cid) => this.peek(cid))
  }

  async has(cid: Cid): Promise<boolean> {
    return this.#blocks.has(cidKey(cid))
  }

  putMany(blocks: readonly Block[]): Promise<void> {
    for (const { cid, bytes } of blocks) {
      const key = cidKey(cid)
      if (this.#blocks.has(key)) continue
      // copies, because the caller may use its buffers again
      this.#blocks.set(key, { cid: cid.slice() as Cid, bytes: bytes.slice() })
      this.#bytes += bytes.length
    }
    return Promise.resolve()
  }

  delete(cids: readonly Cid[]): Promise<void> {
    for (const cid of cids) {
      const key = cidKey(cid)
      this.#bytes -= this.#blocks.get(key)?.bytes.length ?? 0
      this.#blocks.delete(key)
    }
    return Promise.resolve()
  }

  async flush(): Promise<void> {}

  async usage(): Promise<StoreUsage> {
    const freeBytes = Math.max(0, this.#totalBytes - this.#bytes)
    return { blocks: this.#blocks.size, bytes: this.#bytes, freeBytes, totalBytes: this.#totalBytes }
  }

  async close(): Promise<void> {}

  /** Every block, in the order of arrival. */
  blocks(): IterableIterator<Block> {
    return this.#blocks.values()
  }
}
