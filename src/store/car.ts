/**
 * A tree as a CAR file: every block of it, in the order in which a reader meets them. docs/format.md §10
 *
 * https://ipld.io/specs/transport/car/carv1/
 * @packageDocumentation
 */
import { concatBytes } from '../lib/bytes.js'
import { encode } from '../lib/dag-cbor.js'
import { Link, type Value } from '../lib/dag-cbor-value.js'
import { BrochError } from '../lib/error.js'
import type { BlockStore, Cid } from './block.js'
import { formatCid, type Sha256, verifyBlock } from './cid.js'
import { linksOfNode } from './node-block.js'
import type { Tree } from './tree.js'

/** What is exported, and from where. */
export interface CarSource {
  readonly tree: Tree
  readonly blocks: BlockStore
  readonly sha256: Sha256
}

/**
 * The file, piece by piece: a head that names the root block, the root block, and then CHAMP nodes, nodes and fragments.
 * Each block is hashed on its way. Nothing may be committed to the tree meanwhile.
 *
 * @throws BrochError INVALID when nothing was ever committed; MISSING_BLOCK, CORRUPT.
 */
export async function* exportCar(source: CarSource): AsyncGenerator<Uint8Array> {
  const root = source.tree.root
  if (root === undefined) throw new BrochError('INVALID', 'there is nothing to export: nothing was committed yet')
  yield head(root)
  yield* sections(source, [root])
  let champNodes: Cid[] = []
  for await (const { value } of source.tree.walk((cid) => champNodes.push(cid))) {
    yield* sections(source, champNodes)
    champNodes = []
    const [node] = await load(source, [value])
    yield section(value, node as Uint8Array)
    yield* sections(source, linksOfNode(node as Uint8Array))
  }
}

function head(root: Cid): Uint8Array {
  const header = encode(new Map<string, Value>([['roots', [new Link(root)]], ['version', 1]]))
  return concatBytes([varint(header.length), header])
}

async function* sections(source: CarSource, cids: readonly Cid[]): AsyncGenerator<Uint8Array> {
  const loaded = await load(source, cids)
  for (const [i, cid] of cids.entries()) yield section(cid, loaded[i] as Uint8Array)
}

function section(cid: Cid, bytes: Uint8Array): Uint8Array {
  return concatBytes([varint(cid.length + bytes.length), cid, bytes])
}

async function load({ blocks, sha256 }: CarSource, cids: readonly Cid[]): Promise<Uint8Array[]> {
  const loaded = await blocks.getMany(cids)
  return cids.map((cid, i) => {
    const bytes = loaded[i]
    if (bytes === undefined) throw new BrochError('MISSING_BLOCK', `block ${formatCid(cid)} is not in the store`)
    verifyBlock(sha256, cid, bytes)
    return bytes
  })
}

/** Seven bits a byte, the lowest first. */
function varint(value: number): Uint8Array {
  const bytes: number[] = []
  let rest = value
  for (; rest >= 128; rest = Math.floor(rest / 128)) bytes.push((rest % 128) | 128)
  return Uint8Array.of(...bytes, rest)
}
