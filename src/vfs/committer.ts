/**
 * Turns what is dirty into one signed root update.
 *
 * Capture is one synchronous step, so what a commit holds is a state that really was. What changes while the commit
 * is under way belongs to the next one. The journal's place is before {@link Committer.mark}: it will record what the
 * operation did, and be cut when the commit that holds it is durable.
 * @packageDocumentation
 */
import { randomObjectKey } from '../cryptree/keys.js'
import { type ContentPart, emptyContent, sealContent, sealObjectNode } from '../cryptree/object-node.js'
import type { SealedPart } from '../cryptree/sealed-part.js'
import type { SecretSignKey } from '../crypto/crypto.js'
import { BrochError, isDamage } from '../lib/error.js'
import { type BlockStore, type Cid, NeedBlocks } from '../store/block.js'
import type { Tree } from '../store/tree.js'
import { Directory } from './directory.js'
import { FileData } from './file-data.js'
import type { DirtyMeter, SealedFragment } from './sealed-fragment.js'
import { hasOneNode, type Inode } from './inode.js'
import type { InodeTable } from './inode-table.js'
import type { NodeChange, Nodes } from './nodes.js'
import { withOrphans } from './orphans.js'

/** Sealed fragments are written in batches of this many. */
const BATCH = 8
/** Fragments left to be sealed in the one step that captures: what programs went on to write meanwhile. */
const LAST = 16
/** A program that writes as fast as we seal is not waited for longer than this. */
const MAX_PASSES = 4
/** Inodes kept in memory for the sake of their atime. */
const MAX_ACCESSED = 5000

export interface CommitterParts {
  readonly tree: Tree
  readonly blocks: BlockStore
  readonly nodes: Nodes
  readonly table: InodeTable
  readonly meter: DirtyMeter
  readonly root: Inode
  readonly secretKey: SecretSignKey
  /** Lets others have a turn: a long commit does not keep everybody waiting. */
  readonly yieldTurn: () => Promise<void>
}

interface Unsealed {
  readonly inode: Inode
  readonly index: number
}

interface Snapshot {
  readonly inodes: Inode[]
  readonly gone: Inode[]
  readonly changes: NodeChange[]
  readonly orphans: Cid[]
}

export class Committer {
  readonly #parts: CommitterParts
  readonly #dirty = new Set<Inode>()
  readonly #gone = new Set<Inode>()
  /** only their atime changed */
  readonly #accessed = new Set<Inode>()
  /** what is dirty and the last commit had to leave out, because what lies under the changes is damaged */
  readonly #stuck = new Map<Inode, BrochError>()
  /** without a name, open, and in the tree */
  readonly #orphans = new Set<Inode>()
  /** fragments that came to nothing, of commits that failed */
  #litter: Cid[] = []
  #running: Promise<void> | undefined
  #next: Promise<void> | undefined
  readonly #puts = new Set<Promise<void>>()
  #putFailure: { readonly error: unknown } | undefined

  constructor(parts: CommitterParts) {
    this.#parts = parts
  }

  get dirtyInodes(): number {
    return this.#dirty.size + this.#gone.size
  }

