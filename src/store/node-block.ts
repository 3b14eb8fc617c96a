/**
 * The block of one node: links to its fragments, and two sealed parts that are opaque here. docs/format.md §3.4
 *
 * dag-cbor `[1, [link, ...], props, content]`, so that any IPFS node finds the fragments.
 * @packageDocumentation
 */
import { CborReader } from '../lib/dag-cbor-reader.js'
import { CborWriter } from '../lib/dag-cbor-writer.js'
import { BrochError } from '../lib/error.js'
import type { Block, Cid } from './block.js'
import { codecOf, makeBlock, type Sha256 } from './cid.js'

const VERSION = 1
/** More than a chunk of the smallest fragments has; bounds what a hostile block can ask for. */
export const MAX_NODE_LINKS = 4096

export interface NodeBlock {
  /** Fragments: raw blocks, each owned by this node alone. Views. */
  readonly links: readonly Cid[]
  /** Nonce and sealed box; read without the content where that is needed. */
  readonly props: Uint8Array
  /** Nonce and sealed box; may be empty. */
  readonly content: Uint8Array
}

const writer = new CborWriter(65_536)

/** @throws BrochError TOO_BIG past the largest block; INVALID for links that are not raw, or too many. */
export function encodeNodeBlock(sha256: Sha256, node: NodeBlock): Block {
  const { links, props, content } = node
  if (links.length > MAX_NODE_LINKS) throw new BrochError('INVALID', 'too many links in a node')
  writer.restart().arrayHead(4)
  writer.int(VERSION)
  writer.arrayHead(links.length)
  for (const cid of links) {
    if (codecOf(cid) !== 'raw') throw new BrochError('INVALID', 'a node links to raw blocks only')
    writer.link(cid)
  }
  writer.bytes(props)
  writer.bytes(content)
  return makeBlock(sha256, 'dag-cbor', writer.finish())
}

/** All parts are views into `bytes`. @throws BrochError CORRUPT unless canonical; NEWER_FORMAT. */
export function decodeNodeBlock(bytes: Uint8Array): NodeBlock {
  const reader = new CborReader(bytes)
  const links = readLinks(reader)
  const node = { links, props: reader.bytes(), content: reader.bytes() }
  reader.end()
  return node
}

/** The fragments of a node, without the rest. @throws BrochError as {@link decodeNodeBlock}, but for the sealed parts. */
export function linksOfNode(bytes: Uint8Array): Cid[] {
  return readLinks(new CborReader(bytes))
}

function readLinks(reader: CborReader): Cid[] {
  if (reader.arrayHead() !== 4) throw new BrochError('CORRUPT', 'a node has four parts')
  if (reader.uint() !== VERSION) throw new BrochError('NEWER_FORMAT', 'a node of a newer format')
  const count = reader.arrayHead()
  if (count > MAX_NODE_LINKS) throw new BrochError('CORRUPT', 'too many links in a node')
  const links: Cid[] = []
  for (let i = 0; i < count; i++) {
    const cid = reader.cid() as Cid
    if (codecOf(cid) !== 'raw') throw new BrochError('CORRUPT', 'a node links to raw blocks only')
    links.push(cid)
  }
  return links
}
