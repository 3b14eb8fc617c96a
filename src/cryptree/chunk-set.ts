/**
 * Which chunks of a file have a node: numbers from 1 on, kept as ranges. docs/format.md §7.4
 *
 * A list of ranges is small however much it stands for, so a hostile one cannot ask for memory.
 * @packageDocumentation
 */

/** 10 TiB of data in one file; bounds the work that a hostile list can ask for. */
export const MAX_CHUNKS = 2 ** 21
/** A node's block has room for so many. */
export const MAX_RANGES = 40_000

interface Range {
  first: number
  /** one past the last */
  end: number
}

export class ChunkSet {
  readonly #ranges: Range[] = []
  #size = 0

  get size(): number {
    return this.#size
  }

  /** No more can be added. */
  get isFull(): boolean {
    return this.#size >= MAX_CHUNKS || this.#ranges.length >= MAX_RANGES
  }

  /** `[first, count]` in order, apart from each other. */
  ranges(): (readonly [number, number])[] {
    return this.#ranges.map(({ first, end }) => [first, end - first])
  }

  /** Adds a range that lies after all others. False when it does not, or is none, or is too much. */
  append(first: number, count: number): boolean {
    const least = (this.#ranges.at(-1)?.end ?? 0) + 1
    if (this.isFull || first < least || count < 1 || this.#size + count > MAX_CHUNKS || !Number.isSafeInteger(first + count)) return false
    this.#ranges.push({ first, end: first + count })
    this.#size += count
    return true
  }

  has(chunk: number): boolean {
    const range = this.#ranges[this.#place(chunk)]
    return range !== undefined && range.first <= chunk
  }

  add(chunk: number): void {
    const at = this.#place(chunk)
    const after = this.#ranges[at]
    if (after !== undefined && after.first <= chunk) return
    this.#size += 1
    const before = this.#ranges[at - 1]
    const joinsBefore = before?.end === chunk
    const joinsAfter = after?.first === chunk + 1
    if (joinsBefore && joinsAfter) {
      before.end = after.end
      this.#ranges.splice(at, 1)
    } else if (joinsBefore) before.end += 1
    else if (joinsAfter) after.first -= 1
    else this.#ranges.splice(at, 0, { first: chunk, end: chunk + 1 })
  }

  delete(chunk: number): void {
    const at = this.#place(chunk)
    const range = this.#ranges[at]
    if (range === undefined || range.first > chunk) return
    this.#size -= 1
    const parts = [{ first: range.first, end: chunk }, { first: chunk + 1, end: range.end }]
    this.#ranges.splice(at, 1, ...parts.filter(({ first, end }) => first < end))
  }

  /** Those from `first` on and before `end`, ascending. */
  *between(first: number, end: number = Number.POSITIVE_INFINITY): Generator<number> {
    for (let at = this.#place(first); at < this.#ranges.length; at++) {
      const range = this.#ranges[at] as Range
      if (range.first >= end) return
      for (let chunk = Math.max(first, range.first); chunk < range.end && chunk < end; chunk++) yield chunk
    }
  }

  [Symbol.iterator](): Generator<number> {
    return this.between(1)
  }

  /** Of the first range that ends after `chunk`. */
  #place(chunk: number): number {
    let [low, high] = [0, this.#ranges.length]
    while (low < high) {
      const middle = (low + high) >>> 1
      if ((this.#ranges[middle] as Range).end > chunk) high = middle
      else low = middle + 1
    }
    return low
  }
}
