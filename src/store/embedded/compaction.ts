/**
 * Gets space back: live blocks of sparse segments move to the log's end, and segments without live blocks go.
 *
 * In small steps between which others have their turn. Every step is plain appending, so stopping anywhere is harmless:
 * docs/format.md §6.4 says why.
 * @packageDocumentation
 */
import { isBrochError } from '../../lib/error.js'
import type { Sha256 } from '../cid.js'
import { type Forgotten, hasItsHash, HEADER_BYTES, headerCid, isHeader, payloadLength, RECORD_KIND, splitForgotten } from './record.js'
import type { Segment } from './segment.js'
import type { MovedBlock, SegmentLog } from './segment-log.js'
import { Window, WINDOW_BYTES, windowAfter } from './segment-window.js'

/** Dead bytes that are left alone: this share of a segment (2 MiB), and half as much as lives. */
const SPARE_SHARE = 1 / 32
/** A step moves about this share of a segment (1 MiB), and looks at no more than eight times that. */
const STEP_SHARE = 1 / 64
const LOOK_SHARE = 1 / 8

export class Compaction {
  readonly #log: SegmentLog
  readonly #sha256: Sha256
  /** Where in the segment under way the next step goes on. */
  #cursor: { readonly segment: Segment; offset: number } | undefined
  /** Segments with live blocks that cannot be read: left as they are. */
  readonly #stuck = new Set<Segment>()
  #running: Promise<void> | undefined
  #stopped = false
  /** A fault of ours in the background, told when somebody waits. */
  #fault: unknown

  constructor(log: SegmentLog, sha256: Sha256) {
    this.#log = log
    this.#sha256 = sha256
  }

  /** Goes on in the background as long as there is something to gain. */
  start(): void {
    if (this.#stopped || this.#running !== undefined || !this.#hasWork()) return
    this.#running = this.#run().finally(() => {
      this.#running = undefined
    })
  }

  /** Resolves when there is nothing more to gain. @throws BrochError what made it stop */
  async finish(): Promise<void> {
    await this.#running
    if (this.#fault !== undefined) throw this.#fault as Error
    while (!this.#stopped && this.#hasWork() && (await this.#step()));
  }

  /** Moves no more; what needs no moving still goes. */
  async stop(): Promise<void> {
    this.#stopped = true
    await this.#running
    if (this.#fault !== undefined) throw this.#fault as Error
    try {
      for (let removable = this.#removable(); removable.length > 0; removable = this.#removable()) await this.#remove(removable)
    } catch (error) {
      if (!isBrochError(error)) throw error // space comes back another time
    }
  }

  async #run(): Promise<void> {
    try {
      do await new Promise((resolve) => setTimeout(resolve))
      while (!this.#stopped && this.#hasWork() && (await this.#step()))
    } catch (error) {
      // no space to move to, or a disk that fails: the next write tells who must know; space comes back another time
      if (!isBrochError(error)) this.#fault = error
    }
  }

  #hasWork(): boolean {
    return this.#removable().length > 0 || this.#victim() !== undefined
  }

  /** True when something was gained. */
  async #step(): Promise<boolean> {
    const removable = this.#removable()
    if (removable.length > 0) return this.#remove(removable)
    const victim = this.#victim()
    if (victim === undefined) return false
    if (victim === this.#log.head) this.#log.roll()
    else this.#moveSome(victim)
    return true
  }

  /** Segments without live blocks, but for the last, and those that say more than removing them frees. */
  #removable(): Segment[] {
    const { state, head } = this.#log
    return [...state.segments.values()].filter((segment) => segment.live === 0 && segment !== head && state.held(segment) <= segment.end / 2)
  }

  /**
   * Those that say nothing that counts go at once. When all say something, the oldest puts it again first.
   * Never both in one go: a segment may be needed until the one it speaks of is surely gone.
   */
  async #remove(removable: readonly Segment[]): Promise<boolean> {
    const free = removable.filter((segment) => this.#log.state.held(segment) === 0)
    const going = free.length > 0 ? free : removable.slice(0, 1)
    if (free.length === 0) for (const segment of going) this.#log.carryOver(segment, this.#stillSaid(segment))
    await this.#log.sync()
    this.#log.remove(going)
    return true
  }

  /** The places it says are dead, in other segments that are still there. */
  #stillSaid(segment: Segment): Forgotten[] {
    const { segments } = this.#log.state
    return segment.forgets.flatMap((offset) => {
      const header = new Uint8Array(HEADER_BYTES)
      segment.read(header, offset)
      const payload = new Uint8Array(payloadLength(header, 0))
      segment.read(payload, offset + HEADER_BYTES)
      if (!hasItsHash(this.#sha256, header, 0, payload)) return []
      return splitForgotten(payload).filter(({ segment: number }) => number !== segment.number && segments.has(number))
    })
  }

  /** The segment with the largest share of dead bytes, if there are too many in all. */
  #victim(): Segment | undefined {
    const { state, head, segmentBytes } = this.#log
    const spare = segmentBytes * SPARE_SHARE
    let dead = 0
    let counted = 0
    let best: { readonly segment: Segment; readonly share: number } | undefined
    for (const segment of state.segments.values()) {
      if (this.#stuck.has(segment) || (segment.live === 0 && segment !== head)) continue
      const counts = segment.live + state.held(segment)
      dead += segment.end - counts
      counted += counts
      const share = (segment.end - counts) / segment.end
      if (segment.end - counts > spare / 2 && share > (best?.share ?? 0)) best = { segment, share }
    }
    return dead > spare + counted / 2 ? best?.segment : undefined
  }

  /** Moves live blocks from the cursor on. Verified, so that damage stays where it is. */
  #moveSome(segment: Segment): void {
    if (this.#cursor?.segment !== segment) this.#cursor = { segment, offset: 0 }
    const { segmentBytes, state: { index } } = this.#log
    const window = new Window(segment)
    const blocks: MovedBlock[] = []
    let moved = 0
    const from = this.#cursor.offset
    let offset = from
    let size = windowAfter(0)
    while (offset < segment.end && moved < segmentBytes * STEP_SHARE && offset - from < segmentBytes * LOOK_SHARE) {
      const at = window.seek(offset, HEADER_BYTES, size)
      if (!isHeader(window.bytes, at)) break
      const length = payloadLength(window.bytes, at)
      const isLive = window.bytes[at] === RECORD_KIND.block && index.isAt(headerCid(window.bytes, at), segment.number, offset)
      const block = isLive ? this.#readBlock(segment, window, offset, length) : undefined
      if (block !== undefined) {
        blocks.push(block)
        moved += length
      }
      offset += HEADER_BYTES + length
      size = windowAfter(length)
    }
    if (blocks.length > 0) this.#log.moveBlocks(segment, blocks)
    if (segment.live > 0 && (offset === from || offset >= segment.end)) this.#stuck.add(segment)
    this.#cursor.offset = offset
  }

  /** A copy, or undefined when it is damaged. */
  #readBlock(segment: Segment, window: Window, offset: number, length: number): MovedBlock | undefined {
    const total = HEADER_BYTES + length
    let record: Uint8Array
    if (total <= WINDOW_BYTES) {
      const at = window.seek(offset, total, WINDOW_BYTES)
      record = window.bytes.slice(at, at + total)
    } else {
      record = new Uint8Array(total)
      segment.read(record, offset)
    }
    const payload = record.subarray(HEADER_BYTES)
    return payload.length === length && hasItsHash(this.#sha256, record, 0, payload) ? { cid: headerCid(record, 0), payload, offset } : undefined
  }
}
