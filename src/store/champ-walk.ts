/**
 * Going over a whole CHAMP, or over the difference of two.
 * @packageDocumentation
 */
import { compareBytes } from '../lib/bytes.js'
import type { Cid } from './block.js'
import type { ChampSource } from './champ-cache.js'
import { type Child, childPath, type Entry, isChild, LABEL_ZERO, SLOTS, type Slot } from './champ-node.js'
import { cidKey } from './cid.js'
import type { Label } from './label.js'
import { Missing } from './missing.js'

interface Frame {
  readonly slots: readonly Slot[]
  readonly path: Label
  /** The slot, and the entry inside its bucket, that comes next. */
  slot: number
  entry: number
}

/** Goes over the entries in the order of their labels. After `NeedBlocks` it can be called again and goes on. */
export class ChampCursor {
  readonly #source: ChampSource
  readonly #onNode: ((cid: Cid) => void) | undefined
  readonly #stack: Frame[] = []
  #root: Cid | undefined

  /** @param onNode - told of each CHAMP node, once, before its entries */
  constructor(root: Cid | undefined, source: ChampSource, onNode?: (cid: Cid) => void) {
    this.#root = root
    this.#source = source
    this.#onNode = onNode
  }

  /** Undefined at the end. @throws NeedBlocks; BrochError CORRUPT. */
  next(): Entry | undefined {
    if (this.#root !== undefined) {
      this.#enter(this.#root, LABEL_ZERO)
      this.#root = undefined
    }
    for (let frame = this.#stack.at(-1); frame !== undefined; frame = this.#stack.at(-1)) {
      const slot = frame.slots[frame.slot]
      if (frame.slot === SLOTS) {
        this.#stack.pop()
      } else if (isChild(slot)) {
        this.#descend(frame, slot)
      } else {
        const entry = slot?.[frame.entry]
        frame.entry += 1
        if (entry !== undefined) return entry
        frame.slot += 1
        frame.entry = 0
      }
    }
    return undefined
  }

  #descend(frame: Frame, child: Child): void {
    const depth = this.#stack.length - 1
    const path = childPath(frame.path, depth, frame.slot)
    const missing = new Missing()
    const entered = missing.attempt(() => this.#enter(child.cid, path))
    if (entered === undefined) {
      // the next ones will be wanted too
      for (let i = frame.slot + 1; i < SLOTS; i++) {
        const slot = frame.slots[i]
        if (isChild(slot)) missing.attempt(() => this.#source.node(slot.cid, depth + 1, childPath(frame.path, depth, i)))
      }
    }
    missing.raise()
    frame.slot += 1
  }

  #enter(cid: Cid, path: Label): true {
    const slots = this.#source.node(cid, this.#stack.length, path).slots()
    this.#onNode?.(cid)
    this.#stack.push({ slots, path, slot: 0, entry: 0 })
    return true
  }
}

/** A label whose value differs: undefined where it is absent. */
export interface Difference {
  readonly label: Label
  readonly before: Cid | undefined
  readonly after: Cid | undefined
}

/**
 * What differs, in the order of labels. Subtrees with equal links are not visited.
 * @throws NeedBlocks, with all that is missing on one level; BrochError CORRUPT.
 */
export function difference(before: Cid | undefined, after: Cid | undefined, source: ChampSource): Difference[] {
  const found: Difference[] = []
  const slotFor = (root: Cid | undefined): Slot => (root === undefined ? undefined : { cid: root })
  compareSlots(slotFor(before), slotFor(after), { depth: 0, path: LABEL_ZERO, source, found })
  return found
}

interface Place {
  readonly depth: number
  readonly path: Label
  readonly source: ChampSource
  readonly found: Difference[]
}

function compareSlots(before: Slot, after: Slot, place: Place): void {
  if (!isChild(before) && !isChild(after)) {
    compareEntries(before ?? [], after ?? [], place.found)
    return
  }
  if (isChild(before) && isChild(after)) {
    if (cidKey(before.cid) !== cidKey(after.cid)) compareNodes(before, after, place)
    return
  }
  compareEntries(entriesOf(before, place), entriesOf(after, place), place.found)
}

function compareNodes(before: Child, after: Child, place: Place): void {
  const { depth, path, source, found } = place
  const missing = new Missing()
  const a = missing.attempt(() => source.node(before.cid, depth, path).slots())
  const b = missing.attempt(() => source.node(after.cid, depth, path).slots())
  missing.raise()
  for (let i = 0; i < SLOTS; i++) {
    const inner = { depth: depth + 1, path: childPath(path, depth, i), source, found }
    missing.attempt(() => compareSlots(a?.[i], b?.[i], inner))
  }
  missing.raise()
}

function entriesOf(slot: Slot, place: Place): readonly Entry[] {
  if (!isChild(slot)) return slot ?? []
  const { depth, path, source } = place
  const all: Entry[] = []
  const missing = new Missing()
  for (const [i, inner] of source.node(slot.cid, depth, path).slots().entries()) {
    if (inner === undefined) continue
    const part = missing.attempt(() => entriesOf(inner, { ...place, depth: depth + 1, path: childPath(path, depth, i) }))
    for (const entry of part ?? []) all.push(entry)
  }
  missing.raise()
  return all
}

function compareEntries(before: readonly Entry[], after: readonly Entry[], found: Difference[]): void {
  let i = 0
  let j = 0
  while (i < before.length || j < after.length) {
    const a = before[i]
    const b = after[j]
    const order = a === undefined ? 1 : b === undefined ? -1 : compareBytes(a.label, b.label)
    if (order <= 0) i += 1
    if (order >= 0) j += 1
    const old = order <= 0 ? a : undefined
    const next = order >= 0 ? b : undefined
    if (old !== undefined && next !== undefined && compareBytes(old.value, next.value) === 0) continue
    const { label } = (old ?? next) as Entry
    found.push({ label, before: old?.value, after: next?.value })
  }
}
