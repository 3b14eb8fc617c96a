/**
 * Commits: compute all that changes, store it, swap one signed pointer, delete what is left over.
 * @packageDocumentation
 */
import type { Crypto, PublicSignKey, SecretSignKey } from '../crypto/crypto.js'
import { compareBytes } from '../lib/bytes.js'
import { BrochError, isBrochError } from '../lib/error.js'
import type { Block, BlockStore, Cid } from './block.js'
import { type BlockReader, whenFetched } from './block-reader.js'
import { type Applied, applyChanges, sameRoot } from './champ.js'
import type { ChampSource } from './champ-cache.js'
import { CidSet, withLinks, withOldLinks } from './garbage.js'
import type { Label } from './label.js'
import type { PointerStore, Sequence, VerifiedPointer } from './pointer.js'
import { encodeRoot, type Root, signPointer, verifyPointer } from './root.js'

/** What a pointer said, read. */
export interface TreeState {
  readonly sequence: Sequence | 0
  readonly rootCid: Cid | undefined
  readonly root: Root
}

/** Counts of operations, not of time: budgets in tests hold them down. */
export interface CommitStats {
  /** Blocks given to the store, of all kinds. */
  readonly blocks: number
  readonly bytes: number
  readonly champNodes: number
  readonly signatures: number
  /** Blocks that became garbage. */
  readonly garbage: number
}

interface CommitOptions {
  readonly blocks: BlockStore
  readonly pointers: PointerStore
  readonly crypto: Crypto
  readonly writer: PublicSignKey
  readonly retainGarbage?: (cids: readonly Cid[]) => void
}

interface Request {
  readonly changes: readonly { readonly label: Label; readonly block: Block | undefined }[]
  readonly extra: readonly Block[]
  readonly secretKey: SecretSignKey
}

/** What a commit comes to once its swap is in the store. */
interface Outcome {
  readonly state: TreeState
  /** All blocks that the changed labels use now. */
  readonly live: CidSet
  readonly garbage: CidSet
}

/** A commit worked out: everything but storing it. */
interface Plan extends Outcome {
  readonly pointer: VerifiedPointer
  readonly blocks: readonly Block[]
  readonly champNodes: number
  /** Given blocks that are in use already: not litter, should the commit fail. */
  readonly kept: CidSet
}

const MAX_UNSETTLED = 8

const NOTHING: CommitStats = { blocks: 0, bytes: 0, champNodes: 0, signatures: 0, garbage: 0 }

export class Committer {
  readonly #options: CommitOptions
  readonly #reader: BlockReader
  readonly #champ: ChampSource
  /** Blocks that may be in the store and belong to no root: of failed commits, and of deletes that failed. */
  readonly #litter = new CidSet()
  /** Swaps that failed in a way that may have reached the store. */
  #unsettled: Outcome[] = []
  #busy = false
  totals: CommitStats = NOTHING

  constructor(options: CommitOptions, reader: BlockReader, champ: ChampSource) {
    this.#options = options
    this.#reader = reader
    this.#champ = champ
  }

  async commit(state: TreeState, request: Request, onState: (state: TreeState) => void): Promise<CommitStats> {
    if (this.#busy) throw new BrochError('INTERNAL', 'a commit is under way')
    this.#busy = true
    try {
      return await this.#commit(state, request, onState)
    } finally {
      this.#busy = false
    }
  }

  async #commit(state: TreeState, request: Request, onState: (state: TreeState) => void): Promise<CommitStats> {
    const plan = await this.#plan(state, request)
    if (plan === undefined) return NOTHING
    try {
      await this.#store(plan)
    } catch (error) {
      const landed = isBrochError(error, 'CONFLICT') ? await this.#landed() : undefined
      if (landed === undefined) throw error
      this.#settle(landed)
      onState(landed.state)
      return await this.#commit(landed.state, request, onState)
    }
    this.#settle(plan)
    onState(plan.state)
    const stats = statsOf(plan)
    this.totals = addStats(this.totals, stats)
    await this.#sweep()
    return stats
  }

