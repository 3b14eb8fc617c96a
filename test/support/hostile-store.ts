/**
 * Stores that keep all they ever had and may lie in each answer.
 * @packageDocumentation
 */
import { sodiumCrypto as crypto } from '../../src/crypto/sodium.node.js'
import type { PublicSignKey } from '../../src/crypto/crypto.js'
import type { Block, BlockStore, Cid, StoreUsage } from '../../src/store/block.js'
import { cidKey } from '../../src/store/cid.js'
import { MemoryBlockStore } from '../../src/store/memory-block-store.js'
import { MemoryPointerStore } from '../../src/store/memory-pointer-store.js'
import type { PointerStore, SignedPointer } from '../../src/store/pointer.js'

type Answer = Uint8Array | undefined

export class HostileBlockStore implements BlockStore {
  /** every block it was ever given, deleted ones too, in the order of arrival */
  readonly history = new Map<string, Block>()
  readonly #kept = new MemoryBlockStore()
  /** What is answered instead of the truth. */
  lie: ((cid: Cid, truth: Answer) => Answer) | undefined
  /** false: blocks come from afar, by `getMany` only */
  readonly local: boolean

  constructor(local: boolean) {
    this.local = local
  }

  /** What a reader of the newest root can ask for. */
  live(): Block[] {
    return [...this.#kept.blocks()]
  }

  peek(cid: Cid): Answer {
    return this.local ? this.#answer(cid) : undefined
  }

  getMany(cids: readonly Cid[]): Promise<Answer[]> {
    return Promise.resolve().then(() => cids.map((cid) => this.#answer(cid)))
  }

  has(cid: Cid): Promise<boolean> {
    return Promise.resolve(this.#answer(cid) !== undefined)
  }

  putMany(blocks: readonly Block[]): Promise<void> {
    for (const block of blocks) this.history.set(cidKey(block.cid), { cid: block.cid.slice() as Cid, bytes: block.bytes.slice() })
    return this.#kept.putMany(blocks)
  }

  delete(cids: readonly Cid[]): Promise<void> {
    return this.#kept.delete(cids)
  }

  flush(): Promise<void> {
    return this.#kept.flush()
  }

  usage(): Promise<StoreUsage> {
    return this.#kept.usage()
  }

  close(): Promise<void> {
    return this.#kept.close()
  }

  #answer(cid: Cid): Answer {
    const truth = this.#kept.peek(cid) ?? this.history.get(cidKey(cid))?.bytes
    return this.lie === undefined ? truth : this.lie(cid, truth)
  }
}

export class HostilePointerStore implements PointerStore {
  readonly history: SignedPointer[] = []
  #kept = new MemoryPointerStore(crypto)
  lie: ((truth: SignedPointer | undefined) => SignedPointer | undefined) | undefined

  async get(writer: PublicSignKey): Promise<SignedPointer | undefined> {
    const truth = await this.#kept.get(writer)
    return this.lie === undefined ? truth : this.lie(truth)
  }

  /** Forgets all but the first updates. */
  async goBack(updates: number): Promise<void> {
    this.#kept = new MemoryPointerStore(crypto)
    for (const pointer of this.history.slice(0, updates)) await this.#kept.swap([pointer])
  }

  async swap(pointers: readonly SignedPointer[]): Promise<void> {
    await this.#kept.swap(pointers)
    this.history.push(...pointers)
  }
}
