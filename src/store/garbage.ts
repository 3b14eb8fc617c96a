/**
 * What a commit leaves behind: blocks that the old root used and the new one does not. docs/format.md §5.4
 * @packageDocumentation
 */
import { isDamage } from '../lib/error.js'
import type { Block, Cid } from './block.js'
import { type BlockReader, whenFetched } from './block-reader.js'
import { cidFromKey, cidKey } from './cid.js'
import { linksOfNode } from './node-block.js'

/** A set of CIDs. */
export class CidSet {
  readonly #keys = new Set<string>()

  get size(): number {
    return this.#keys.size
  }

  has(cid: Cid): boolean {
    return this.#keys.has(cidKey(cid))
  }

  add(cid: Cid): void {
    this.#keys.add(cidKey(cid))
  }

  addAll(cids: Iterable<Cid>): void {
    for (const cid of cids) this.add(cid)
  }

  clear(): void {
    this.#keys.clear()
  }

  removeAll(others: CidSet): void {
    for (const key of others.#keys) this.#keys.delete(key)
  }

  without(others: CidSet): CidSet {
    const rest = new CidSet()
    for (const key of this.#keys) if (!others.#keys.has(key)) rest.#keys.add(key)
    return rest
  }

  list(): Cid[] {
    return Array.from(this.#keys, cidFromKey)
  }
}

/** Node blocks and their fragments. */
export function withLinks(nodes: Iterable<Block>): CidSet {
  const all = new CidSet()
  for (const { cid, bytes } of nodes) {
    all.add(cid)
    all.addAll(linksOfNode(bytes))
  }
  return all
}

/**
 * Old node blocks and their fragments. A node that is gone or damaged counts without its fragments: what cannot be
 * read must not stop it from being replaced.
 */
export async function withOldLinks(cids: readonly Cid[], reader: BlockReader): Promise<CidSet> {
  const all = new CidSet()
  for (const cid of cids) {
    all.add(cid)
    try {
      all.addAll(await whenFetched(reader, () => linksOfNode(reader.verified(cid))))
    } catch (error) {
      if (!isDamage(error)) throw error
    }
  }
  return all
}
