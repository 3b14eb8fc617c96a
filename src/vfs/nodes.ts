/**
 * What objects need of the space they live in: the tree to read from, primitives, and a cache of opened fragments.
 * @packageDocumentation
 */
import { FRAGMENT_BYTES, type Fragment } from '../cryptree/file-content.js'
import { type Crypto, MAC_BYTES, type Sealed, type SymmetricKey } from '../crypto/crypto.js'
import { toBinaryString } from '../lib/bytes.js'
import { BrochError } from '../lib/error.js'
import type { Block, Cid } from '../store/block.js'
import type { Label } from '../store/label.js'
import type { NodeBlock } from '../store/node-block.js'

/** The part of a store's tree that reading needs. Both throw NeedBlocks when something is not at hand. */
export interface NodeSource {
  lookup(label: Label): NodeBlock | undefined
  /** @param into - a buffer that may be used for it */
  fragment(cid: Cid, into?: Uint8Array): Uint8Array
}

/** One change of a commit; no block: the label goes. */
export interface NodeChange {
  readonly label: Label
  readonly block: Block | undefined
}

/** Sealed fragments are opened at once, so one buffer does for all of them, with room for what a store keeps before them. */
const sealedScratch = new Uint8Array(FRAGMENT_BYTES + 1024)

const CACHE_BYTES = 24 * 1024 * 1024

/** Opened fragments by nonce, least recently used first. */
export class Nodes {
  readonly crypto: Crypto
  readonly source: NodeSource
  readonly #opened = new Map<string, Uint8Array>()
  #openedBytes = 0

  constructor(crypto: Crypto, source: NodeSource) {
    this.crypto = crypto
    this.source = source
  }

  /** @throws BrochError CORRUPT when the tree has no such node, though an object says so. */
  need(label: Label): NodeBlock {
    const node = this.source.lookup(label)
    if (node === undefined) throw new BrochError('CORRUPT', 'a node that an object refers to is not in the tree')
    return node
  }

  /**
   * Fills `out` with plaintext of a fragment from `start` on. What is wanted whole is opened in place and not cached.
   * @throws NeedBlocks; BrochError CORRUPT
   */
  readFragment(fragment: Fragment, key: SymmetricKey, start: number, out: Uint8Array): void {
    const name = toBinaryString(fragment.nonce)
    const cached = this.#opened.get(name)
    if (cached !== undefined) {
      this.#opened.delete(name)
      this.#opened.set(name, cached)
      out.set(cached.subarray(start, start + out.length))
      return
    }
    const sealed = this.source.fragment(fragment.cid, sealedScratch) as Sealed
    if (start === 0 && out.length === sealed.length - MAC_BYTES) {
      if (this.crypto.open(sealed, fragment.nonce, key, out) === undefined) throw damaged()
      return
    }
    const plain = this.crypto.open(sealed, fragment.nonce, key)
    if (plain === undefined || plain.length < fragment.length) throw damaged()
    this.#cache(name, plain)
    out.set(plain.subarray(start, start + out.length))
  }

  #cache(name: string, plain: Uint8Array): void {
    this.#opened.set(name, plain)
    this.#openedBytes += plain.length
    while (this.#openedBytes > CACHE_BYTES) {
      const [oldest, bytes] = this.#opened.entries().next().value as [string, Uint8Array]
      this.#opened.delete(oldest)
      this.#openedBytes -= bytes.length
    }
  }
}

function damaged(): BrochError {
  return new BrochError('CORRUPT', 'a fragment of a file does not open: it is damaged, or stands where another belongs')
}
