/** The worked totals of docs/format.md §8, measured again on a real space. */
import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { randomBaseKey, randomLabel } from '../../src/cryptree/keys.js'
import type { Crypto } from '../../src/crypto/crypto.js'
import { sodiumCrypto } from '../../src/crypto/sodium.node.js'
import { concatBytes, utf8 } from '../../src/lib/bytes.js'
import type { Block, Cid } from '../../src/store/block.js'
import { cidKey, codecOf } from '../../src/store/cid.js'
import { MemoryBlockStore } from '../../src/store/memory-block-store.js'
import { MemoryPointerStore } from '../../src/store/memory-pointer-store.js'
import { Tree } from '../../src/store/tree.js'
import { BrochFilesystem } from '../../src/vfs/broch-filesystem.js'
import { type NodeId, ROOT_ID } from '../../src/vfs/filesystem.js'

const caller = { uid: 1000, gid: 1000, pid: 1 }
const MIB = 1024 * 1024

/** The same labels and nonces in every run, so that the CHAMP has the same shape. */
function seededCrypto(): Crypto {
  let counter = 0
  const draw = (): Uint8Array => sodiumCrypto.sha256(utf8(`worked totals ${counter++}`))
  return { ...sodiumCrypto, randomBytes: (length) => concatBytes(Array.from({ length: Math.ceil(length / 32) }, draw)).slice(0, length) }
}

/** Counts; keeps no fragment. */
class CountingStore extends MemoryBlockStore {
  readonly kinds = new Map<string, { kind: 'fragments' | 'nodes' | 'champ' | 'root'; bytes: number }>()

  override putMany(blocks: readonly Block[]): Promise<void> {
    for (const { cid, bytes } of blocks) this.kinds.set(cidKey(cid), { kind: codecOf(cid) === 'raw' ? 'fragments' : kindOf(bytes), bytes: bytes.length })
    return super.putMany(blocks.filter(({ cid }) => codecOf(cid) !== 'raw'))
  }

  override delete(cids: readonly Cid[]): Promise<void> {
    for (const cid of cids) this.kinds.delete(cidKey(cid))
    return super.delete(cids)
  }

  totals() {
    const all = [...this.kinds.values()]
    const count = (kind: string): number => all.filter((one) => one.kind === kind).length
    const bytes = (kinds: readonly string[]): number => all.reduce((sum, one) => sum + (kinds.includes(one.kind) ? one.bytes : 0), 0)
    return { nodes: count('nodes'), fragments: count('fragments'), champ: count('champ') + count('root'), objectBytes: bytes(['nodes', 'fragments']), treeBytes: bytes(['champ', 'root']) }
  }
}

/** By its first byte: a list of four, a list of two, or a map. */
function kindOf(document: Uint8Array): 'nodes' | 'champ' | 'root' {
  return document[0] === 0x84 ? 'nodes' : document[0] === 0x82 ? 'champ' : 'root'
}

const number = (value: number): string => value.toLocaleString('en-US')

/** The row of the table for what `fill` puts in an empty space. */
async function rowOf(title: string, fill: (fs: BrochFilesystem) => Promise<void>): Promise<string> {
  const crypto = seededCrypto()
  const blocks = new CountingStore()
  const writer = crypto.signKeyPair(crypto.randomBytes(32))
  const tree = await Tree.open({ blocks, pointers: new MemoryPointerStore(crypto), crypto, writer: writer.publicKey })
  const home = { label: randomLabel(crypto), key: randomBaseKey(crypto) }
  const fs = await BrochFilesystem.open({ tree, blocks, crypto, secretKey: writer.secretKey, home, now: () => ({ seconds: 1_700_000_000, nanoseconds: 123_456_789 }), owner: caller })
  await fs.commit()
  const empty = blocks.totals()
  await fill(fs)
  await fs.close()
  const { nodes, fragments, champ, objectBytes, treeBytes } = blocks.totals()
  const own = title.startsWith('an empty space') ? { nodes: 0, objectBytes: 0 } : empty
  return `| ${[title, ...[nodes - own.nodes, fragments, objectBytes - own.objectBytes, champ, treeBytes].map(number)].join(' | ')} |`
}

async function create(fs: BrochFilesystem, name: string, bytes: number, parent: NodeId = ROOT_ID): Promise<void> {
  const { id } = await fs.create(caller, parent, utf8(name), { mode: 0o644, umask: 0 })
  const piece = new Uint8Array(Math.min(bytes, MIB)).fill(1)
  for (let at = 0; at < bytes; at += piece.length) await fs.write(caller, id, at, piece, { killPriv: false })
}

async function createMany(fs: BrochFilesystem, count: number, bytes: number): Promise<void> {
  const { id } = await fs.mkdir(caller, ROOT_ID, utf8('directory'), { mode: 0o755, umask: 0 })
  for (let i = 0; i < count; i++) await create(fs, `file-${String(i).padStart(4, '0')}`, bytes, id)
}

describe('docs/format.md §8', () => {
  const table = readFileSync(new URL('../../docs/format.md', import.meta.url), 'utf8').split('\n')

  test.each<[string, (fs: BrochFilesystem) => Promise<void>]>([
    ['an empty space: its root directory', async () => undefined],
    ['an empty directory', async (fs) => createMany(fs, 0, 0)],
    ['an empty file', async (fs) => create(fs, 'file', 0)],
    ['a file of 4 KiB', async (fs) => create(fs, 'file', 4096)],
    ['a file of 64 KiB', async (fs) => create(fs, 'file', 65_536)],
    ['a file of 1 GiB', async (fs) => create(fs, 'file', 1024 * MIB)],
    ['a directory with 1,000 empty files', async (fs) => createMany(fs, 1000, 0)],
    ['a directory with 1,000 files of 4 KiB', async (fs) => createMany(fs, 1000, 4096)],
  ])('%s', async (title, fill) => {
    expect(table.find((line) => line.startsWith(`| ${title} |`))).toBe(await rowOf(title, fill))
  })
})
