/**
 * What objects need of the space they live in: the tree to read from, primitives, and a cache of opened fragments.
 * @packageDocumentation
 */
import type { Fragment } from '../cryptree/file-content.js'
import type { Crypto, Sealed, SymmetricKey } from '../crypto/crypto.js'
import { toBinaryString } from '../lib/bytes.js'
import { BrochError } from '../lib/error.js'
import type { Block, Cid } from '../store/block.js'
import type { Label } from '../store/label.js'
import type { NodeBlock } from '../store/node-block.js'

/** The part of a store's tree that reading needs. Both throw NeedBlocks when something is not at hand. */
export interface NodeSource {
  lookup(label: Label): NodeBlock | undefined
  fragment(cid: Cid): Uint8Array
}

/** One change of a commit; no block: the label goes. */
export interface NodeChange {
  readonly label: Label
  readonly block: Block | undefined
}

const CACHED_FRAGMENTS = 96 // of 256 KiB at most: 24 MiB

/** Opened fragments by nonce, least recently used first. */
export class Nodes {
  readonly crypto: Crypto
  readonly source: NodeSource
  readonly #opened = new Map<string, Uint8Array>()

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

  /** Plaintext of a fragment, padding included. @throws BrochError CORRUPT */
  open(fragment: Fragment, key: SymmetricKey): Uint8Array {
    const name = toBinaryString(fragment.nonce)
    const cached = this.#opened.get(name)
    if (cached !== undefined) {
      this.#opened.delete(name)
      this.#opened.set(name, cached)
      return cached
    }
    const plain = this.crypto.open(this.source.fragment(fragment.cid) as Sealed, fragment.nonce, key)
    if (plain === undefined || plain.length < fragment.length) {
      throw new BrochError('CORRUPT', 'a fragment of a file does not open: it is damaged, or stands where another belongs')
    }
    this.#opened.set(name, plain)
    if (this.#opened.size > CACHED_FRAGMENTS) this.#opened.delete(this.#opened.keys().next().value as string)
    return plain
  }
}
