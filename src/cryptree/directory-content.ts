/**
 * What the content part of a directory and its bucket parts hold. docs/format.md §7.5
 * @packageDocumentation
 */
import { type Crypto, KEY_BYTES, type SymmetricKey } from '../crypto/crypto.js'
import { fromBinaryString, toBinaryString } from '../lib/bytes.js'
import { decode, encode } from '../lib/dag-cbor.js'
import { LABEL_BYTES } from '../store/label.js'
import { isEntryName } from './entry-name.js'
import type { ObjectKey } from './keys.js'
import { decodeExtension, encodeExtension, type Extension } from './extension.js'
import { asBytes, asCount, asList, isObjectType, malformed } from './shape.js'

const HASH_BYTES = 6
/** A directory takes one more bucket above the one, and one less below the other: entries for each bucket. */
export const MOST_PER_BUCKET = 64
export const LEAST_PER_BUCKET = 24
export const MAX_ENTRIES = 2 ** 40
const FIXED_BYTES = HASH_BYTES + 3 + LABEL_BYTES + KEY_BYTES

/** A name and the capability behind it. Strings are binary (one code unit a byte): they are kept by the hundred thousand. */
export interface DirectoryEntry {
  readonly name: string
  /** 48 bits */
  readonly hash: number
  /** `S_IFMT` digit */
  readonly type: number
  readonly label: string
  readonly key: string
}

export interface DirectoryContent {
  readonly key: ObjectKey
  readonly buckets: number
  readonly entries: number
  /** null when N > 1: the buckets then have nodes of their own */
  readonly inline: readonly DirectoryEntry[] | null
  readonly ext: Extension
}

export function encodeDirectoryContent(content: DirectoryContent): Uint8Array {
  const inline = content.inline === null ? null : encodeBucket(content.inline)
  return encode([content.key, content.buckets, content.entries, inline, encodeExtension(content.ext)])
}

/** @throws BrochError CORRUPT */
export function decodeDirectoryContent(payload: Uint8Array): DirectoryContent {
  const [key, buckets, entries, inline, ext, ...rest] = asList(decode(payload))
  const content: DirectoryContent = {
    key: asBytes(key).slice() as ObjectKey,
    buckets: asCount(buckets),
    entries: asCount(entries),
    inline: inline === null ? null : decodeBucket(asBytes(inline)),
    ext: decodeExtension(ext),
  }
  if (content.key.length !== KEY_BYTES || rest.length > 0 || !fits(content)) throw malformed()
  return content
}

/** As many buckets as the entries ask for: a hostile number would be a loop without end. */
function fits({ buckets, entries, inline }: DirectoryContent): boolean {
  if (buckets === 1) return inline?.length === entries && entries <= MOST_PER_BUCKET
  return inline === null && buckets > 1 && entries <= MAX_ENTRIES && entries >= LEAST_PER_BUCKET * buckets && entries <= MOST_PER_BUCKET * buckets
}

/** @param entries - in order of hash and then name */
export function encodeBucket(entries: readonly DirectoryEntry[]): Uint8Array {
  let length = 0
  for (const entry of entries) length += FIXED_BYTES + entry.name.length
  const bytes = new Uint8Array(length)
  let at = 0
  for (const entry of entries) {
    for (let i = 0, rest = entry.hash; i < HASH_BYTES; i++, rest = Math.floor(rest / 256)) bytes[at + 5 - i] = rest % 256
    bytes[at + 6] = entry.type
    bytes[at + 8] = entry.name.length
    at = put(bytes, at + 9, entry.name)
    at = put(bytes, at, entry.label)
    at = put(bytes, at, entry.key)
  }
  return bytes
}

function put(bytes: Uint8Array, at: number, text: string): number {
  for (let i = 0; i < text.length; i++) bytes[at + i] = text.charCodeAt(i)
  return at + text.length
}

