/** A space as any IPFS node sees it: read back with the stock CAR reader, codec and hasher, and nothing of ours. */
import { CarReader } from '@ipld/car'
import * as dagCbor from '@ipld/dag-cbor'
import { CID } from 'multiformats/cid'
import { sha256 } from 'multiformats/hashes/sha2'
import { beforeAll, describe, expect, test } from 'vitest'
import { sodiumCrypto as crypto } from '../../src/crypto/sodium.node.js'
import { concatBytes, equalBytes, utf8 } from '../../src/lib/bytes.js'
import type { Cid } from '../../src/store/block.js'
import { exportCar } from '../../src/store/car.js'
import { formatCid } from '../../src/store/cid.js'
import { MemoryBlockStore } from '../../src/store/memory-block-store.js'
import { MemoryPointerStore } from '../../src/store/memory-pointer-store.js'
import { ROOT_ID } from '../../src/vfs/filesystem.js'
import { buildSampleTree, manifestOf } from '../support/sample-tree.js'
import { testSpace } from '../support/space.js'

const RAW = 0x55
const DAG_CBOR = 0x71

async function collect(pieces: AsyncIterable<Uint8Array>): Promise<Uint8Array> {
  const all: Uint8Array[] = []
  for await (const piece of pieces) all.push(piece.slice())
  return concatBytes(all)
}

/** The CIDs of all links in a decoded document. */
function linksIn(value: unknown): CID[] {
  const cid = CID.asCID(value)
  if (cid !== null) return [cid]
  if (Array.isArray(value)) return value.flatMap(linksIn)
  if (value instanceof Uint8Array || typeof value !== 'object' || value === null) return []
  return Object.values(value).flatMap(linksIn)
}

describe('a space exported as a CAR file', () => {
  const blocks = new MemoryBlockStore()
  const space = testSpace({ blocks, pointers: new MemoryPointerStore(crypto) })
  let car: Uint8Array
  let root: Cid
  let reader: Awaited<ReturnType<typeof CarReader.fromBytes>>

  beforeAll(async () => {
    const fs = await space.open()
    await buildSampleTree(fs)
    // so many that the CHAMP has three levels
    for (let i = 0; i < 1500; i++) await fs.create({ uid: 0, gid: 0, pid: 1 }, ROOT_ID, utf8(`f${i}`), { mode: 0o644, umask: 0 })
    await fs.close()
    const tree = await space.openTree()
    root = tree.root as Cid
    car = await collect(exportCar({ tree, blocks, sha256: crypto.sha256 }))
    reader = await CarReader.fromBytes(car)
  })

  test('names the root block alone, which is the one the signed pointer names', async () => {
    const roots = await reader.getRoots()
    expect(roots.map(String)).toEqual([formatCid(root)])
    expect(formatCid((await space.pointers.get(space.writer))?.root as Cid)).toBe(formatCid(root))
  })

  test('holds only blocks that have their hash, each once, and no more than IPFS nodes take', async () => {
    const seen = new Set<string>()
    for await (const { cid, bytes } of reader.blocks()) {
      expect(seen.has(cid.toString())).toBe(false)
      seen.add(cid.toString())
      expect([RAW, DAG_CBOR]).toContain(cid.code)
      expect(cid.version).toBe(1)
      expect(equalBytes((await sha256.digest(bytes)).bytes, cid.multihash.bytes)).toBe(true)
      expect(bytes.length).toBeLessThan(2 * 1024 * 1024)
    }
    expect(seen.size).toBe((await blocks.usage()).blocks)
  })

  test('is reached whole by following links from the root, and lacks nothing', async () => {
    const reached = new Map<string, number>()
    const next = [...(await reader.getRoots())]
    for (let cid = next.pop(); cid !== undefined; cid = next.pop()) {
      if (reached.has(cid.toString())) continue
      const block = await reader.get(cid)
      expect(block, `${cid.toString()} is linked and not there`).toBeDefined()
      reached.set(cid.toString(), cid.code)
      if (cid.code === DAG_CBOR) next.push(...linksIn(dagCbor.decode((block as { bytes: Uint8Array }).bytes)))
    }
    const held: string[] = []
    for await (const cid of reader.cids()) held.push(cid.toString())
    expect([...reached.keys()].sort()).toEqual(held.sort())
    const fragments = [...reached.values()].filter((code) => code === RAW)
    expect(fragments.length).toBeGreaterThanOrEqual(7)
    expect(reached.size).toBeGreaterThan(1500)
  })

  test('has documents that the stock codec writes back byte for byte', async () => {
    for await (const { cid, bytes } of reader.blocks()) {
      if (cid.code === DAG_CBOR) expect(equalBytes(dagCbor.encode(dagCbor.decode(bytes)), bytes)).toBe(true)
    }
  })

  test('opens as a space again from its blocks and the pointer', async () => {
    const copy = new MemoryBlockStore()
    for await (const { cid, bytes } of reader.blocks()) await copy.putMany([{ cid: cid.bytes as Cid, bytes }])
    const again = await space.open({ tree: await space.openTree(copy), blocks: copy, atime: 'noatime' })
    expect(await manifestOf(again)).toEqual(await manifestOf(await space.open({ atime: 'noatime' })))
  })

  test('refuses a damaged block, a missing one, and a tree without commits', async () => {
    const victim = [...blocks.blocks()].at(-2)?.cid as Cid
    const without = new MemoryBlockStore()
    const damaged = new MemoryBlockStore()
    for (const block of blocks.blocks()) {
      const isVictim = equalBytes(block.cid, victim)
      if (!isVictim) await without.putMany([block])
      await damaged.putMany([isVictim ? { cid: block.cid, bytes: block.bytes.with(9, (block.bytes[9] as number) ^ 1) } : block])
    }
    const from = async (store: MemoryBlockStore) => collect(exportCar({ tree: await space.openTree(store), blocks: store, sha256: crypto.sha256 }))
    await expect(from(without)).rejects.toMatchObject({ code: 'MISSING_BLOCK' })
    await expect(from(damaged)).rejects.toMatchObject({ code: 'CORRUPT' })
    const empty = await testSpace().openTree()
    await expect(collect(exportCar({ tree: empty, blocks, sha256: crypto.sha256 }))).rejects.toMatchObject({ code: 'INVALID' })
  })
})
