/**
 * What the content part of a file and the chunk parts hold. docs/format.md §7.4
 * @packageDocumentation
 */
import { KEY_BYTES, NONCE_BYTES, type Nonce } from '../crypto/crypto.js'
import { decode, encode } from '../lib/dag-cbor.js'
import type { Cid } from '../store/block.js'
import type { ObjectKey } from './keys.js'
import { asBytes, asCount, asList, malformed } from './properties.js'

export const FRAGMENT_LOG2 = 18
export const FRAGMENT_BYTES = 1 << FRAGMENT_LOG2
export const FRAGMENTS_PER_CHUNK = 20
export const CHUNK_BYTES = FRAGMENT_BYTES * FRAGMENTS_PER_CHUNK
/** A file up to this size lies in its node. */
export const INLINE_MAX = 32_768

const ROW_BYTES = 2 + 4 + NONCE_BYTES

/** A sealed part of a chunk. */
export interface Fragment {
  readonly cid: Cid
  readonly nonce: Nonce
  /** bytes of plaintext that count; zeros follow */
  readonly length: number
}

/** The fragments of one chunk by slot (0 to 19); absent ones are holes. */
export type FragmentTable = (Fragment | undefined)[]

export interface FileContent {
  readonly key: ObjectKey
  readonly inline: Uint8Array | null
  readonly table: FragmentTable
  /** chunks from 1 on that have a node */
  readonly chunks: ReadonlySet<number>
}

export function encodeFileContent(content: FileContent): Uint8Array {
  return encode([content.key, FRAGMENT_LOG2, content.inline, encodeTable(content.table), toRanges(content.chunks), new Map()])
}

/** @throws BrochError CORRUPT */
export function decodeFileContent(payload: Uint8Array, links: readonly Cid[]): FileContent {
  const [key, log2, inline, table, ranges] = asList(decode(payload))
  if (log2 !== FRAGMENT_LOG2 || asBytes(key).length !== KEY_BYTES) throw malformed()
  if (inline !== null && asBytes(inline).length > INLINE_MAX) throw malformed()
  return {
    key: asBytes(key).slice() as ObjectKey,
    inline: inline === null ? null : asBytes(inline).slice(),
    table: decodeTable(asBytes(table), links),
    chunks: fromRanges(asList(ranges).map((range) => asList(range).map(asCount))),
  }
}

/** Rows for the fragments present; their CIDs go into the node's links, in this order. */
export function encodeTable(table: FragmentTable): Uint8Array {
  const present = linksOf(table).length
  const rows = new Uint8Array(present * ROW_BYTES)
  const view = new DataView(rows.buffer)
  let at = 0
  table.forEach((fragment, slot) => {
    if (fragment === undefined) return
    view.setUint16(at, slot)
    view.setUint32(at + 2, fragment.length)
    rows.set(fragment.nonce, at + 6)
    at += ROW_BYTES
  })
  return rows
}

/** @throws BrochError CORRUPT when rows and links do not fit together, or slots do not ascend. */
export function decodeTable(rows: Uint8Array, links: readonly Cid[]): FragmentTable {
  if (rows.length !== links.length * ROW_BYTES || links.length > FRAGMENTS_PER_CHUNK) throw malformed()
  const view = new DataView(rows.buffer, rows.byteOffset, rows.length)
  const table: FragmentTable = []
  let last = -1
  links.forEach((link, i) => {
    const at = i * ROW_BYTES
    const slot = view.getUint16(at)
    const length = view.getUint32(at + 2)
    if (slot <= last || slot >= FRAGMENTS_PER_CHUNK || length > FRAGMENT_BYTES) throw malformed()
    last = slot
    table[slot] = { cid: link.slice() as Cid, nonce: rows.slice(at + 6, at + ROW_BYTES) as Nonce, length }
  })
  return table
}

export function linksOf(table: FragmentTable): Cid[] {
  const links: Cid[] = []
  for (const fragment of table) if (fragment !== undefined) links.push(fragment.cid)
  return links
}

function toRanges(chunks: ReadonlySet<number>): number[][] {
  const ranges: number[][] = []
  let range: number[] | undefined
  for (const chunk of [...chunks].sort((a, b) => a - b)) {
    if (range !== undefined && (range[0] as number) + (range[1] as number) === chunk) range[1] = (range[1] as number) + 1
    else ranges.push((range = [chunk, 1]))
  }
  return ranges
}

/** A terabyte has 200,000 chunks; more than this in one range is no file of ours. */
const MAX_CHUNKS = 50_000_000

function fromRanges(ranges: readonly (readonly number[])[]): Set<number> {
  const chunks = new Set<number>()
  let end = 1
  for (const [first, count, ...rest] of ranges) {
    if (first === undefined || count === undefined || rest.length > 0) throw malformed()
    if (first < end || count < 1 || count + chunks.size > MAX_CHUNKS) throw malformed()
    end = first + count
    for (let chunk = first; chunk < end; chunk++) chunks.add(chunk)
  }
  return chunks
}
