/**
 * Where each block lies: hash tables in typed arrays, about 50 bytes a block and nothing for the collector to walk.
 *
 * A slot holds 16 bytes of the block's hash; a reader compares the whole CID with the record it finds.
 * One table for each first byte of the hash, so that growing one is short and needs little room besides.
 * @packageDocumentation
 */
import { CODEC_RAW } from '../../lib/dag-cbor-value.js'
import type { Cid } from '../block.js'

export interface Place {
  /** number of the segment, from 1 */
  readonly segment: number
  /** where the record's header begins */
  readonly offset: number
  /** bytes of the block */
  readonly length: number
}

const SLOT = 7 // words: 4 of the hash, segment (0: empty), offset, length and codec
const RAW = 0x80000000
const HASH_AT = 4

interface Table {
  words: Uint32Array
  mask: number
  count: number
}

function emptyTable(slots: number): Table {
  return { words: new Uint32Array(slots * SLOT), mask: slots - 1, count: 0 }
}

export class BlockIndex {
  readonly #tables = Array.from({ length: 256 }, () => emptyTable(8))
  /** the CID asked for, as words */
  readonly #key = new Uint32Array(5)
  size = 0

  get(cid: Cid): Place | undefined {
    const table = this.#tableOf(cid)
    const at = this.#find(table)
    return table.words[at + 4] === 0 ? undefined : placeAt(table, at)
  }

  has(cid: Cid): boolean {
    const table = this.#tableOf(cid)
    return table.words[this.#find(table) + 4] !== 0
  }

  /** True when this is the block's place. */
  isAt(cid: Cid, segment: number, offset: number): boolean {
    const table = this.#tableOf(cid)
    const { words } = table
    const at = this.#find(table)
    return words[at + 4] === segment && words[at + 5] === offset
  }

  set(cid: Cid, segment: number, offset: number, length: number): void {
    this.#put(this.#roomyTableOf(cid, 0), segment, offset, length)
  }

  /** False, and nothing is changed, when the block has a place. @param at - where in the bytes its CID is */
  addNew(bytes: Uint8Array, at: number, segment: number, offset: number, length: number): boolean {
    const table = this.#roomyTableOf(bytes, at)
    if (table.words[this.#find(table) + 4] !== 0) return false
    this.#put(table, segment, offset, length)
    return true
  }

  #roomyTableOf(bytes: Uint8Array, at: number): Table {
    const table = this.#tableOf(bytes, at)
    if (table.count * 4 < (table.mask + 1) * 3) return table
    const larger = grown(table)
    this.#tables[bytes[at + HASH_AT] as number] = larger
    return larger
  }

  #put(table: Table, segment: number, offset: number, length: number): void {
    const { words } = table
    const key = this.#key
    const at = this.#find(table)
    if (words[at + 4] === 0) {
      table.count++
      this.size++
    }
    for (let word = 0; word < 4; word++) words[at + word] = key[word] as number
    words[at + 4] = segment
    words[at + 5] = offset
    words[at + 6] = (length | (key[4] as number)) >>> 0
  }

  delete(cid: Cid): Place | undefined {
    const table = this.#tableOf(cid)
    const at = this.#find(table)
    if (table.words[at + 4] === 0) return undefined
    const place = placeAt(table, at)
    removeAt(table, at)
    table.count--
    this.size--
    return place
  }

  /** Also sets the key that `#find` looks for. */
  #tableOf(cid: Uint8Array, at = 0): Table {
    const key = this.#key
    for (let word = 0, i = at + HASH_AT + 1; word < 4; word++, i += 4) {
      key[word] = (cid[i] as number) | ((cid[i + 1] as number) << 8) | ((cid[i + 2] as number) << 16) | ((cid[i + 3] as number) << 24)
    }
    key[4] = cid[at + 1] === CODEC_RAW ? RAW : 0
    return this.#tables[cid[at + HASH_AT] as number] as Table
  }

  /** The slot of the key, or the empty one where it would go. */
  #find({ words, mask }: Table): number {
    const [a, b, c, d, codec] = this.#key
    for (let slot = (a as number) & mask; ; slot = (slot + 1) & mask) {
      const at = slot * SLOT
      if (words[at + 4] === 0) return at
      if (words[at] === a && words[at + 1] === b && words[at + 2] === c && words[at + 3] === d && (((words[at + 6] as number) & RAW) >>> 0) === codec) return at
    }
  }
}

function placeAt({ words }: Table, at: number): Place {
  return { segment: words[at + 4] as number, offset: words[at + 5] as number, length: (words[at + 6] as number) & ~RAW }
}

function grown(old: Table): Table {
  const table = emptyTable((old.mask + 1) * 2)
  table.count = old.count
  for (let at = 0; at < old.words.length; at += SLOT) {
    if (old.words[at + 4] === 0) continue
    let slot = (old.words[at] as number) & table.mask
    while (table.words[slot * SLOT + 4] !== 0) slot = (slot + 1) & table.mask
    table.words.set(old.words.subarray(at, at + SLOT), slot * SLOT)
  }
  return table
}

/** Entries after the hole that probed past it move up, so that no probe ends too early. */
function removeAt({ words, mask }: Table, at: number): void {
  let hole = at / SLOT
  for (let slot = (hole + 1) & mask; words[slot * SLOT + 4] !== 0; slot = (slot + 1) & mask) {
    const home = (words[slot * SLOT] as number) & mask
    if (((slot - home) & mask) < ((slot - hole) & mask)) continue
    words.copyWithin(hole * SLOT, slot * SLOT, slot * SLOT + SLOT)
    hole = slot
  }
  words.fill(0, hole * SLOT, hole * SLOT + SLOT)
}
