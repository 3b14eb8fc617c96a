/**
 * A segment without the payloads of its blocks: what opening a store has to know of it. docs/format.md §6.3
 *
 * A hint file is a digest with its length and hash. It is made when a segment is full, need not be there, and need not be right.
 * @packageDocumentation
 */
import { equalBytes, utf8 } from '../../lib/bytes.js'
import type { Sha256 } from '../cid.js'
import { getUint32, HEADER_BYTES, payloadLength, putUint32, RECORD_KIND, type RecordKind } from './record.js'

/** Headers in order, with the payloads of all but blocks. */
export class DigestWriter {
  #bytes = new Uint8Array(64 * 1024)
  length = 0

  add(bytes: Uint8Array): void {
    if (this.length + bytes.length > this.#bytes.length) {
      const grown = new Uint8Array(Math.max(this.#bytes.length * 2, this.length + bytes.length))
      grown.set(this.#bytes.subarray(0, this.length))
      this.#bytes = grown
    }
    this.#bytes.set(bytes, this.length)
    this.length += bytes.length
  }

  /** A stretch of the segment that says nothing. */
  addGap(length: number): void {
    const header = new Uint8Array(HEADER_BYTES)
    header[0] = RECORD_KIND.gap
    putUint32(header, 4, length)
    this.add(header)
  }

  cut(length: number): void {
    this.length = length
  }

  /** A view, good until the next `add`. */
  get bytes(): Uint8Array {
    return this.#bytes.subarray(0, this.length)
  }
}

/** What `walkDigest` calls: a record's kind, its place in the segment, its payload's length, and where its header is in the digest. */
export type Visit = (kind: RecordKind, offset: number, length: number, at: number) => void

/** @returns where the segment ends */
export function walkDigest(digest: Uint8Array, visit: Visit): number {
  let offset = 0
  for (let at = 0; at + HEADER_BYTES <= digest.length; ) {
    const kind = digest[at] as RecordKind
    const length = payloadLength(digest, at)
    visit(kind, offset, length, at)
    offset += kind === RECORD_KIND.gap ? length : HEADER_BYTES + length
    at += HEADER_BYTES + (kind === RECORD_KIND.block || kind === RECORD_KIND.gap ? 0 : length)
  }
  return offset
}

const MAGIC = utf8('broch hint 1\n\0\0\0')
const HASH_BYTES = 32
const START = MAGIC.length + 4

export function encodeHint(sha256: Sha256, digest: Uint8Array, segmentEnd: number): Uint8Array {
  const hint = new Uint8Array(START + digest.length + HASH_BYTES)
  hint.set(MAGIC)
  putUint32(hint, MAGIC.length, segmentEnd)
  hint.set(digest, START)
  hint.set(sha256(hint.subarray(0, START + digest.length)), START + digest.length)
  return hint
}

/** The digest, if the hint is whole and about a segment of this length. */
export function decodeHint(sha256: Sha256, hint: Uint8Array, segmentEnd: number): Uint8Array | undefined {
  const end = hint.length - HASH_BYTES
  if (end < START || !equalBytes(hint.subarray(0, MAGIC.length), MAGIC)) return undefined
  if (getUint32(hint, MAGIC.length) !== segmentEnd) return undefined
  if (!equalBytes(sha256(hint.subarray(0, end)), hint.subarray(end))) return undefined
  const digest = hint.subarray(START, end)
  return walkDigest(digest, () => undefined) === segmentEnd ? digest : undefined
}
