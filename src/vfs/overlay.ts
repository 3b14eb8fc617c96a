/**
 * Bytes written to one fragment and not sealed yet, over what the store has.
 * @packageDocumentation
 */

interface Piece {
  start: number
  end: number
  /** may be longer than the piece: room to append */
  buffer: Uint8Array
}

/** Pieces past this number are joined by the caller (`fill`): a list stays short. */
export const MAX_PIECES = 64

export class Overlay {
  /** in order, neither overlapping nor touching */
  readonly #pieces: Piece[] = []
  readonly #capacity: number

  /** @param capacity - bytes of the fragment */
  constructor(capacity: number) {
    this.#capacity = capacity
  }

  /** End of the last written byte; 0 when nothing is written. */
  get end(): number {
    return this.#pieces.at(-1)?.end ?? 0
  }

  get pieces(): number {
    return this.#pieces.length
  }

  /** Bytes of memory held. */
  get bytes(): number {
    let sum = 0
    for (const piece of this.#pieces) sum += piece.buffer.length
    return sum
  }

  get isFull(): boolean {
    return this.covers(0, this.#capacity)
  }

  /** True when every byte of the range was written here. */
  covers(start: number, end: number): boolean {
    return this.#pieces.some((piece) => piece.start <= start && piece.end >= end)
  }

  /** All of the first `length` bytes, as a view, when they were written here and nothing after them. */
  whole(length: number): Uint8Array | undefined {
    const [piece] = this.#pieces
    if (this.#pieces.length !== 1 || piece?.start !== 0 || piece.end !== length) return undefined
    return piece.buffer.subarray(0, length)
  }

  /** Copies `data` in at `start` (bytes from the fragment's begin). */
  write(start: number, data: Uint8Array): void {
    const end = start + data.length
    const pieces = this.#pieces
    let first = pieces.length
    while (first > 0 && (pieces[first - 1] as Piece).end >= start) first--
    let last = first
    while (last < pieces.length && (pieces[last] as Piece).start <= end) last++
    const joined = this.#join(pieces.slice(first, last), start, end)
    joined.buffer.set(data, start - joined.start)
    pieces.splice(first, last - first, joined)
  }

  /** One piece that holds what `touched` held and has room for the range. */
  #join(touched: readonly Piece[], start: number, end: number): Piece {
    const head = touched[0]
    const tail = touched.at(-1)
    if (head === undefined || tail === undefined) return { start, end, buffer: new Uint8Array(end - start) }
    const joined = { start: Math.min(start, head.start), end: Math.max(end, tail.end) }
    if (head.start === joined.start && head.buffer.length >= joined.end - joined.start) {
      for (const piece of touched.slice(1)) copyPiece(piece, head.buffer, head.start)
      return { ...joined, buffer: head.buffer }
    }
    const length = joined.end - joined.start
    const room = touched.length === 1 && start === head.end ? 2 * length : length
    const buffer = new Uint8Array(Math.min(room, this.#capacity - joined.start))
    for (const piece of touched) copyPiece(piece, buffer, joined.start)
    return { ...joined, buffer }
  }

  /** Copies what is written of `[start, start + out.length)` over `out`. */
  copyTo(out: Uint8Array, start: number): void {
    const end = start + out.length
    for (const piece of this.#pieces) {
      const from = Math.max(start, piece.start)
      const to = Math.min(end, piece.end)
      if (from < to) out.set(piece.buffer.subarray(from - piece.start, to - piece.start), from - start)
    }
  }

  /** Forgets what lies at `end` and after. */
  truncate(end: number): void {
    const pieces = this.#pieces
    while (pieces.length > 0 && (pieces.at(-1) as Piece).start >= end) pieces.pop()
    const last = pieces.at(-1)
    if (last !== undefined && last.end > end) last.end = end
  }
}

function copyPiece(piece: Piece, buffer: Uint8Array, start: number): void {
  buffer.set(piece.buffer.subarray(0, piece.end - piece.start), piece.start - start)
}
