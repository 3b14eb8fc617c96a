/**
 * Records of the embedded store's log. docs/format.md §6
 *
 * kind (1) ‖ zeros (3) ‖ payload length (4, big endian) ‖ CID of the payload (36) ‖ first 4 bytes of the header's sha2-256.
 * @packageDocumentation
 */
import { CID_BYTES, type Cid, MAX_BLOCK_BYTES } from '../block.js'
import type { Sha256 } from '../cid.js'

export const HEADER_BYTES = 48
const CHECKED_BYTES = 44
export const RECORD_KIND = { block: 1, pointer: 2, forget: 3 } as const
export type RecordKind = (typeof RECORD_KIND)[keyof typeof RECORD_KIND]

export interface RecordHeader {
  readonly kind: RecordKind
  readonly length: number
  readonly cid: Cid
}

export function encodeHeader(sha256: Sha256, { kind, length, cid }: RecordHeader): Uint8Array {
  const header = new Uint8Array(HEADER_BYTES)
  header[0] = kind
  new DataView(header.buffer).setUint32(4, length)
  header.set(cid, 8)
  header.set(sha256(header.subarray(0, CHECKED_BYTES)).subarray(0, 4), CHECKED_BYTES)
  return header
}

/** Undefined for what is no header: the log ends there, or is damaged. */
export function decodeHeader(sha256: Sha256, bytes: Uint8Array): RecordHeader | undefined {
  if (bytes.length < HEADER_BYTES) return undefined
  const check = sha256(bytes.subarray(0, CHECKED_BYTES))
  for (let i = 0; i < 4; i++) if (check[i] !== bytes[CHECKED_BYTES + i]) return undefined
  const kind = bytes[0] as RecordKind
  const length = new DataView(bytes.buffer, bytes.byteOffset).getUint32(4)
  if (kind < 1 || kind > 3 || length > MAX_BLOCK_BYTES) return undefined
  return { kind, length, cid: bytes.slice(8, 8 + CID_BYTES) as Cid }
}