/** @throws BrochError CORRUPT for a bad name, a wrong order, a name twice, or a wrong length. */
export function decodeBucket(bytes: Uint8Array): DirectoryEntry[] {
  const entries: DirectoryEntry[] = []
  let last: DirectoryEntry | undefined
  for (let at = 0; at < bytes.length; ) {
    const nameLength = bytes[at + 8] ?? 0
    const end = at + FIXED_BYTES + nameLength
    if (end > bytes.length || bytes[at + 7] !== 0) throw malformed()
    const entry = entryAt(bytes, at, nameLength)
    if (!isEntryName(entry.name) || !isObjectType(entry.type) || (last !== undefined && compareEntries(last, entry) >= 0)) throw malformed()
    entries.push(entry)
    last = entry
    at = end
  }
  if (new Set(entries.map(({ name }) => name)).size < entries.length) throw malformed()
  return entries
}

/** The entry of a name, in bytes that were decoded or encoded before. Only that one is made. */
export function findInBucket(bytes: Uint8Array, name: string, hash: number): DirectoryEntry | undefined {
  for (let at = 0; at < bytes.length; at += FIXED_BYTES + (bytes[at + 8] as number)) {
    const found = hashAt(bytes, at)
    if (found > hash) return undefined
    if (found < hash || bytes[at + 8] !== name.length) continue
    const entry = entryAt(bytes, at, name.length)
    if (entry.name === name) return entry
  }
  return undefined
}

function hashAt(bytes: Uint8Array, at: number): number {
  let hash = 0
  for (let i = 0; i < HASH_BYTES; i++) hash = hash * 256 + (bytes[at + i] as number)
  return hash
}

function entryAt(bytes: Uint8Array, at: number, nameLength: number): DirectoryEntry {
  const nameEnd = at + 9 + nameLength
  return {
    hash: hashAt(bytes, at),
    type: bytes[at + 6] as number,
    name: toBinaryString(bytes.subarray(at + 9, nameEnd)),
    label: toBinaryString(bytes.subarray(nameEnd, nameEnd + LABEL_BYTES)),
    key: toBinaryString(bytes.subarray(nameEnd + LABEL_BYTES, nameEnd + LABEL_BYTES + KEY_BYTES)),
  }
}

export function compareEntries(a: DirectoryEntry, b: DirectoryEntry): number {
  if (a.hash !== b.hash) return a.hash - b.hash
  if (a.name === b.name) return 0
  return a.name < b.name ? -1 : 1
}

/** First 48 bits of the keyed hash of a name. */
export function hashName(crypto: Crypto, key: SymmetricKey, name: string): number {
  const digest = crypto.auth(fromBinaryString(name), key)
  let hash = 0
  for (let i = 0; i < HASH_BYTES; i++) hash = hash * 256 + (digest[i] as number)
  return hash
}

/** Bucket number for a hash in a directory of `buckets` buckets: linear hashing on leading bits. */
export function bucketOf(hash: number, buckets: number): number {
  const depth = Math.floor(Math.log2(buckets))
  const split = buckets - 2 ** depth
  const prefix = Math.floor(hash / 2 ** (48 - depth))
  if (prefix >= split) return 2 ** depth + prefix
  return 2 ** (depth + 1) + Math.floor(hash / 2 ** (47 - depth))
}

/** Bucket numbers in order of the hashes they hold, from that of `hash` on. */
export function* bucketsFrom(hash: number, buckets: number): Generator<number> {
  const depth = Math.floor(Math.log2(buckets))
  const split = buckets - 2 ** depth
  const first = Math.floor(hash / 2 ** (48 - depth))
  for (let prefix = first; prefix < 2 ** depth; prefix++) {
    if (prefix >= split) yield 2 ** depth + prefix
    else {
      const left = 2 ** (depth + 1) + 2 * prefix
      if (prefix > first || Math.floor(hash / 2 ** (47 - depth)) === 2 * prefix) yield left
      yield left + 1
    }
  }
}

/** When a directory of `buckets` grows by one: this bucket becomes those two. */
export function splitStep(buckets: number): { from: number; left: number; right: number } {
  const depth = Math.floor(Math.log2(buckets))
  const prefix = buckets - 2 ** depth
  const left = 2 ** (depth + 1) + 2 * prefix
  return { from: 2 ** depth + prefix, left, right: left + 1 }
}

/** First hash of the right half in {@link splitStep}. */
export function splitHash(buckets: number): number {
  const depth = Math.floor(Math.log2(buckets))
  const prefix = buckets - 2 ** depth
  return (2 * prefix + 1) * 2 ** (47 - depth)
}
