/**
 * Records of the embedded store's log. docs/format.md §6
 *
 * kind (1) ‖ zeros (3) ‖ payload length (4, big endian) ‖ CID of the payload (36) ‖ CRC-32 of the 44 bytes before.
 * @packageDocumentation
 */
import { concatBytes, equalBytes } from '../../lib/bytes.js'
import { crc32 } from '../../lib/crc32.js'
import { BrochError } from '../../lib/error.js'
import { CID_BYTES, type Cid, MAX_BLOCK_BYTES } from '../block.js'
import { makeCid, type Sha256 } from '../cid.js'
import type { SignedPointer } from '../pointer.js'
import { decodePointer, encodePointer } from '../root.js'

export const HEADER_BYTES = 48
const CHECKED_BYTES = 44
/** in a header */
export const CID_AT = 8

/** `mark`: all before an offset of this segment was synced. `gap`: only in digests, for a damaged stretch. */
export const RECORD_KIND = { block: 1, pointer: 2, forget: 3, mark: 4, gap: 5 } as const
export type RecordKind = (typeof RECORD_KIND)[keyof typeof RECORD_KIND]

export interface LogRecord {
  readonly kind: RecordKind
  readonly cid: Cid
  readonly payload: Uint8Array
}

/** A place in the log that is dead for ever: positions are never used again. */
export interface Forgotten {
  readonly segment: number
  readonly offset: number
}

export function encodeHeader(kind: RecordKind, length: number, cid: Cid, into: Uint8Array): void {
  into[0] = kind
  putUint32(into, 4, length)
  into.set(cid, CID_AT)
  putUint32(into, CHECKED_BYTES, crc32(into, 0, CHECKED_BYTES))
}

/** Whether a header begins here. */
export function isHeader(bytes: Uint8Array, at: number): boolean {
  if (at + HEADER_BYTES > bytes.length) return false
  const kind = bytes[at] as number
  if (kind < RECORD_KIND.block || kind > RECORD_KIND.mark || payloadLength(bytes, at) > MAX_BLOCK_BYTES) return false
  return crc32(bytes, at, at + CHECKED_BYTES) === getUint32(bytes, at + CHECKED_BYTES)
}

export function payloadLength(bytes: Uint8Array, at: number): number {
  return getUint32(bytes, at + 4)
}

/** A view. */
export function headerCid(bytes: Uint8Array, at: number): Cid {
  return bytes.subarray(at + CID_AT, at + CID_AT + CID_BYTES) as Cid
}

/** Whether the header at `at` names this CID. */
export function headerHasCid(bytes: Uint8Array, at: number, cid: Cid): boolean {
  for (let i = 0; i < CID_BYTES; i++) if (bytes[at + CID_AT + i] !== cid[i]) return false
  return true
}

/** Whether the payload has the hash that the header at `at` gives. */
export function hasItsHash(sha256: Sha256, header: Uint8Array, at: number, payload: Uint8Array): boolean {
  const cid = headerCid(header, at)
  return equalBytes(sha256(payload), cid.subarray(CID_BYTES - 32))
}

export function makeRecord(sha256: Sha256, kind: RecordKind, payload: Uint8Array): LogRecord {
  return { kind, payload, cid: makeCid(sha256, 'raw', payload) }
}

/** All pointers of a swap in one record, each after its length in two bytes: all of them count or none. */
export function joinPointers(pointers: readonly SignedPointer[]): Uint8Array {
  return concatBytes(
    pointers.flatMap((pointer) => {
      const bytes = encodePointer(pointer)
      return [Uint8Array.of(bytes.length >> 8, bytes.length & 255), bytes]
    }),
  )
}

/** @throws BrochError CORRUPT, NEWER_FORMAT */
export function splitPointers(payload: Uint8Array): SignedPointer[] {
  const pointers: SignedPointer[] = []
  for (let at = 0; at < payload.length; ) {
    const length = ((payload[at] as number) << 8) | (payload[at + 1] ?? 0)
    if (at + 2 + length > payload.length) throw new BrochError('CORRUPT', 'a pointer record of the store is cut short')
    pointers.push(decodePointer(payload.slice(at + 2, at + 2 + length)))
    at += 2 + length
  }
  return pointers
}

/** of one place to forget */
export const FORGOTTEN_BYTES = 8

export function joinForgotten(places: readonly Forgotten[]): Uint8Array {
  const bytes = new Uint8Array(places.length * FORGOTTEN_BYTES)
  places.forEach(({ segment, offset }, i) => {
    putUint32(bytes, i * FORGOTTEN_BYTES, segment)
    putUint32(bytes, i * FORGOTTEN_BYTES + 4, offset)
  })
  return bytes
}

export function splitForgotten(payload: Uint8Array): Forgotten[] {
  return Array.from({ length: Math.floor(payload.length / FORGOTTEN_BYTES) }, (_, i) => ({
    segment: getUint32(payload, i * FORGOTTEN_BYTES),
    offset: getUint32(payload, i * FORGOTTEN_BYTES + 4),
  }))
}

export function getUint32(bytes: Uint8Array, at: number): number {
  return (((bytes[at] as number) << 24) | ((bytes[at + 1] as number) << 16) | ((bytes[at + 2] as number) << 8) | (bytes[at + 3] as number)) >>> 0
}

export function putUint32(bytes: Uint8Array, at: number, value: number): void {
  bytes[at] = value >>> 24
  bytes[at + 1] = value >>> 16
  bytes[at + 2] = value >>> 8
  bytes[at + 3] = value
}
