/**
 * Decoded CHAMP nodes, the lately used ones.
 *
 * Two generations: what is used moves to the young one; when that is full it becomes the old one, and the old one goes.
 * @packageDocumentation
 */
import { BrochError } from '../lib/error.js'
import type { Cid } from './block.js'
import { ChampNode, sharePath } from './champ-node.js'
import { cidKey } from './cid.js'
import type { Label } from './label.js'

/** Where nodes of a CHAMP come from. */
export interface ChampSource {
  /**
   * The node, reached at this depth on the way to `path`.
   * @throws NeedBlocks; BrochError CORRUPT.
   */
  node(cid: Cid, depth: number, path: Label): ChampNode
}

/** Gives a block whose hash was checked. @throws NeedBlocks; BrochError CORRUPT. */
export type LoadBlock = (cid: Cid) => Uint8Array

export class ChampCache implements ChampSource {
  readonly #load: LoadBlock
  readonly #maxBytes: number
  #young = new Map<string, ChampNode>()
  #old = new Map<string, ChampNode>()
  #youngBytes = 0

  /** @param maxBytes - bound of the memory taken, about */
  constructor(load: LoadBlock, maxBytes: number) {
    this.#load = load
    this.#maxBytes = maxBytes
  }

  node(cid: Cid, depth: number, path: Label): ChampNode {
    const key = cidKey(cid)
    const young = this.#young.get(key)
    if (young !== undefined) return checked(young, depth, path)
    const old = this.#old.get(key)
    if (old !== undefined) {
      this.#keep(key, old)
      return checked(old, depth, path)
    }
    // copied: what the store gives may be a small part of something large
    const node = ChampNode.decode(this.#load(cid).slice(), depth, path.slice() as Label)
    this.#keep(key, node)
    return node
  }

  #keep(key: string, node: ChampNode): void {
    if (this.#youngBytes + node.cost > this.#maxBytes / 2) {
      this.#old = this.#young
      this.#young = new Map()
      this.#youngBytes = 0
    }
    this.#young.set(key, node)
    this.#youngBytes += node.cost
  }
}

/** A node was checked for one place; in a tree that links it from another, that one is wrong. */
function checked(node: ChampNode, depth: number, path: Label): ChampNode {
  if (node.depth !== depth || !sharePath(node.path, path, depth)) {
    throw new BrochError('CORRUPT', 'CHAMP: one node in two places')
  }
  return node
}
