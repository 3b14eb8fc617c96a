/**
 * One sealed part of a node: a payload that knows its kind, version and place. docs/format.md §7.2
 * @packageDocumentation
 */
import { type Crypto, MAC_BYTES, NONCE_BYTES, type Nonce, type Sealed, type SymmetricKey } from '../crypto/crypto.js'
import type { Brand } from '../lib/brand.js'
import { BrochError } from '../lib/error.js'
import { LABEL_BYTES, type Label } from '../store/label.js'
import { padme } from './padding.js'

/** A nonce and the box made with it, as a node block holds them. */
export type SealedPart = Brand<Uint8Array, 'SealedPart'>

export const PART_KIND = { props: 1, content: 2, chunk: 3, bucket: 4 } as const
export type PartKind = keyof typeof PART_KIND

const VERSION = 1
const HEADER_BYTES = 2 + LABEL_BYTES + 4
const MIN_BYTES = 256

let scratch = new Uint8Array(65_536)

/** `length` bytes to lay a plaintext out in, until the next call. */
function scratchFor(length: number): Uint8Array {
  if (scratch.length < length) scratch = new Uint8Array(length)
  return scratch.subarray(0, length)
}

function putLength(plain: Uint8Array, length: number): void {
  for (let i = 3, rest = length; i >= 0; i--, rest >>>= 8) plain[2 + LABEL_BYTES + i] = rest
}

/** Bytes of the plaintext that holds so long a payload. */
function paddedLength(payloadLength: number): number {
  return padme(Math.max(MIN_BYTES, HEADER_BYTES + payloadLength))
}

/** The sealed form of `payload`: 24 + 16 bytes and the padding longer than it. */
export function sealPart(crypto: Crypto, kind: PartKind, label: Label, key: SymmetricKey, payload: Uint8Array): SealedPart {
  const plain = scratchFor(padme(Math.max(MIN_BYTES, HEADER_BYTES + payload.length)))
  plain[0] = PART_KIND[kind]
  plain[1] = VERSION
  plain.set(label, 2)
  putLength(plain, payload.length)
  plain.set(payload, HEADER_BYTES)
  plain.fill(0, HEADER_BYTES + payload.length)
  const part = new Uint8Array(NONCE_BYTES + MAC_BYTES + plain.length)
  const nonce = crypto.randomBytes(NONCE_BYTES) as Nonce
  part.set(nonce)
  crypto.seal(plain, nonce, key, part.subarray(NONCE_BYTES))
  return part as SealedPart
}

/**
 * The payload of a part.
 * @throws BrochError CORRUPT when it was not sealed as this kind, for this label, with this key.
 */
export function openPart(crypto: Crypto, kind: PartKind, label: Label, key: SymmetricKey, part: Uint8Array): Uint8Array {
  if (part.length < NONCE_BYTES + MAC_BYTES + HEADER_BYTES) throw corrupt(kind)
  const nonce = part.subarray(0, NONCE_BYTES) as Nonce
  const plain = crypto.open(part.subarray(NONCE_BYTES) as Sealed, nonce, key)
  if (plain === undefined || plain.length < HEADER_BYTES || plain[0] !== PART_KIND[kind]) throw corrupt(kind)
  if (plain[1] !== VERSION) throw new BrochError('NEWER_FORMAT', `a ${kind} part has format version ${plain[1] ?? '?'}`)
  for (let i = 0; i < LABEL_BYTES; i++) if (plain[2 + i] !== label[i]) throw corrupt(kind)
  const length = new DataView(plain.buffer, plain.byteOffset).getUint32(2 + LABEL_BYTES)
  if (plain.length !== paddedLength(length)) throw corrupt(kind)
  return plain.subarray(HEADER_BYTES, HEADER_BYTES + length)
}

function corrupt(kind: PartKind): BrochError {
  return new BrochError('CORRUPT', `the ${kind} part of a node does not open: it is damaged, or stands where another belongs`)
}
