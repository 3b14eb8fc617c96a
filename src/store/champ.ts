/**
 * The CHAMP: an immutable map of labels to node blocks. docs/format.md §4
 *
 * A subtree of at most four entries is always a bucket in its parent, and a larger one is always a node: so equal maps
 * have one root, whatever the order of changes. All functions are synchronous and without effects; they throw
 * `NeedBlocks` when a block is not at hand.
 * @packageDocumentation
 */
import { compareBytes } from '../lib/bytes.js'
import { BrochError } from '../lib/error.js'
import type { Block, Cid } from './block.js'
import type { ChampSource } from './champ-cache.js'
import {
  type Bucket,
  type Child,
  type Entry,
  encodeChampNode,
  isBucket,
  isChild,
  MAX_BUCKET,
  MAX_CHAMP_DEPTH,
  SLOTS,
  type Slot,
  slotOf,
} from './champ-node.js'
import { cidKey, makeBlock, type Sha256 } from './cid.js'
import type { Label } from './label.js'
import { Missing } from './missing.js'

/** A new value for a label, or undefined to take it out. */
export interface Change {
  readonly label: Label
  readonly value: Cid | undefined
}

export interface Applied {
  /** Undefined for the empty map. */
  readonly root: Cid | undefined
  /** New CHAMP nodes, children before parents. */
  readonly blocks: readonly Block[]
  /** CHAMP nodes of the old map that the new one does not use. */
  readonly replaced: readonly Cid[]
  /** For each change the value before it. */
  readonly previous: readonly (Cid | undefined)[]
}

/** @throws NeedBlocks; BrochError CORRUPT. */
export function find(root: Cid | undefined, label: Label, source: ChampSource): Cid | undefined {
  let next: Cid | undefined = root
  for (let depth = 0; next !== undefined; depth++) {
    const found: Cid | Child | undefined = source.node(next, depth, label).find(label)
    if (found === undefined || found instanceof Uint8Array) return found
    next = found.cid
  }
  return undefined
}

/**
 * The map with changes made, and the blocks to store for it. Each new node is encoded and hashed once.
 *
 * @param changes - in the order of their labels, each label once
 * @throws NeedBlocks, with all that is missing on the way to the changes; BrochError CORRUPT, INVALID.
 */
export function applyChanges(
  root: Cid | undefined,
  changes: readonly Change[],
  source: ChampSource,
  sha256: Sha256,
): Applied {
  for (let i = 1; i < changes.length; i++) {
    if (compareBytes((changes[i - 1] as Change).label, (changes[i] as Change).label) >= 0) {
      throw new BrochError('INVALID', 'CHAMP: changes out of order')
    }
  }
  if (changes.length === 0) return { root, blocks: [], replaced: [], previous: [] }
  return new Update(changes, source, sha256).run(root)
}

class Update {
  readonly #changes: readonly Change[]
  readonly #source: ChampSource
  readonly #sha256: Sha256
  readonly #blocks: Block[] = []
  readonly #replaced: Cid[] = []
  readonly #previous: (Cid | undefined)[]

  constructor(changes: readonly Change[], source: ChampSource, sha256: Sha256) {
    this.#changes = changes
    this.#source = source
    this.#sha256 = sha256
    this.#previous = new Array<undefined>(changes.length).fill(undefined)
  }

  run(root: Cid | undefined): Applied {
    const top = this.#slot(root === undefined ? undefined : { cid: root }, 0, 0, this.#changes.length)
    const next = isChild(top) ? top.cid : undefined
    return { root: next, blocks: this.#blocks, replaced: this.#replaced, previous: this.#previous }
  }

  /** The slot that holds a subtree at `depth`, with changes `from` to `to` made in it; itself when nothing changed. */
  #slot(slot: Slot, depth: number, from: number, to: number): Slot {
    return isChild(slot) ? this.#changeChild(slot, depth, from, to) : this.#changeBucket(slot, depth, from, to)
  }

  #changeChild(child: Child, depth: number, from: number, to: number): Slot {
    const slots = this.#source.node(child.cid, depth, this.#labelAt(from)).slots()
    const missing = new Missing()
    let changed = false
    for (let start = from, end = from; start < to; start = end) {
      const index = slotOf(this.#labelAt(start), depth)
      while (end < to && slotOf(this.#labelAt(end), depth) === index) end += 1
      const group = end
      const next = missing.attempt(() => this.#slot(slots[index], depth + 1, start, group))
      if (next === slots[index]) continue
      slots[index] = next
      changed = true
    }
    missing.raise()
    if (!changed) return child
    this.#replaced.push(child.cid)
    return this.#close(slots, depth)
  }

  #changeBucket(bucket: Bucket | undefined, depth: number, from: number, to: number): Slot {
    const old = bucket ?? []
    const entries: Entry[] = []
    let changed = false
    let at = 0
    for (let i = from; i < to; i++) {
      const { label, value } = this.#changes[i] as Change
      for (; at < old.length && compareBytes((old[at] as Entry).label, label) < 0; at++) entries.push(old[at] as Entry)
      const before = old[at]
      const same = before !== undefined && compareBytes(before.label, label) === 0
      if (same) at += 1
      this.#previous[i] = same ? before.value : undefined
      changed ||= same ? value === undefined || compareBytes(before.value, value) !== 0 : value !== undefined
      if (value !== undefined) entries.push({ label, value })
    }
    if (!changed) return bucket
    while (at < old.length) entries.push(old[at++] as Entry)
    if (entries.length === 0) return undefined
    return depth > 0 && entries.length <= MAX_BUCKET ? entries : this.#grow(entries, depth)
  }

  /** A node of these entries: sorted, and too many for a bucket. */
  #grow(entries: readonly Entry[], depth: number): Child {
    if (depth > MAX_CHAMP_DEPTH) throw new BrochError('INTERNAL', 'CHAMP: too deep')
    const slots = new Array<Slot>(SLOTS).fill(undefined)
    for (let start = 0, end = 0; start < entries.length; start = end) {
      const index = slotOf((entries[start] as Entry).label, depth)
      while (end < entries.length && slotOf((entries[end] as Entry).label, depth) === index) end += 1
      const group = entries.slice(start, end)
      slots[index] = group.length <= MAX_BUCKET ? group : this.#grow(group, depth + 1)
    }
    return this.#store(slots)
  }

  /** What a changed node becomes: a node, or a bucket of the few entries left. */
  #close(slots: readonly Slot[], depth: number): Slot {
    const few = fewEntries(slots)
    if (few === undefined || (depth === 0 && few.length > 0)) return this.#store(slots)
    return few.length === 0 ? undefined : few
  }

  #store(slots: readonly Slot[]): Child {
    const block = makeBlock(this.#sha256, 'dag-cbor', encodeChampNode(slots))
    this.#blocks.push(block)
    return { cid: block.cid }
  }

  #labelAt(index: number): Label {
    return (this.#changes[index] as Change).label
  }
}

/** The entries of all slots when a bucket can hold them, in order; else undefined. */
function fewEntries(slots: readonly Slot[]): Entry[] | undefined {
  const entries: Entry[] = []
  for (const slot of slots) {
    if (slot === undefined) continue
    if (!isBucket(slot) || entries.length + slot.length > MAX_BUCKET) return undefined
    entries.push(...slot)
  }
  return entries
}

/** True for the same map: equal maps have equal roots. */
export function sameRoot(a: Cid | undefined, b: Cid | undefined): boolean {
  return a === undefined || b === undefined ? a === b : cidKey(a) === cidKey(b)
}
