import { randomBaseKey, randomLabel } from '../../src/cryptree/keys.js'
import { sodiumCrypto as crypto } from '../../src/crypto/sodium.node.js'
import type { BlockStore } from '../../src/store/block.js'
import { MemoryBlockStore } from '../../src/store/memory-block-store.js'
import { MemoryPointerStore } from '../../src/store/memory-pointer-store.js'
import type { PointerStore } from '../../src/store/pointer.js'
import { Tree } from '../../src/store/tree.js'
import { checkSpace } from '../../src/vfs/check.js'
import type { CheckReport } from '../../src/vfs/check-report.js'
import { BrochFilesystem, type FilesystemOptions } from '../../src/vfs/broch-filesystem.js'

/** A space on given stores (memory unless told otherwise) that can be opened again and again. */
export function testSpace(stores?: { blocks: BlockStore; pointers: PointerStore }) {
  const pair = crypto.signKeyPair(crypto.randomBytes(32))
  const home = { label: randomLabel(crypto), key: randomBaseKey(crypto) }
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
    checkSpace({ tree: await openTree(), crypto, home, stored: blocks instanceof MemoryBlockStore ? Array.from(blocks.blocks(), ({ cid }) => cid) : [] })
  return { blocks, pointers, open, openTree, check, home, pair, writer: pair.publicKey }
}
