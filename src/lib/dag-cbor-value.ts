/**
 * What dag-cbor can say, in our types. docs/format.md §3.2
 * @packageDocumentation
 */

/** Bytes of a binary CIDv1 with sha2-256: the only links there are. */
export const LINK_BYTES = 36
/** Containers inside containers; a document past it is refused, on both sides. */
export const MAX_DEPTH = 32
/** Items of all kinds in one document, keys included: what bounds the memory a hostile one can take. */
export const MAX_ITEMS = 131_072

export const CODEC_RAW = 0x55
export const CODEC_DAG_CBOR = 0x71

/** A link to a block, kept as the bytes of its CID until somebody follows it. */
export class Link {
  /** 36 bytes; after decoding, a view into the document. */
  readonly cid: Uint8Array

  constructor(cid: Uint8Array) {
    this.cid = cid
  }
}

/** Numbers are whole and lie within +-(2^53 - 1); maps are never plain objects, whose names a stranger could choose. */
export type Value = null | boolean | number | string | Uint8Array | Link | readonly Value[] | ReadonlyMap<string, Value>

/** True for 01, raw or dag-cbor, 12 20 and 32 more bytes, starting at `at`. */
export function isLinkAt(bytes: Uint8Array, at: number): boolean {
  const codec = bytes[at + 1]
  return (
    bytes[at] === 1 &&
    (codec === CODEC_RAW || codec === CODEC_DAG_CBOR) &&
    bytes[at + 2] === 0x12 &&
    bytes[at + 3] === 0x20 &&
    bytes.length >= at + LINK_BYTES
  )
}
