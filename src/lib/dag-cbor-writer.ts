/**
 * Writes canonical dag-cbor, piece by piece, into one growing buffer.
 *
 * The caller gives pieces in a legal order (a head of n, then n items). `encode` in dag-cbor.ts does it for a whole value.
 * @packageDocumentation
 */
import { isLinkAt, LINK_BYTES } from './dag-cbor-value.js'
import { BrochError } from './error.js'

const encoder = new TextEncoder()
const LONE_SURROGATE = /[\ud800-\udfff]/u

export class CborWriter {
  #buffer: Uint8Array
  #at = 0

  /** @param expectedBytes - size of the first buffer; it doubles when full */
  constructor(expectedBytes = 1024) {
    this.#buffer = new Uint8Array(expectedBytes)
  }

  /** What was written, in a buffer of its own; the writer then begins anew and may be used again. */
  finish(): Uint8Array {
    const bytes = this.#buffer.slice(0, this.#at)
    this.#at = 0
    return bytes
  }

  /** Forgets what was begun: for a writer that is kept, in case the last document was given up half-way. */
  restart(): this {
    this.#at = 0
    return this
  }

  arrayHead(length: number): void {
    this.#head(4, length)
  }

  mapHead(size: number): void {
    this.#head(5, size)
  }

  /** @throws BrochError INVALID unless whole and within +-(2^53 - 1). */
  int(value: number): void {
    if (!Number.isSafeInteger(value)) throw new BrochError('INVALID', 'dag-cbor: not a safe integer')
    if (value >= 0) this.#head(0, value)
    else this.#head(1, -1 - value)
  }

  bytes(value: Uint8Array): void {
    this.#head(2, value.length)
    this.#reserve(value.length)
    this.#buffer.set(value, this.#at)
    this.#at += value.length
  }

  /** @throws BrochError INVALID when the text has a lone surrogate, which UTF-8 cannot say. */
  text(value: string): void {
    if (LONE_SURROGATE.test(value)) throw new BrochError('INVALID', 'dag-cbor: text is not well formed')
    this.utf8(encoder.encode(value))
  }

  /** Text given as UTF-8 that is known to be well formed. */
  utf8(value: Uint8Array): void {
    this.#head(3, value.length)
    this.#reserve(value.length)
    this.#buffer.set(value, this.#at)
    this.#at += value.length
  }

  /** @throws BrochError INVALID unless these are the 36 bytes of a CID we use. */
  link(cid: Uint8Array): void {
    if (cid.length !== LINK_BYTES || !isLinkAt(cid, 0)) throw new BrochError('INVALID', 'dag-cbor: not a link')
    this.#reserve(5 + LINK_BYTES)
    const buffer = this.#buffer
    let at = this.#at
    buffer[at++] = 0xd8 // tag 42
    buffer[at++] = 0x2a
    buffer[at++] = 0x58 // byte string of 37
    buffer[at++] = 0x25
    buffer[at++] = 0x00 // multibase identity prefix
    buffer.set(cid, at)
    this.#at = at + LINK_BYTES
  }

  boolean(value: boolean): void {
    this.#byte(value ? 0xf5 : 0xf4)
  }

  null(): void {
    this.#byte(0xf6)
  }

  #byte(value: number): void {
    this.#reserve(1)
    this.#buffer[this.#at++] = value
  }

  #head(major: number, argument: number): void {
    this.#reserve(9)
    const buffer = this.#buffer
    const type = major << 5
    let at = this.#at
    if (argument < 24) {
      buffer[at++] = type | argument
    } else if (argument < 0x100) {
      buffer[at++] = type | 24
      buffer[at++] = argument
    } else if (argument < 0x10000) {
      buffer[at++] = type | 25
      buffer[at++] = argument >>> 8
      buffer[at++] = argument
    } else if (argument < 0x1_0000_0000) {
      buffer[at++] = type | 26
      at = put32(buffer, at, argument)
    } else {
      buffer[at++] = type | 27
      at = put32(buffer, at, Math.floor(argument / 0x1_0000_0000))
      at = put32(buffer, at, argument % 0x1_0000_0000)
    }
    this.#at = at
  }

  #reserve(more: number): void {
    const needed = this.#at + more
    if (needed <= this.#buffer.length) return
    const grown = new Uint8Array(Math.max(needed, this.#buffer.length * 2))
    grown.set(this.#buffer.subarray(0, this.#at))
    this.#buffer = grown
  }
}

function put32(buffer: Uint8Array, at: number, value: number): number {
  buffer[at] = value >>> 24
  buffer[at + 1] = value >>> 16
  buffer[at + 2] = value >>> 8
  buffer[at + 3] = value
  return at + 4
}
