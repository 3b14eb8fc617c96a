/**
 * Reading a segment from front to back without a call for each record.
 * @packageDocumentation
 */
import type { Segment } from './segment.js'

export const WINDOW_BYTES = 256 * 1024
const SMALL_WINDOW = 4096
/** After a payload this long the next header is read alone. */
const LARGE_PAYLOAD = 32 * 1024

/** How much to read for the next header, after a payload of `length` bytes. */
export function windowAfter(length: number): number {
  return length > LARGE_PAYLOAD ? SMALL_WINDOW : WINDOW_BYTES
}

/** A window on a segment that moves forward. */
export class Window {
  readonly #segment: Segment
  readonly #buffer = new Uint8Array(WINDOW_BYTES)
  #start = 0
  bytes: Uint8Array = new Uint8Array(0)

  constructor(segment: Segment) {
    this.#segment = segment
  }

  /** Index in `bytes` of the offset, with `length` bytes after it unless the segment ends before. */
  seek(offset: number, length: number, size: number): number {
    if (offset < this.#start || offset + length > this.#start + this.bytes.length) {
      this.#start = offset
      const into = this.#buffer.subarray(0, Math.max(length, size))
      this.bytes = into.subarray(0, this.#segment.read(into, offset))
    }
    return offset - this.#start
  }
}
