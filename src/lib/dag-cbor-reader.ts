/**
 * Reads canonical dag-cbor, piece by piece, without copying.
 *
 * Strict: what `CborWriter` would not have written is refused as CORRUPT, and no length is believed
 * before the bytes it speaks of are seen to be there.
 * @packageDocumentation
 */
import { isLinkAt, LINK_BYTES, Link, MAX_ITEMS } from './dag-cbor-value.js'
import { BrochError } from './error.js'

const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

export const MAJOR = { uint: 0, negative: 1, bytes: 2, text: 3, array: 4, map: 5, tag: 6, simple: 7 } as const

export class CborReader {
  readonly #bytes: Uint8Array
  #at = 0
  #argument = 0
  #items = 0

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes
  }

  /** The major type of the next item, without reading it. */
  peekMajor(): number {
    const initial = this.#bytes[this.#at]
    return initial === undefined ? -1 : initial >>> 5
  }

  /** @throws BrochError CORRUPT when bytes are left. */
  end(): void {
    if (this.#at !== this.#bytes.length) throw corrupt('bytes after the end')
  }

  /** Count of items that follow; never more than the bytes left could hold. */
  arrayHead(): number {
    this.#expect(MAJOR.array)
    return this.#count(1)
  }

  /** Count of pairs that follow. */
  mapHead(): number {
    this.#expect(MAJOR.map)
    return this.#count(2)
  }

  /** A number from 0 to `max`. */
  uint(max: number = Number.MAX_SAFE_INTEGER): number {
    this.#expect(MAJOR.uint)
    if (this.#argument > max) throw corrupt('number too large')
    return this.#argument
  }

  int(): number {
    const major = this.#head()
    if (major === MAJOR.uint) return this.#argument
    if (major !== MAJOR.negative || this.#argument === Number.MAX_SAFE_INTEGER) throw corrupt('not an integer')
    return -1 - this.#argument
  }

  /** A view. */
  bytes(): Uint8Array {
    this.#expect(MAJOR.bytes)
    return this.#take()
  }

  text(): string {
    this.#expect(MAJOR.text)
    return decodeText(this.#take())
  }

  /** Where the next item begins. */
  get position(): number {
    return this.#at
  }

  /** The bytes read since `position` was `start`. A view. */
  since(start: number): Uint8Array {
    return this.#bytes.subarray(start, this.#at)
  }

  /** The 36 bytes of a link's CID. A view. */
  cid(): Uint8Array {
    const bytes = this.#bytes
    const at = this.#at
    // tag 42, byte string of 37, identity prefix
    const framed =
      bytes[at] === 0xd8 &&
      bytes[at + 1] === 0x2a &&
      bytes[at + 2] === 0x58 &&
      bytes[at + 3] === 0x25 &&
      bytes[at + 4] === 0x00
    if (!framed || !isLinkAt(bytes, at + 5)) throw corrupt('not a link')
    this.#tally()
    this.#at = at + 5 + LINK_BYTES
    return bytes.subarray(at + 5, this.#at)
  }

  link(): Link {
    return new Link(this.cid())
  }

  /** null, true or false. */
  simple(): null | boolean {
    const initial = this.#bytes[this.#at]
    if (initial !== 0xf4 && initial !== 0xf5 && initial !== 0xf6) throw corrupt('neither null nor a truth value')
    this.#tally()
    this.#at += 1
    return initial === 0xf6 ? null : initial === 0xf5
  }

  #tally(): void {
    this.#items += 1
    if (this.#items > MAX_ITEMS) throw corrupt('too many items')
  }

  #expect(major: number): void {
    if (this.#head() !== major) throw corrupt('another type of item was expected')
  }

  #count(bytesEach: number): number {
    if (this.#argument * bytesEach > this.#bytes.length - this.#at) throw corrupt('more items than bytes')
    return this.#argument
  }

  #take(): Uint8Array {
    const end = this.#at + this.#argument
    if (end > this.#bytes.length) throw corrupt('cut short')
    const view = this.#bytes.subarray(this.#at, end)
    this.#at = end
    return view
  }

  /** Reads type and argument; refuses arguments that a shorter form could hold, and indefinite lengths. */
  #head(): number {
    this.#tally()
    const initial = this.#bytes[this.#at]
    if (initial === undefined) throw corrupt('cut short')
    this.#at += 1
    const info = initial & 31
    if (info < 24) this.#argument = info
    else if (info === 24) this.#longArgument(1, 24)
    else if (info === 25) this.#longArgument(2, 0x100)
    else if (info === 26) this.#longArgument(4, 0x10000)
    else if (info === 27) this.#longArgument(8, 0x1_0000_0000)
    else throw corrupt('indefinite or reserved length')
    return initial >>> 5
  }

  #longArgument(width: number, least: number): void {
    const end = this.#at + width
    if (end > this.#bytes.length) throw corrupt('cut short')
    let argument = 0
    for (let i = this.#at; i < end; i++) argument = argument * 256 + (this.#bytes[i] as number)
    if (argument < least) throw corrupt('a number is not in its shortest form')
    if (argument > Number.MAX_SAFE_INTEGER) throw corrupt('number too large')
    this.#at = end
    this.#argument = argument
  }
}

function decodeText(bytes: Uint8Array): string {
  if (bytes.length < 32 && isAscii(bytes)) return String.fromCharCode(...bytes)
  try {
    return decoder.decode(bytes)
  } catch (cause) {
    throw new BrochError('CORRUPT', 'dag-cbor: text is not UTF-8', { cause })
  }
}

function isAscii(bytes: Uint8Array): boolean {
  for (const byte of bytes) if (byte > 127) return false
  return true
}

function corrupt(what: string): BrochError {
  return new BrochError('CORRUPT', `dag-cbor: ${what}`)
}