  /** Its atime goes with the next commit, which it does not cause unless there are very many. */
  markAccessed(inode: Inode): void {
    if (inode.dirty) return
    inode.stale = true
    this.#accessed.add(inode)
    if (this.#accessed.size >= MAX_ACCESSED) this.markAllAccessed()
  }

  /** Before the last commit: atimes alone are worth one then. */
  markAllAccessed(): void {
    for (const inode of this.#accessed) this.mark(inode)
    this.#accessed.clear()
  }

  /** This inode is to be written by the next commit. */
  mark(inode: Inode): void {
    inode.dirty = true
    this.#dirty.add(inode)
  }

  /** Nobody can reach this inode any more: its nodes go with the next commit. */
  bury(inode: Inode): void {
    this.#dirty.delete(inode)
    this.#accessed.delete(inode)
    inode.dirty = false
    this.#gone.add(inode)
  }

  /** Why the last commit had to leave this file out; undefined when it did not. */
  whyStuck(inode: Inode): BrochError | undefined {
    return this.#stuck.get(inode)
  }

  /** Why the last commit left something out, for each of what it left out. */
  get stuck(): readonly BrochError[] {
    return [...this.#stuck.values()]
  }

  /** Resolves when everything done before the call is durable. Callers that wait together share a commit. */
  commit(): Promise<void> {
    if (this.#running === undefined) return this.#start()
    this.#next ??= this.#running.catch(() => undefined).then(() => {
      this.#next = undefined
      return this.#start()
    })
    return this.#next
  }

  #start(): Promise<void> {
    if (this.dirtyInodes === 0) return this.#parts.blocks.flush()
    this.#running = this.#run().finally(() => {
      this.#running = undefined
    })
    return this.#running
  }

  async #run(): Promise<void> {
    const { tree, blocks, secretKey } = this.#parts
    this.#stuck.clear()
    const snapshot = await this.#captureWhenAtHand()
    try {
      await this.#putsDone()
      await tree.commit(snapshot.changes, [], secretKey)
    } catch (error) {
      this.#restore(snapshot)
      throw error
    }
    for (const inode of snapshot.inodes) this.#settle(inode)
    for (const inode of snapshot.gone) this.#parts.table.release(inode)
    if (snapshot.orphans.length > 0) await blocks.delete(snapshot.orphans)
  }

  async #captureWhenAtHand(): Promise<Snapshot> {
    for (;;) {
      try {
        await this.#sealAhead()
        this.#putFailure = undefined // what failed before counts as not sealed again
        this.#sealRest()
        return this.#capture()
      } catch (error) {
        if (!(error instanceof NeedBlocks)) throw error
        await this.#parts.tree.fetch(error)
      }
    }
  }

  /** Seals nearly everything that is dirty, batch by batch: memory holds one batch more, and requests are served between. */
  async #sealAhead(): Promise<void> {
    for (let pass = 0; pass < MAX_PASSES; pass++) {
      const found = this.#unsealed()
      if (found.length <= LAST) return
      for (let at = 0; at < found.length; at += BATCH) {
        await this.put(this.#sealAll(found.slice(at, at + BATCH)))
        await this.#parts.yieldTurn()
      }
    }
  }

  #sealRest(): void {
    const found = this.#unsealed()
    for (let at = 0; at < found.length; at += BATCH) this.putInBackground(this.#sealAll(found.slice(at, at + BATCH)))
  }

  #unsealed(): Unsealed[] {
    const found: Unsealed[] = []
    for (const inode of this.#dirty) {
      if (!(inode.content instanceof FileData) || this.#stuck.has(inode)) continue
      for (const index of inode.content.unsealed(inode.size)) found.push({ inode, index })
    }
    return found
  }

  /** A file that lies on damaged blocks does not keep the others from being committed: it waits, and its fsync fails. */
  #sealAll(found: readonly Unsealed[]): SealedFragment[] {
    const batch: SealedFragment[] = []
    try {
      for (const { inode, index } of found) {
        this.#apart(inode, () => {
          const sealed = inode.content instanceof FileData ? inode.content.seal(index) : undefined
          if (sealed !== undefined) batch.push(sealed)
        })
      }
    } catch (error) {
      this.putInBackground(batch) // what is sealed counts as stored from now on
      throw error
    }
    return batch
  }

  /** What is damaged in the store must not keep everything else from being committed: its inode stays dirty. */
  #apart(inode: Inode, step: () => void): void {
    if (this.#stuck.has(inode)) return
    try {
      step()
    } catch (error) {
      if (!inode.stored || !isDamage(error)) throw error
      this.#stuck.set(inode, error)
    }
  }

  /** Gives sealed fragments to the store. Rejects with what the store said; a commit under way fails then too. */
  put(batch: readonly SealedFragment[]): Promise<void> {
    const put = this.#parts.blocks.putMany(batch.map(({ block }) => block)).then(
      () => {
        for (const { stored } of batch) stored()
      },
      (error: unknown) => {
        for (const { failed } of batch) failed()
        this.#putFailure = { error }
        throw error
      },
    )
    const settled = put.catch(() => undefined)
    this.#puts.add(settled)
    void settled.then(() => this.#puts.delete(settled))
    return put
  }

  /** As `put`, of fragments that were acknowledged already: who commits hears of a failure. */
  putInBackground(batch: readonly SealedFragment[]): void {
    this.put(batch).catch(() => undefined)
  }

  /** Throws what a store said to fragments put since the last call. */
  async #putsDone(): Promise<void> {
    await Promise.all(this.#puts)
    const failure = this.#putFailure
    this.#putFailure = undefined
    if (failure !== undefined) throw failure.error
  }

  #capture(): Snapshot {
    this.markAllAccessed()
    this.#listOrphans()
    for (const inode of this.#dirty) this.#apart(inode, () => this.#prepare(inode))
    for (const inode of this.#gone) this.#prepareGone(inode)
    const snapshot: Snapshot = { inodes: [], gone: [], changes: [], orphans: this.#litter }
    this.#litter = []
    try {
      for (const inode of this.#dirty) this.#apart(inode, () => this.#captureInode(inode, snapshot))
      for (const inode of this.#gone) this.#captureGone(inode, snapshot)
    } catch (error) {
      this.#restore(snapshot)
      throw error
    }
    for (const inode of snapshot.inodes) this.#dirty.delete(inode)
    this.#gone.clear()
    return snapshot
  }

  /** The root directory lists what has no name and is still open. */
  #listOrphans(): void {
    const { root } = this.#parts
    let changed = false
    for (const inode of this.#dirty) {
      if (inode.nlink === 0 ? this.#orphans.has(inode) : !this.#orphans.has(inode)) continue
      if (inode.nlink === 0) this.#orphans.add(inode)
      else this.#orphans.delete(inode)
      changed = true
    }
    for (const inode of this.#gone) changed = this.#orphans.delete(inode) || changed
    if (!changed) return
    root.ext = withOrphans(root.ext, [...this.#orphans])
    this.mark(root)
  }

  /** Throws NeedBlocks before anything of the snapshot is taken. */
  #prepare(inode: Inode): void {
    if (inode.content === undefined && inode.stored) this.#parts.nodes.source.lookup(inode.ref.label)
  }

  /** Loads what tells which nodes go with it. Of a damaged one these stay behind: `fsck` finds them. */
  #prepareGone(inode: Inode): void {
    if (!inode.stored || hasOneNode(inode)) return
    try {
      if (inode.isFile) this.#parts.table.file(inode)
      else if (inode.isDirectory) this.#parts.table.directory(inode)
    } catch (error) {
      if (!isDamage(error)) throw error
    }
  }

  /** Nothing of the inode counts as taken unless all of it is. */
  #captureInode(inode: Inode, snapshot: Snapshot): void {
    const { ref, content } = inode
    if (content instanceof FileData) inode.allocated = content.allocated
    const block = sealObjectNode(this.#parts.nodes.crypto, ref, inode, this.#content(inode))
    const { changes, orphans } = content instanceof FileData ? content.takeChanges(inode.size) : { changes: content?.takeChanges() ?? [], orphans: [] }
    snapshot.changes.push(...changes, { label: ref.label, block })
    snapshot.orphans.push(...orphans)
    snapshot.inodes.push(inode)
    inode.dirty = false
    inode.stale = false
    inode.stored = true
    inode.committing = true
  }

  #content(inode: Inode): ContentPart {
    const { crypto, source } = this.#parts.nodes
    const { ref, content } = inode
    if (content instanceof FileData) {
      const { payload, links } = content.encodeContent(inode.size)
      return sealContent(crypto, ref, payload, links)
    }
    if (content instanceof Directory) return sealContent(crypto, ref, content.encodeContent(), [])
    const node = source.lookup(ref.label)
    if (node !== undefined) return { part: node.content as SealedPart, links: node.links }
    if (inode.isFile || inode.isDirectory) throw new BrochError('CORRUPT', 'a node that is to be changed is not in the tree')
    return sealContent(crypto, ref, emptyContent(inode.bareKey ?? randomObjectKey(crypto)), [])
  }

  #captureGone(inode: Inode, snapshot: Snapshot): void {
    if (inode.content instanceof FileData) {
      const remains = inode.content.remains()
      snapshot.changes.push(...remains.changes)
      snapshot.orphans.push(...remains.orphans)
    } else if (inode.content instanceof Directory) snapshot.changes.push(...inode.content.derivedLabels())
    snapshot.changes.push({ label: inode.ref.label, block: undefined })
    snapshot.gone.push(inode)
  }

  #restore(snapshot: Snapshot): void {
    for (const inode of snapshot.inodes) {
      inode.committing = false
      inode.content?.touch()
      if (!this.#gone.has(inode)) this.mark(inode)
    }
    for (const inode of snapshot.gone) this.#gone.add(inode)
    this.#litter.push(...snapshot.orphans)
  }

  #settle(inode: Inode): void {
    inode.committing = false
    inode.content?.shrink()
    this.#parts.table.settled(inode)
  }
}