  /** Undefined when the changes change nothing. */
  async #plan(state: TreeState, request: Request): Promise<Plan | undefined> {
    const { crypto, writer } = this.#options
    const sorted = [...request.changes].sort((a, b) => compareBytes(a.label, b.label))
    const changes = sorted.map(({ label, block }) => ({ label, value: block?.cid }))
    const apply = () => applyChanges(state.root.champ, changes, this.#champ, crypto.sha256)
    const applied = await whenFetched(this.#reader, apply)
    if (sameRoot(applied.root, state.root.champ)) return undefined
    const root = { champ: applied.root, writers: state.root.writers }
    const rootBlock = encodeRoot(crypto.sha256, root)
    const sequence = (state.sequence + 1) as Sequence
    const pointer = signPointer(crypto, { writer, sequence, root: rootBlock.cid }, request.secretKey)
    const nodes = sorted.flatMap(({ block }) => block ?? [])
    const live = withLinks(nodes)
    for (const { cid } of [...request.extra, ...applied.blocks, rootBlock]) live.add(cid)
    const used = await this.#used(state, applied)
    return {
      state: { sequence, rootCid: rootBlock.cid, root },
      pointer,
      blocks: [...request.extra, ...nodes, ...applied.blocks, rootBlock],
      champNodes: applied.blocks.length,
      live,
      garbage: used.without(live),
      kept: used,
    }
  }

  /** What the old state has for the changed labels, with its CHAMP nodes and root. */
  async #used(state: TreeState, applied: Applied): Promise<CidSet> {
    const old = applied.previous.filter((cid) => cid !== undefined)
    const used = await withOldLinks(old, this.#reader)
    used.addAll(applied.replaced)
    if (state.rootCid !== undefined) used.add(state.rootCid)
    return used
  }

  async #store(plan: Plan): Promise<void> {
    const { blocks, pointers } = this.#options
    try {
      await blocks.putMany(plan.blocks)
      const { state, live, garbage } = plan
      this.#unsettled = [...this.#unsettled.slice(1 - MAX_UNSETTLED), { state, live, garbage }]
      await pointers.swap([plan.pointer])
    } catch (error) {
      for (const { cid } of plan.blocks) if (!plan.kept.has(cid)) this.#litter.add(cid)
      throw error
    }
  }

  /** The unsettled commit that the store has taken after all, if it is one of ours. */
  async #landed(): Promise<Outcome | undefined> {
    const { crypto, pointers, writer } = this.#options
    const stored = await pointers.get(writer)
    if (stored === undefined) return undefined
    const pointer = verifyPointer(crypto, writer, stored)
    return this.#unsettled.find(({ state }) => state.sequence === pointer.sequence && sameRoot(state.rootCid, pointer.root))
  }

  /** The store has this: what only other attempts wanted, and what it replaced, is litter. */
  #settle(outcome: Outcome): void {
    this.#unsettled = []
    this.#litter.addAll(outcome.garbage.list())
    this.#litter.removeAll(outcome.live)
  }

  /** Space that cannot be had back now is had back after a later commit; the commit itself stands. */
  async #sweep(): Promise<void> {
    if (this.#litter.size === 0) return
    const cids = this.#litter.list()
    if (this.#options.retainGarbage !== undefined) {
      this.#options.retainGarbage(cids)
      this.#litter.clear()
      return
    }
    try {
      await this.#options.blocks.delete(cids)
      this.#litter.clear()
    } catch {
      // kept in the litter
    }
  }
}

function statsOf(plan: Plan): CommitStats {
  return {
    blocks: plan.blocks.length,
    bytes: plan.blocks.reduce((sum, block) => sum + block.bytes.length, 0),
    champNodes: plan.champNodes,
    signatures: 1,
    garbage: plan.garbage.size,
  }
}

function addStats(a: CommitStats, b: CommitStats): CommitStats {
  return {
    blocks: a.blocks + b.blocks,
    bytes: a.bytes + b.bytes,
    champNodes: a.champNodes + b.champNodes,
    signatures: a.signatures + b.signatures,
    garbage: a.garbage + b.garbage,
  }
}
