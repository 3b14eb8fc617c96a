/**
 * One writer's live tree: what its signed pointer names, read synchronously and changed by commits. docs/format.md §5
 * @packageDocumentation
 */
import type { Crypto, PublicSignKey, SecretSignKey } from '../crypto/crypto.js'
import { BrochError } from '../lib/error.js'
import type { Block, BlockStore, Cid, NeedBlocks } from './block.js'
import { BlockReader, whenFetched } from './block-reader.js'
import { find, sameRoot } from './champ.js'
import { ChampCache } from './champ-cache.js'
import type { Entry } from './champ-node.js'
import { ChampCursor } from './champ-walk.js'
import { CidSet } from './garbage.js'
import type { Label } from './label.js'
import { decodeNodeBlock, linksOfNode, type NodeBlock } from './node-block.js'
import type { PointerStore, Sequence } from './pointer.js'
import { decodeRoot, EMPTY_ROOT, verifyPointer } from './root.js'
import { type CommitStats, Committer, type TreeState } from './tree-commit.js'

/** A label's new node, or undefined to take the label out. */
export interface TreeChange {
  readonly label: Label
  readonly block: Block | undefined
}

/** What this device last saw of a writer, so that nobody can pass off older state. */
export interface Remembered {
  readonly sequence: number
  /** Undefined with sequence 0. */
  readonly root: Cid | undefined
}

export interface TreeOptions {
  readonly blocks: BlockStore
  readonly pointers: PointerStore
  readonly crypto: Crypto
  readonly writer: PublicSignKey
  readonly remembered?: Remembered
  /** Decoded CHAMP nodes kept, in bytes; 32 MiB by default. */
  readonly champCacheBytes?: number
  /** Blocks kept for stores that cannot `peek`, in bytes; 32 MiB by default. */
  readonly fetchCacheBytes?: number
  /** Takes over what became garbage; it is then not deleted. */
  readonly retainGarbage?: (cids: readonly Cid[]) => void
}

const MIB = 1024 * 1024

export class Tree {
  readonly writer: PublicSignKey
  readonly #reader: BlockReader
  readonly #champ: ChampCache
  readonly #committer: Committer
  #state: TreeState

  private constructor(options: TreeOptions, reader: BlockReader, state: TreeState) {
    this.writer = options.writer
    this.#reader = reader
    this.#champ = new ChampCache((cid) => reader.verified(cid), options.champCacheBytes ?? 32 * MIB)
    this.#committer = new Committer(options, reader, this.#champ)
    this.#state = state
  }

  /**
   * The tree as its store has it now; empty when nothing was ever committed.
   *
   * @throws BrochError BAD_SIGNATURE; ROLLED_BACK when older than `remembered`, or another root under the same
   *   sequence; MISSING_BLOCK; CORRUPT; NEWER_FORMAT.
   */
  static async open(options: TreeOptions): Promise<Tree> {
    const reader = new BlockReader(options.blocks, options.crypto.sha256, options.fetchCacheBytes ?? 32 * MIB)
    const state = await readState(options, reader)
    checkRemembered(state, options.remembered)
    return new Tree(options, reader, state)
  }

  /** 0 before the first commit. */
  get sequence(): Sequence | 0 {
    return this.#state.sequence
  }

  /** The root block's CID; undefined before the first commit. */
  get root(): Cid | undefined {
    return this.#state.rootCid
  }

  /** Sums over all commits of this object. */
  get totals(): CommitStats {
    return this.#committer.totals
  }

  /** The label's node. @throws NeedBlocks (then `fetch`, and call again); BrochError CORRUPT, NEWER_FORMAT. */
  lookup(label: Label): NodeBlock | undefined {
    const cid = find(this.#state.root.champ, label, this.#champ)
    return cid === undefined ? undefined : decodeNodeBlock(this.#reader.verified(cid))
  }

  /** The CID of the label's node, without reading it. @throws as {@link lookup}. */
  find(label: Label): Cid | undefined {
    return find(this.#state.root.champ, label, this.#champ)
  }

  /** A raw block, not hashed again: the sealed box in it is bound by its node. @throws NeedBlocks; BrochError CORRUPT. */
  fragment(cid: Cid, into?: Uint8Array): Uint8Array {
    return this.#reader.fragment(cid, into)
  }

  /** Gets what a reader lacked. @throws BrochError MISSING_BLOCK, CORRUPT. */
  fetch(need: NeedBlocks): Promise<void> {
    return this.#reader.fetch(need.cids)
  }

  /**
   * Stores the blocks, then signs and swaps the pointer; then deletes what is no longer used.
   *
   * Until the promise resolves, readers see the old state. When it rejects nothing has changed, and a later commit is
   * to be given its blocks again. Changes that change nothing store nothing.
   *
   * @param changes - each label once, in any order. Each node owns its fragments: no two nodes share one.
   * @param extra - fragments the nodes link to
   * @throws BrochError CONFLICT when another device wrote; INTERNAL while a commit is under way; what the stores throw.
   */
  commit(changes: readonly TreeChange[], extra: readonly Block[], secretKey: SecretSignKey): Promise<CommitStats> {
    return this.#committer.commit(this.#state, { changes, extra, secretKey }, (state) => {
      this.#state = state
    })
  }

  /** All labels with the CIDs of their nodes. Not to be used across a commit. @throws BrochError MISSING_BLOCK, CORRUPT. */
  async *walk(onChampNode?: (cid: Cid) => void): AsyncGenerator<Entry> {
    const cursor = new ChampCursor(this.#state.root.champ, this.#champ, onChampNode)
    for (;;) {
      const entry = await whenFetched(this.#reader, () => cursor.next())
      if (entry === undefined) return
      yield entry
    }
  }

  /** Every block in use. @throws BrochError MISSING_BLOCK, CORRUPT. */
  async reachable(): Promise<CidSet> {
    const all = new CidSet()
    if (this.#state.rootCid !== undefined) all.add(this.#state.rootCid)
    for await (const { value } of this.walk((cid) => all.add(cid))) {
      all.add(value)
      all.addAll(await whenFetched(this.#reader, () => linksOfNode(this.#reader.verified(value))))
    }
    return all
  }
}

async function readState(options: TreeOptions, reader: BlockReader): Promise<TreeState> {
  const stored = await options.pointers.get(options.writer)
  if (stored === undefined) return { sequence: 0, rootCid: undefined, root: EMPTY_ROOT }
  const pointer = verifyPointer(options.crypto, options.writer, stored)
  const root = await whenFetched(reader, () => decodeRoot(reader.verified(pointer.root).slice()))
  return { sequence: pointer.sequence, rootCid: pointer.root, root }
}

function checkRemembered(state: TreeState, remembered: Remembered | undefined): void {
  if (remembered === undefined || state.sequence > remembered.sequence) return
  if (state.sequence < remembered.sequence || !sameRoot(state.rootCid, remembered.root)) {
    const found = state.sequence === remembered.sequence ? `another update ${state.sequence} than the one seen here` : `update ${state.sequence}, but ${remembered.sequence} was seen here`
    throw new BrochError('ROLLED_BACK', `the store gives ${found}`)
  }
}
