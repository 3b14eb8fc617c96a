/**
 * CIDs: made, checked, printed. docs/format.md §3.1
 * @packageDocumentation
 */
import { equalBytes } from '../lib/bytes.js'
import { CODEC_DAG_CBOR, CODEC_RAW } from '../lib/dag-cbor-value.js'
import { BrochError } from '../lib/error.js'
import { type Block, CID_BYTES, type Cid, type Codec, MAX_BLOCK_BYTES } from './block.js'
import { pairsOf } from './label.js'

/** sha2-256: `crypto.sha256`, or whatever a server has. */
export type Sha256 = (data: Uint8Array) => Uint8Array

const HASH_START = 4

export function makeCid(sha256: Sha256, codec: Codec, bytes: Uint8Array): Cid {
  const cid = new Uint8Array(CID_BYTES)
  cid[0] = 1
  cid[1] = codec === 'raw' ? CODEC_RAW : CODEC_DAG_CBOR
  cid[2] = 0x12
  cid[3] = 0x20
  cid.set(sha256(bytes), HASH_START)
  return cid as Cid
}

/** @throws BrochError TOO_BIG when no store would take it. */
export function makeBlock(sha256: Sha256, codec: Codec, bytes: Uint8Array): Block {
  if (bytes.length > MAX_BLOCK_BYTES) throw new BrochError('TOO_BIG', `a block of ${bytes.length} bytes`)
  return { cid: makeCid(sha256, codec, bytes), bytes }
}

export function codecOf(cid: Cid): Codec {
  return cid[1] === CODEC_RAW ? 'raw' : 'dag-cbor'
}

/** A short string for use as a `Map` key, the same for equal CIDs only. Inverse: {@link cidFromKey}. */
export function cidKey(cid: Cid): string {
  return cid[1] === CODEC_RAW ? pairsOf(cid, HASH_START) : pairsOf(cid, HASH_START, CODEC_DAG_CBOR)
}

export function cidFromKey(key: string): Cid {
  const cid = new Uint8Array(CID_BYTES)
  cid.set([1, key.length === 16 ? CODEC_RAW : CODEC_DAG_CBOR, 0x12, 0x20])
  for (let i = 0; i < 16; i++) {
    const pair = key.charCodeAt(i)
    cid[HASH_START + 2 * i] = pair & 255
    cid[HASH_START + 2 * i + 1] = pair >>> 8
  }
  return cid as Cid
}

/** True when the bytes are those the CID names. */
export function matchesCid(sha256: Sha256, cid: Cid, bytes: Uint8Array): boolean {
  return bytes.length <= MAX_BLOCK_BYTES && equalBytes(cid.subarray(HASH_START), sha256(bytes))
}

/** @throws BrochError CORRUPT when the bytes are not those the CID names. */
export function verifyBlock(sha256: Sha256, cid: Cid, bytes: Uint8Array): void {
  if (!matchesCid(sha256, cid, bytes)) throw new BrochError('CORRUPT', `block ${formatCid(cid)} does not have its hash`)
}

const ALPHABET = 'abcdefghijklmnopqrstuvwxyz234567'

/** The text form: multibase `b`, base32 in lower case without padding. */
export function formatCid(cid: Cid): string {
  let text = 'b'
  let bits = 0
  let value = 0
  for (const byte of cid) {
    value = ((value << 8) | byte) & 0xfff
    for (bits += 8; bits >= 5; bits -= 5) text += ALPHABET.charAt((value >>> (bits - 5)) & 31)
  }
  return bits > 0 ? text + ALPHABET.charAt((value << (5 - bits)) & 31) : text
}
