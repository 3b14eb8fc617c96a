/**
 * What the content part of a file and the chunk parts hold. docs/format.md §7.4
 * @packageDocumentation
 */
import { KEY_BYTES, NONCE_BYTES, type Nonce } from '../crypto/crypto.js'
import { decode, encode } from '../lib/dag-cbor.js'
import type { Value } from '../lib/dag-cbor-value.js'
import type { Cid } from '../store/block.js'
import { ChunkSet } from './chunk-set.js'
import { decodeExtension, encodeExtension, type Extension } from './extension.js'
import type { ObjectKey } from './keys.js'
import { asBytes, asCount, asList, malformed } from './shape.js'

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
  readonly chunks: ChunkSet
  readonly ext: Extension
}

export function encodeFileContent(content: FileContent): Uint8Array {
  const { key, inline, table, chunks, ext } = content
  return encode([key, FRAGMENT_LOG2, inline, encodeTable(table), chunks.ranges(), encodeExtension(ext)])
}

/** @throws BrochError CORRUPT */
export function decodeFileContent(payload: Uint8Array, links: readonly Cid[]): FileContent {
  const [key, log2, inline, table, ranges, ext, ...rest] = asList(decode(payload))
  if (log2 !== FRAGMENT_LOG2 || asBytes(key).length !== KEY_BYTES || rest.length > 0) throw malformed()
  const content = {
    key: asBytes(key).slice() as ObjectKey,
    inline: inline === null ? null : asBytes(inline).slice(),
    table: decodeTable(asBytes(table), links),
    chunks: decodeChunks(asList(ranges)),
    ext: decodeExtension(ext),
  }
  if (content.inline !== null && (content.inline.length > INLINE_MAX || links.length > 0 || content.chunks.size > 0)) throw malformed()
  return content
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

function decodeChunks(ranges: readonly Value[]): ChunkSet {
  const chunks = new ChunkSet()
  for (const range of ranges) {
    const [first, count, ...rest] = asList(range)
    if (rest.length > 0 || !chunks.append(asCount(first), asCount(count))) throw malformed()
  }
  return chunks
}
