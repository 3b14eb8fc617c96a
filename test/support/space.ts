import { type BaseKey, randomBaseKey, randomLabel } from '../../src/cryptree/keys.js'
import { decodeDirectoryContent } from '../../src/cryptree/directory-content.js'
import { type ObjectRef, openContent } from '../../src/cryptree/object-node.js'
import type { SignKeyPair } from '../../src/crypto/crypto.js'
import { sodiumCrypto as crypto } from '../../src/crypto/sodium.node.js'
import { fromBinaryString } from '../../src/lib/bytes.js'
import type { BlockStore, Cid } from '../../src/store/block.js'
import { MemoryBlockStore } from '../../src/store/memory-block-store.js'
import { MemoryPointerStore } from '../../src/store/memory-pointer-store.js'
import type { PointerStore } from '../../src/store/pointer.js'
import type { Label } from '../../src/store/label.js'
import type { NodeBlock } from '../../src/store/node-block.js'
import { Tree } from '../../src/store/tree.js'
import { HostileBlockStore } from './hostile-store.js'
import { checkSpace } from '../../src/vfs/check.js'
import type { CheckReport } from '../../src/vfs/check-report.js'
import { BrochFilesystem } from '../../src/vfs/broch-filesystem.js'
import type { FilesystemOptions } from '../../src/vfs/filesystem-options.js'

/**
 * A space on given stores (memory unless told otherwise) that can be opened again and again.
 * @param keys - of an earlier space, to open the same one over stores opened anew
 */
export function testSpace(stores?: { blocks: BlockStore; pointers: PointerStore }, keys?: { pair: SignKeyPair; home: ObjectRef }) {
  const pair = keys?.pair ?? crypto.signKeyPair(crypto.randomBytes(32))
  const home = keys?.home ?? { label: randomLabel(crypto), key: randomBaseKey(crypto) }
  const blocks = stores?.blocks ?? new MemoryBlockStore()
  const pointers = stores?.pointers ?? new MemoryPointerStore(crypto)
  let ticks = 1_700_000_000_000
  const now = () => {
    ticks += 1
    return { seconds: Math.floor(ticks / 1000), nanoseconds: (ticks % 1000) * 1_000_000 }
  }
  const openTree = (from: BlockStore = blocks) => Tree.open({ blocks: from, pointers, crypto, writer: pair.publicKey })
  const open = async (options: Partial<FilesystemOptions> = {}) =>
    BrochFilesystem.open({ tree: await openTree(), blocks, crypto, secretKey: pair.secretKey, home, now, ...options })
  /** Everything in the store, checked. Blocks of stores that cannot list theirs are not looked for. */
  const check = async (): Promise<CheckReport> =>
    checkSpace({ tree: await openTree(), crypto, home, stored: listed(blocks) })
  /** The capability of an object below the root, by names. */
  const refOf = (tree: Tree, ...names: string[]): ObjectRef => {
    let ref: ObjectRef = home
    for (const name of names) {
      const node = tree.lookup(ref.label)
      const entry = decodeDirectoryContent(openContent(crypto, ref, node as NodeBlock)).inline?.find((one) => one.name === name)
      if (entry === undefined) throw new Error(`no ${name}`)
      ref = { label: fromBinaryString(entry.label) as Label, key: fromBinaryString(entry.key) as BaseKey }
    }
    return ref
  }
  return { blocks, pointers, refOf, open, openTree, check, home, pair, writer: pair.publicKey }
}

function listed(blocks: BlockStore): Cid[] {
  const all = blocks instanceof MemoryBlockStore ? [...blocks.blocks()] : blocks instanceof HostileBlockStore ? blocks.live() : []
  return all.map(({ cid }) => cid)
}
