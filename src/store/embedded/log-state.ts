/**
 * What a store knows of its log: segments, where each live block lies, the newest pointers.
 * @packageDocumentation
 */
import type { Cid } from '../block.js'
import type { SignedPointer } from '../pointer.js'
import { BlockIndex, type Place } from './block-index.js'
import { FORGOTTEN_BYTES, type Forgotten, HEADER_BYTES } from './record.js'
import type { Segment } from './segment.js'

/** About as much as a record of one pointer takes. */
const POINTER_BYTES = 256

export class LogState {
  readonly index = new BlockIndex()
  /** by number, ascending */
  readonly segments = new Map<number, Segment>()
  /** by the writer's key in hex */
  readonly pointers = new Map<string, { readonly pointer: SignedPointer; readonly segment: number }>()
  /** Of live blocks, without headers. */
  bytes = 0
  /** Second copies found at opening: dead, and not yet said to be. */
  doubles: Forgotten[] = []
  /** Damaged stretches found at opening, for people. */
  readonly damage: string[] = []

  add(cid: Cid, segment: Segment, offset: number, length: number): void {
    this.index.set(cid, segment.number, offset, length)
    segment.live += HEADER_BYTES + length
    this.bytes += length
  }

  /** At opening: of two records of a block the one read first counts. @param at - where in the bytes the CID is */
  addFirst(bytes: Uint8Array, at: number, segment: Segment, offset: number, length: number): void {
    if (!this.index.addNew(bytes, at, segment.number, offset, length)) {
      this.doubles.push({ segment: segment.number, offset })
      return
    }
    segment.live += HEADER_BYTES + length
    this.bytes += length
  }

  drop(cid: Cid): Place | undefined {
    const place = this.index.delete(cid)
    if (place === undefined) return undefined
    this.#subtract(place)
    return place
  }

  /** The block lies elsewhere from now on. */
  move(cid: Cid, to: Segment, offset: number, length: number): void {
    this.drop(cid)
    this.add(cid, to, offset, length)
  }

  #subtract({ segment, length }: Place): void {
    const from = this.segments.get(segment)
    if (from !== undefined) from.live -= HEADER_BYTES + length
    this.bytes -= length
  }

  /** The segment has the newest pointer of some writer. */
  isPointedAt(segment: Segment): boolean {
    for (const { segment: number } of this.pointers.values()) if (number === segment.number) return true
    return false
  }

  /** Bytes of what it says that still counts: of places in other segments that are there, and newest pointers. */
  held(segment: Segment): number {
    let bytes = this.isPointedAt(segment) ? POINTER_BYTES : 0
    for (const [number, count] of segment.forgetsIn) if (number !== segment.number && this.segments.has(number)) bytes += count * FORGOTTEN_BYTES
    return bytes
  }
}
