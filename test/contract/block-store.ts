/**
 * What every BlockStore does: `blockStoreContract('memory', async () => new MemoryBlockStore())`.
 * @packageDocumentation
 */
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { type Block, type BlockStore, type Cid, MAX_BLOCK_BYTES } from '../../src/store/block.js'
import { makeCid } from '../../src/store/cid.js'
import { blockOf, bytesOf } from '../support/blocks.js'
import { sha256 } from '../support/test-crypto.js'

/** @param open - a fresh, empty store each time; `close` is called on it, and what it left is the factory's to remove */
export function blockStoreContract(name: string, open: () => Promise<BlockStore>): void {
  describe(`block store contract: ${name}`, () => {
    let store: BlockStore

    beforeEach(async () => {
      store = await open()
    })

    afterEach(async () => {
      await store.close()
    })

    test('gives back what was put, in the order asked, with gaps for what is not there', async () => {
      const blocks = [blockOf(1), blockOf(2, 5000), blockOf(3, 300_000)]
      await store.putMany(blocks)
      const [a, b, c] = blocks as [Block, Block, Block]
      const got = await store.getMany([c.cid, blockOf(99).cid, a.cid, b.cid, a.cid])
      expect(got.map((bytes) => bytes && Uint8Array.from(bytes))).toEqual([c.bytes, undefined, a.bytes, b.bytes, a.bytes])
      expect(await store.getMany([])).toEqual([])
    })

    test('is readable from the moment putMany returns', async () => {
      const block = blockOf(4, 10_000)
      const done = store.putMany([block])
      const [got] = await store.getMany([block.cid])
      expect(got && Uint8Array.from(got)).toEqual(block.bytes)
      expect(await store.has(block.cid)).toBe(true)
      await done
    })

    test('peek gives the block or says nothing', async () => {
      const block = blockOf(5)
      expect(store.peek(block.cid)).toBeUndefined()
      await store.putMany([block])
      const peeked = store.peek(block.cid)
      if (peeked !== undefined) expect(Uint8Array.from(peeked)).toEqual(block.bytes)
    })

    test('keeps no hold on the bytes once the put has resolved', async () => {
      const bytes = bytesOf(6, 4096)
      const cid = makeCid(sha256, 'raw', bytes)
      await store.putMany([{ cid, bytes }])
      const asked = cid.slice() as Cid
      bytes.fill(0)
      cid.fill(0)
      const [got] = await store.getMany([asked])
      expect(got && Uint8Array.from(got)).toEqual(bytesOf(6, 4096))
    })

    test('a block put twice is one block', async () => {
      const block = blockOf(7)
      await store.putMany([block, block])
      await store.putMany([block])
      const usage = await store.usage()
      expect([usage.blocks, usage.bytes]).toEqual([1, block.bytes.length])
      await store.delete([block.cid])
      expect(await store.has(block.cid)).toBe(false)
      expect((await store.usage()).blocks).toBe(0)
    })

    test('tells raw from dag-cbor with the same hash', async () => {
      const raw = blockOf(8, 50, 'raw')
      const cbor = blockOf(8, 50, 'dag-cbor')
      await store.putMany([raw])
      expect(await store.has(cbor.cid)).toBe(false)
      await store.putMany([cbor])
      await store.delete([raw.cid])
      expect(await store.has(raw.cid)).toBe(false)
      expect(await store.has(cbor.cid)).toBe(true)
    })

    test('forgets what is deleted, keeps the rest, ignores what it never had', async () => {
      const blocks = Array.from({ length: 200 }, (_, i) => blockOf(100 + i, i * 7))
      await store.putMany(blocks)
      const odd = blocks.filter((_, i) => i % 2 === 1)
      await store.delete([...odd.map((block) => block.cid), blockOf(9).cid])
      await store.delete(odd.slice(0, 3).map((block) => block.cid))
      const got = await store.getMany(blocks.map((block) => block.cid))
      for (const [i, block] of blocks.entries()) {
        const bytes = got[i]
        expect(bytes && Uint8Array.from(bytes)).toEqual(i % 2 === 1 ? undefined : block.bytes)
        if (i % 2 === 1) expect(store.peek(block.cid)).toBeUndefined()
      }
      const usage = await store.usage()
      const kept = blocks.filter((_, i) => i % 2 === 0)
      expect(usage.blocks).toBe(kept.length)
      expect(usage.bytes).toBe(kept.reduce((sum, block) => sum + block.bytes.length, 0))
    })

    test('a deleted block can be put again', async () => {
      const block = blockOf(10, 2000)
      await store.putMany([block])
      await store.delete([block.cid])
      await store.putMany([block])
      const [got] = await store.getMany([block.cid])
      expect(got && Uint8Array.from(got)).toEqual(block.bytes)
    })

    test('takes the empty block and the largest', async () => {
      const blocks = [blockOf(11, 0), blockOf(12, MAX_BLOCK_BYTES)]
      await store.putMany(blocks)
      await store.flush()
      const got = await store.getMany(blocks.map((block) => block.cid))
      expect(got.map((bytes) => bytes?.length)).toEqual([0, MAX_BLOCK_BYTES])
      expect(sha256(got[1] as Uint8Array)).toEqual(blocks[1]?.cid.slice(4))
    })

    test('takes many puts, gets and deletes at once', async () => {
      const batches = Array.from({ length: 8 }, (_, i) => Array.from({ length: 20 }, (_, j) => blockOf(1000 + i * 20 + j, 500)))
      await Promise.all(batches.map((batch) => store.putMany(batch)))
      await Promise.all([
        ...batches.slice(0, 4).map((batch) => store.delete(batch.map((block) => block.cid))),
        ...batches.slice(4).map((batch) => store.getMany(batch.map((block) => block.cid))),
      ])
      const got = await store.getMany(batches.flat().map((block) => block.cid))
      expect(got.filter((bytes) => bytes === undefined).length).toBe(80)
      expect((await store.usage()).blocks).toBe(80)
    })

    test('an empty put, delete and flush do nothing', async () => {
      await store.putMany([])
      await store.delete([])
      await store.flush()
      const usage = await store.usage()
      expect([usage.blocks, usage.bytes]).toEqual([0, 0])
      expect(usage.freeBytes).toBeLessThanOrEqual(usage.totalBytes)
      expect(usage.freeBytes).toBeGreaterThan(0)
    })
  })
}
