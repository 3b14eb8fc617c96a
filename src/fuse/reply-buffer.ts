/**
 * The buffer that answers are sent from: header and body in one piece, filled anew for each.
 * @packageDocumentation
 */
import { OUT_HEADER_BYTES } from './protocol.js'

/** The longest body that is laid out here; longer ones (data, listings) are sent as they are. */
const BODY_BYTES = 512

export class ReplyBuffer {
  readonly #bytes = Buffer.alloc(OUT_HEADER_BYTES + BODY_BYTES)
  /** Views are kept: there are only a few lengths. */
  readonly #bodies = new Map<number, Buffer>()
  readonly #answers = new Map<number, Buffer>()

  /** The first `length` bytes of the body, as zeros. */
  take(length: number): Buffer {
    return this.#view(this.#bodies, length, OUT_HEADER_BYTES).fill(0)
  }

  /** A header for a body of `length` bytes, and the body itself if it was laid out here. */
  finish(unique: Buffer, error: number, length: number, bodyIsHere: boolean): Buffer {
    const bytes = this.#bytes
    bytes.writeUInt32LE(OUT_HEADER_BYTES + length, 0)
    bytes.writeInt32LE(-error, 4)
    bytes.set(unique, 8)
    return this.#view(this.#answers, OUT_HEADER_BYTES + (bodyIsHere ? length : 0), 0)
  }

  #view(views: Map<number, Buffer>, length: number, start: number): Buffer {
    let view = views.get(length)
    if (view === undefined) {
      view = this.#bytes.subarray(start, start + length)
      views.set(length, view)
    }
    return view
  }
}
