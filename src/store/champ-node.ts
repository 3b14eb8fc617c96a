/**
 * One node of the CHAMP as bytes, and where a label goes in it. docs/format.md §4.2
 *
 * dag-cbor `[bitmap, [slot, ...]]`: bit i of the bitmap says that slot i is used. A slot is a link to a child, or a
 * bucket `[label, link, label, link, ...]` of one to four entries. Read in place: a node holds 80 links and one is wanted.
 * @packageDocumentation
 */
import { compareBytes } from '../lib/bytes.js'
import { CborReader, MAJOR } from '../lib/dag-cbor-reader.js'
import { CborWriter } from '../lib/dag-cbor-writer.js'
import { BrochError } from '../lib/error.js'
import { CID_BYTES, type Cid } from './block.js'
import { codecOf } from './cid.js'
import { LABEL_BYTES, type Label } from './label.js'

export const SLOTS = 32
export const BITS = 5
export const MAX_BUCKET = 4
/** Deepest level: below it, five different labels cannot have all earlier bits in common. */
export const MAX_CHAMP_DEPTH = 50

// head of the label, label, framed link
const ENTRY_BYTES = 2 + LABEL_BYTES + 5 + CID_BYTES
const LABEL_IN_ENTRY = 2
const CID_IN_ENTRY = 2 + LABEL_BYTES + 5
const CID_IN_CHILD = 5
/** The path of the root. */
export const LABEL_ZERO = new Uint8Array(LABEL_BYTES) as Label
const MAX_NODE_BYTES = 16 + SLOTS * (1 + MAX_BUCKET * ENTRY_BYTES)

export interface Entry {
  readonly label: Label
  readonly value: Cid
}

/** One to four entries in the order of their labels. */
export type Bucket = readonly Entry[]

export interface Child {
  readonly cid: Cid
}

export type Slot = Bucket | Child | undefined

export function isBucket(slot: Slot): slot is Bucket {
  return Array.isArray(slot)
}

export function isChild(slot: Slot): slot is Child {
  return slot !== undefined && !Array.isArray(slot)
}

/** Which slot of a node at `depth` the label belongs to: five bits, the label's first ones at depth 0. */
export function slotOf(label: Label, depth: number): number {
  const bit = depth * BITS
  const byte = bit >>> 3
  const pair = ((label[byte] as number) << 8) | (label[byte + 1] ?? 0)
  return (pair >>> (11 - (bit & 7))) & 31
}

/** The path of a node's child: `path` with the five bits of `depth` set to `slot`. */
export function childPath(path: Label, depth: number, slot: number): Label {
  const longer = path.slice() as Label
  const bit = depth * BITS
  const byte = bit >>> 3
  const shift = 11 - (bit & 7)
  const pair = ((longer[byte] as number) << 8) | (longer[byte + 1] ?? 0)
  const next = (pair & ~(31 << shift)) | (slot << shift)
  longer[byte] = next >>> 8
  if (byte + 1 < LABEL_BYTES) longer[byte + 1] = next
  return longer
}

/** True when the labels' first `depth` groups of five bits are the same. */
export function sharePath(a: Label, b: Label, depth: number): boolean {
  const bits = depth * BITS
  const whole = bits >>> 3
  for (let i = 0; i < whole; i++) if (a[i] !== b[i]) return false
  return (((a[whole] as number) ^ (b[whole] as number)) & (0xff00 >>> (bits & 7)) & 0xff) === 0
}

const writer = new CborWriter(MAX_NODE_BYTES)

/** @param slots - 32, at least one of them used */
export function encodeChampNode(slots: readonly Slot[]): Uint8Array {
  let bitmap = 0
  let used = 0
  for (const [i, slot] of slots.entries()) {
    if (slot === undefined) continue
    bitmap |= 1 << i
    used += 1
  }
  writer.restart().arrayHead(2)
  writer.int(bitmap >>> 0)
  writer.arrayHead(used)
  for (const slot of slots) {
    if (isBucket(slot)) writeBucket(slot)
    else if (slot !== undefined) writer.link(slot.cid)
  }
  return writer.finish()
}

function writeBucket(bucket: Bucket): void {
  writer.arrayHead(2 * bucket.length)
  for (const { label, value } of bucket) {
    writer.bytes(label)
    writer.link(value)
  }
}

export class ChampNode {
  readonly #bytes: Uint8Array
  /** Where each slot begins; 0 for an empty one. */
  readonly #starts: Uint16Array
  readonly depth: number
  /** A label that would lie under this node: only its first `depth` groups of bits count. */
  readonly path: Label

  private constructor(bytes: Uint8Array, starts: Uint16Array, depth: number, path: Label) {
    this.#bytes = bytes
    this.#starts = starts
    this.depth = depth
    this.path = path
  }

