/**
 * Turns what is dirty into one signed root update.
 *
 * Capture is one synchronous step, so what a commit holds is a state that really was. What changes while the commit
 * is under way belongs to the next one. The journal's place is before {@link Committer.mark}: it will record what the
 * operation did, and be cut when the commit that holds it is durable.
 * @packageDocumentation
 */
import { randomObjectKey } from '../cryptree/keys.js'
import { emptyContent, sealContent, sealObjectNode } from '../cryptree/object-node.js'
import type { SealedPart } from '../cryptree/sealed-part.js'
import type { SecretSignKey } from '../crypto/crypto.js'
import { type BlockStore, type Cid, NeedBlocks } from '../store/block.js'
import type { Tree } from '../store/tree.js'
import { Directory } from './directory.js'
import { type DirtyMeter, FileData, type SealedFragment } from './file-data.js'
import type { Inode } from './inode.js'
import type { InodeTable } from './inode-table.js'
import type { NodeChange, Nodes } from './nodes.js'

/** Sealed fragments are written in batches of about this many bytes. */
const BATCH_BYTES = 2 * 1024 * 1024

export interface CommitterParts {
  readonly tree: Tree
  readonly blocks: BlockStore
  readonly nodes: Nodes
  readonly table: InodeTable
  readonly meter: DirtyMeter
  readonly secretKey: SecretSignKey
}

interface Snapshot {
  readonly inodes: readonly Inode[]
  readonly gone: readonly Inode[]
  readonly changes: NodeChange[]
  readonly orphans: Cid[]
}

export class Committer {
  readonly #parts: CommitterParts
  readonly #dirty = new Set<Inode>()
  readonly #gone = new Set<Inode>()
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

  /** This inode is to be written by the next commit. */
  mark(inode: Inode): void {
    inode.dirty = true
    this.#dirty.add(inode)
  }

  /** Nobody can reach this inode any more: its nodes go with the next commit. */
  bury(inode: Inode): void {
    this.#dirty.delete(inode)
    inode.dirty = false
    this.#gone.add(inode)
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
        this.sealData()
        return this.#capture()
      } catch (error) {
        if (!(error instanceof NeedBlocks)) throw error
        await this.#parts.tree.fetch(error)
      }
    }
  }

  /** Seals every byte of file data that is dirty and puts it in the store. */
  sealData(): void {
    let batch: SealedFragment[] = []
    for (const inode of this.#dirty) {
      if (!(inode.content instanceof FileData)) continue
      for (const index of inode.content.unsealed(inode.size)) {
        const sealed = inode.content.seal(index)
        if (sealed !== undefined) batch.push(sealed)
        if (batch.length * 262_144 >= BATCH_BYTES) {
          this.put(batch)
          batch = []
        }
      }
    }
    if (batch.length > 0) this.put(batch)
  }

  /** Gives sealed fragments to the store; their plaintext is kept until the store has them. */
  put(batch: readonly SealedFragment[]): void {
    const put = this.#parts.blocks.putMany(batch.map(({ block }) => block)).then(
      () => {
        for (const { stored } of batch) stored()
      },
      (error: unknown) => {
        for (const { failed } of batch) failed()
        this.#putFailure = { error }
      },
    )
    this.#puts.add(put)
    void put.then(() => this.#puts.delete(put))
  }

  /** Throws what a store said to fragments put since the last call. */
  async #putsDone(): Promise<void> {
    await Promise.all(this.#puts)
    const failure = this.#putFailure
    this.#putFailure = undefined
    if (failure !== undefined) throw failure.error
  }

  #capture(): Snapshot {
    for (const inode of this.#dirty) this.#prepare(inode)
    for (const inode of this.#gone) if (inode.isFile && inode.stored) this.#parts.table.file(inode) // tells what goes with it
    const changes: NodeChange[] = []
    const orphans: Cid[] = []
    const inodes = [...this.#dirty]
    for (const inode of inodes) this.#captureInode(inode, changes, orphans)
    const gone = [...this.#gone]
    for (const inode of gone) this.#captureGone(inode, changes, orphans)
    this.#dirty.clear()
    this.#gone.clear()
    return { inodes, gone, changes, orphans }
  }

  /** Throws NeedBlocks before anything of the snapshot is taken. */
  #prepare(inode: Inode): void {
    if (inode.content === undefined && inode.stored) this.#parts.nodes.need(inode.ref.label)
  }

  #captureInode(inode: Inode, changes: NodeChange[], orphans: Cid[]): void {
    const { crypto, source } = this.#parts.nodes
    const ref = inode.ref
    inode.dirty = false
    inode.stale = false
    if (inode.content instanceof FileData) {
      inode.allocated = inode.content.allocated
      const taken = inode.content.takeChanges(inode.size)
      changes.push(...taken.changes)
      orphans.push(...taken.orphans)
    } else if (inode.content instanceof Directory) changes.push(...inode.content.takeChanges())
    changes.push({ label: ref.label, block: sealObjectNode(crypto, ref, inode, this.#content(inode, source)) })
    inode.stored = true
  }

  #content(inode: Inode, source: Nodes['source']): { part: SealedPart; links: readonly Cid[] } {
    const { crypto } = this.#parts.nodes
    const ref = inode.ref
    if (inode.content instanceof FileData) {
      const { payload, links } = inode.content.encodeContent(inode.size)
      return sealContent(crypto, ref, payload, links)
    }
    if (inode.content instanceof Directory) return sealContent(crypto, ref, inode.content.encodeContent(), [])
    const node = source.lookup(ref.label)
    if (node !== undefined) return { part: node.content as SealedPart, links: node.links }
    return sealContent(crypto, ref, emptyContent(inode.bareKey ?? randomObjectKey(crypto)), [])
  }

  #captureGone(inode: Inode, changes: NodeChange[], orphans: Cid[]): void {
    if (inode.content instanceof FileData) {
      const remains = inode.content.remains()
      changes.push(...remains.changes)
      orphans.push(...remains.orphans)
    } else if (inode.content instanceof Directory) changes.push(...inode.content.derivedLabels())
    if (inode.stored) changes.push({ label: inode.ref.label, block: undefined })
  }

  #restore(snapshot: Snapshot): void {
    for (const inode of snapshot.inodes) {
      inode.content?.touch()
      if (!this.#gone.has(inode)) this.mark(inode)
    }
    for (const inode of snapshot.gone) this.#gone.add(inode)
  }

  #settle(inode: Inode): void {
    inode.content?.shrink()
    if (inode.content !== undefined) this.#parts.table.used(inode)
    this.#parts.table.release(inode)
  }
}
