/**
 * Reads a segment from its bytes: what records it has, where a torn end begins, what is damaged. docs/format.md §6.2
 * @packageDocumentation
 */
import type { Sha256 } from '../cid.js'
import { DigestWriter, walkDigest } from './digest.js'
import { getUint32, HEADER_BYTES, hasItsHash, isHeader, payloadLength, RECORD_KIND } from './record.js'
import type { Segment } from './segment.js'
import { windowAfter, Window } from './segment-window.js'

export interface Scanned {
  readonly digest: DigestWriter
  /** Where whole records end; the rest of the file is torn. */
  readonly end: number
  /** All before this was synced: a mark says so. */
  readonly vouched: number
  /** Offsets of damaged stretches that were skipped. */
  readonly damage: readonly number[]
}

/**
 * @param isLast - only the last segment's end may be torn. What a mark says was synced cannot be: it is damage, and skipped.
 * @param fileEnd - the file's length
 */
export function scanSegment(sha256: Sha256, segment: Segment, fileEnd: number, isLast: boolean): Scanned {
  const digest = new DigestWriter()
  const damage: number[] = []
  const window = new Window(segment)
  let offset = 0
  let size = windowAfter(0)
  while (offset < fileEnd) {
    const at = window.seek(offset, HEADER_BYTES, size)
    const length = isHeader(window.bytes, at) ? payloadLength(window.bytes, at) : -1
    if (length < 0 || offset + HEADER_BYTES + length > fileEnd) {
      const next = isLast ? afterDamage(sha256, segment, offset, fileEnd) : (nextHeader(new Window(segment), offset + 1, fileEnd) ?? fileEnd)
      if (next === undefined) break
      damage.push(offset)
      digest.addGap(next - offset)
      offset = next
      continue
    }
    digest.add(window.bytes.subarray(at, at + HEADER_BYTES))
    if (window.bytes[at] !== RECORD_KIND.block) digest.add(readPayload(segment, offset, length))
    offset += HEADER_BYTES + length
    size = windowAfter(length)
  }
  const vouched = isLast ? vouchedBy(digest) : offset
  return { digest, damage, vouched, end: isLast ? wholeEnd(sha256, segment, digest, vouched) : offset }
}

function readPayload(segment: Segment, offset: number, length: number): Uint8Array {
  const payload = new Uint8Array(length)
  segment.read(payload, offset + HEADER_BYTES)
  return payload
}

function vouchedBy(digest: DigestWriter): number {
  let vouched = 0
  walkDigest(digest.bytes, (kind, _offset, length, at) => {
    if (kind === RECORD_KIND.mark && length === 4) vouched = Math.max(vouched, getUint32(digest.bytes, at + HEADER_BYTES))
  })
  return vouched
}

/** Checks what no mark vouches for by content, and cuts the digest at the first record that has not its hash. */
function wholeEnd(sha256: Sha256, segment: Segment, digest: DigestWriter, vouched: number): number {
  const bad: { readonly offset: number; readonly at: number }[] = []
  const end = walkDigest(digest.bytes, (kind, offset, length, at) => {
    if (offset < vouched || bad.length > 0 || kind === RECORD_KIND.gap) return
    if (!hasItsHash(sha256, digest.bytes, at, readPayload(segment, offset, length))) bad.push({ offset, at })
  })
  const [first] = bad
  if (first === undefined) return end
  digest.cut(first.at)
  return first.offset
}

/** Where to go on after a bad header in the last segment; undefined when it is the torn end. */
function afterDamage(sha256: Sha256, segment: Segment, offset: number, fileEnd: number): number | undefined {
  const window = new Window(segment)
  const first = nextHeader(window, offset + 1, fileEnd)
  for (let at = first; at !== undefined; at = nextHeader(window, at + 1, fileEnd)) {
    const start = window.seek(at, HEADER_BYTES + 4, windowAfter(0))
    if (window.bytes[start] !== RECORD_KIND.mark || payloadLength(window.bytes, start) !== 4) continue
    const payload = window.bytes.subarray(start + HEADER_BYTES, start + HEADER_BYTES + 4)
    if (hasItsHash(sha256, window.bytes, start, payload) && getUint32(payload, 0) > offset) return first
  }
  return undefined
}

/** The first place from `from` on where a header is. */
function nextHeader(window: Window, from: number, fileEnd: number): number | undefined {
  for (let offset = from; offset + HEADER_BYTES <= fileEnd; offset++) {
    const at = window.seek(offset, HEADER_BYTES, windowAfter(0))
    // most bytes are no header's first four: the checksum is asked last
    if (window.bytes[at + 1] === 0 && window.bytes[at + 2] === 0 && window.bytes[at + 3] === 0 && isHeader(window.bytes, at)) return offset
  }
  return undefined
}