  /**
   * Checks everything that makes the form of a map unique, so that a wrong tree is seen when it is read.
   *
   * @param path - a label (or {@link childPath}) under which the node was reached
   * @throws BrochError CORRUPT
   */
  static decode(bytes: Uint8Array, depth: number, path: Label): ChampNode {
    if (bytes.length > MAX_NODE_BYTES || depth > MAX_CHAMP_DEPTH) throw corrupt('too large or too deep')
    const reader = new CborReader(bytes)
    if (reader.arrayHead() !== 2) throw corrupt('two parts expected')
    const bitmap = reader.uint(0xffff_ffff)
    if (reader.arrayHead() !== popcount(bitmap) || bitmap === 0) throw corrupt('slots differ from the bitmap')
    const starts = new Uint16Array(SLOTS)
    let entries = 0
    for (let slot = 0; slot < SLOTS; slot++) {
      if ((bitmap & (1 << slot)) === 0) continue
      starts[slot] = reader.position
      if (reader.peekMajor() === MAJOR.tag) {
        checkCid(reader.cid())
        entries += MAX_BUCKET + 1 // a child has at least so many
      } else {
        entries += checkBucket(reader, depth, path, slot)
      }
    }
    reader.end()
    if (depth > 0 && entries <= MAX_BUCKET) throw corrupt('a node that should be a bucket')
    return new ChampNode(bytes, starts, depth, path)
  }

  /** Bytes of memory this takes, about. */
  get cost(): number {
    return this.#bytes.length + 400
  }

  /** What the slot holds for this label: its value, the child to go on with, or nothing. */
  find(label: Label): Cid | Child | undefined {
    const start = this.#starts[slotOf(label, this.depth)] as number
    if (start === 0) return undefined
    if (this.#isChildAt(start)) return { cid: this.#cidAt(start + CID_IN_CHILD) }
    const end = start + 1 + this.#entriesAt(start) * ENTRY_BYTES
    for (let at = start + 1; at < end; at += ENTRY_BYTES) {
      if (this.#hasLabelAt(at + LABEL_IN_ENTRY, label)) return this.#cidAt(at + CID_IN_ENTRY)
    }
    return undefined
  }

  /** All 32 slots, as a fresh array of views. */
  slots(): Slot[] {
    return Array.from(this.#starts, (start) => this.#slotAt(start))
  }

  #slotAt(start: number): Slot {
    if (start === 0) return undefined
    if (this.#isChildAt(start)) return { cid: this.#cidAt(start + CID_IN_CHILD) }
    return Array.from({ length: this.#entriesAt(start) }, (_, i) => {
      const at = start + 1 + i * ENTRY_BYTES
      const label = this.#bytes.subarray(at + LABEL_IN_ENTRY, at + LABEL_IN_ENTRY + LABEL_BYTES) as Label
      return { label, value: this.#cidAt(at + CID_IN_ENTRY) }
    })
  }

  #isChildAt(start: number): boolean {
    return (this.#bytes[start] as number) >>> 5 === MAJOR.tag
  }

  #entriesAt(start: number): number {
    return ((this.#bytes[start] as number) & 31) >>> 1
  }

  #cidAt(at: number): Cid {
    return this.#bytes.subarray(at, at + CID_BYTES) as Cid
  }

  #hasLabelAt(at: number, label: Label): boolean {
    for (let i = LABEL_BYTES - 1; i >= 0; i--) if (this.#bytes[at + i] !== label[i]) return false
    return true
  }
}

/** Reads a bucket; gives the number of its entries. */
function checkBucket(reader: CborReader, depth: number, path: Label, slot: number): number {
  const count = reader.arrayHead() / 2
  if (count < 1 || count > MAX_BUCKET || !Number.isInteger(count)) throw corrupt('a bucket has one to four entries')
  let last: Label | undefined
  for (let i = 0; i < count; i++) {
    const label = reader.bytes() as Label
    if (label.length !== LABEL_BYTES) throw corrupt('a label has 32 bytes')
    if (last !== undefined && compareBytes(last, label) >= 0) throw corrupt('labels out of order')
    if (slotOf(label, depth) !== slot || !sharePath(label, path, depth)) throw corrupt('a label in the wrong place')
    checkCid(reader.cid())
    last = label
  }
  return count
}

function checkCid(cid: Uint8Array): void {
  if (codecOf(cid as Cid) !== 'dag-cbor') throw corrupt('a link to a raw block')
}

function popcount(bits: number): number {
  let count = 0
  for (let left = bits; left !== 0; left &= left - 1) count += 1
  return count
}

function corrupt(what: string): BrochError {
  return new BrochError('CORRUPT', `CHAMP node: ${what}`)
}
