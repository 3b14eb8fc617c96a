/**
 * Nodes of objects: made from properties and content, and opened again. docs/format.md §7
 * @packageDocumentation
 */
import type { Crypto } from '../crypto/crypto.js'
import { encode } from '../lib/dag-cbor.js'
import type { Block, Cid } from '../store/block.js'
import type { Label } from '../store/label.js'
import { encodeNodeBlock, type NodeBlock } from '../store/node-block.js'
import { decodeTable, encodeTable, type FragmentTable, linksOf } from './file-content.js'
import { type BaseKey, contentKey, nodeKey, type ObjectKey, propsKey } from './keys.js'
import { decodeProperties, encodeProperties, type Properties } from './properties.js'
import { openPart, type SealedPart, sealPart } from './sealed-part.js'

/** What gives reach of one object of a space. */
export interface ObjectRef {
  readonly label: Label
  readonly key: BaseKey
}

/** The content part of a first node: new, or as the node had it before. */
export interface ContentPart {
  readonly part: SealedPart
  readonly links: readonly Cid[]
}

const EMPTY = new Uint8Array(0) as SealedPart

export function sealContent(crypto: Crypto, ref: ObjectRef, payload: Uint8Array, links: readonly Cid[]): ContentPart {
  return { part: sealPart(crypto, 'content', ref.label, contentKey(crypto, ref.key), payload), links }
}

export function sealObjectNode(crypto: Crypto, ref: ObjectRef, properties: Properties, content: ContentPart): Block {
  const props = sealPart(crypto, 'props', ref.label, propsKey(crypto, ref.key), encodeProperties(properties))
  return encodeNodeBlock(crypto.sha256, { links: content.links, props, content: content.part })
}

/** @throws BrochError CORRUPT */
export function openProperties(crypto: Crypto, ref: ObjectRef, node: NodeBlock): Properties {
  return decodeProperties(openPart(crypto, 'props', ref.label, propsKey(crypto, ref.key), node.props))
}

/** The payload of the content part. @throws BrochError CORRUPT */
export function openContent(crypto: Crypto, ref: ObjectRef, node: NodeBlock): Uint8Array {
  return openPart(crypto, 'content', ref.label, contentKey(crypto, ref.key), node.content)
}

/** Content of objects that have neither data nor entries. */
export function emptyContent(key: ObjectKey): Uint8Array {
  return encode([key])
}

export function sealChunkNode(crypto: Crypto, label: Label, key: ObjectKey, table: FragmentTable): Block {
  const content = sealPart(crypto, 'chunk', label, nodeKey(crypto, key), encodeTable(table))
  return encodeNodeBlock(crypto.sha256, { links: linksOf(table), props: EMPTY, content })
}

/** @throws BrochError CORRUPT */
export function openChunkNode(crypto: Crypto, label: Label, key: ObjectKey, node: NodeBlock): FragmentTable {
  return decodeTable(openPart(crypto, 'chunk', label, nodeKey(crypto, key), node.content), node.links)
}

export function sealBucketNode(crypto: Crypto, label: Label, key: ObjectKey, bucket: Uint8Array): Block {
  const content = sealPart(crypto, 'bucket', label, nodeKey(crypto, key), bucket)
  return encodeNodeBlock(crypto.sha256, { links: [], props: EMPTY, content })
}

/** @throws BrochError CORRUPT */
export function openBucketNode(crypto: Crypto, label: Label, key: ObjectKey, node: NodeBlock): Uint8Array {
  return openPart(crypto, 'bucket', label, nodeKey(crypto, key), node.content)
}
