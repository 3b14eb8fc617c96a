import { fc, test } from '@fast-check/vitest'
import { describe, expect } from 'vitest'
import { sodiumCrypto as crypto } from '../../../src/crypto/sodium.node.js'
import { equalBytes } from '../../../src/lib/bytes.js'
import { isBrochError } from '../../../src/lib/error.js'
import type { Block } from '../../../src/store/block.js'
import type { LogStore } from '../../../src/store/embedded/log-store.js'
import type { Sequence } from '../../../src/store/pointer.js'
import { signPointer } from '../../../src/store/root.js'
import { blockStoreContract } from '../../contract/block-store.js'
import { blockOf } from '../../support/blocks.js'
import { pointerStoreContract } from '../../contract/pointer-store.js'
import { openLogStore } from '../../support/log-store.js'
import { randomOf, SimulatedDisk } from '../../support/simulated-disk.js'

blockStoreContract('log on a simulated disk', async () => openLogStore(new SimulatedDisk()))
pointerStoreContract('log on a simulated disk', async () => ({ store: openLogStore(new SimulatedDisk()) }))

const pair = crypto.signKeyPair(new Uint8Array(32).fill(7))

function pointerOf(sequence: number) {
  return signPointer(crypto, { writer: pair.publicKey, sequence: sequence as Sequence, root: blockOf(sequence, 40, 'dag-cbor').cid }, pair.secretKey)
}

const pool = Array.from({ length: 80 }, (_, i) => blockOf(7000 + i, (i * 997) % 3000, i % 2 === 0 ? 'raw' : 'dag-cbor'))
const some = fc.uniqueArray(fc.nat(pool.length - 1), { maxLength: 30 })
const operation = fc.oneof(
  { weight: 5, arbitrary: fc.record({ do: fc.constant('put' as const), which: some }) },
  { weight: 4, arbitrary: fc.record({ do: fc.constant('delete' as const), which: some }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constantFrom('swap' as const, 'flush' as const, 'compact' as const) }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constantFrom('close' as const, 'kill' as const) }) },
)

function segmentsOf(disk: SimulatedDisk): string[] {
  return disk.list('/store/segments').sort().map((name) => `/store/segments/${name}`)
}

async function has(store: LogStore, live: ReadonlySet<Block>): Promise<void> {
  for (const block of pool) {
    const bytes = store.peek(block.cid)
    if ((bytes !== undefined) !== live.has(block)) throw new Error(`block ${pool.indexOf(block)} is ${bytes === undefined ? 'lost' : 'there'}`)
    if (bytes !== undefined && !equalBytes(bytes, block.bytes)) throw new Error('a block has other bytes')
  }
  const usage = await store.usage()
  expect([usage.blocks, usage.bytes]).toEqual([live.size, [...live].reduce((sum, { bytes }) => sum + bytes.length, 0)])
  expect(new Set(Array.from(store.cids(), String))).toEqual(new Set(Array.from(live, ({ cid }) => String(cid))))
}

describe('a log of segments', () => {
  test.prop([fc.array(operation, { maxLength: 40 })], { numRuns: 60 })('is a set of blocks, whatever is put, deleted, moved, closed and killed', async (operations) => {
    let disk = new SimulatedDisk()
    let store = openLogStore(disk)
    let live = new Set<Block>()
    let sequence = 0
    for (const op of operations) {
      const blocks = 'which' in op ? op.which.map((i) => pool[i] as Block) : []
      if (op.do === 'put') await store.putMany(blocks)
      else if (op.do === 'delete') await store.delete(blocks.map(({ cid }) => cid))
      else if (op.do === 'swap') await store.swap([pointerOf(++sequence)])
      else if (op.do === 'flush') await store.flush()
      else if (op.do === 'compact') await store.compact()
      else {
        if (op.do === 'close') await store.close()
        else disk = disk.afterKill()
        store = openLogStore(disk)
        await has(store, live)
        expect((await store.get(pair.publicKey))?.sequence ?? 0).toBe(sequence)
      }
      if (op.do === 'put') live = new Set([...live, ...blocks])
      if (op.do === 'delete') live = new Set([...live].filter((block) => !blocks.includes(block)))
    }
    await has(store, live)
    await store.close()
  })

  test('does not grow without bound under a mixed load, and shrinks to almost nothing when all is deleted', async () => {
    const disk = new SimulatedDisk()
    const store = openLogStore(disk)
    const random = randomOf(5)
    let live: Block[] = []
    for (let round = 0; round < 150; round++) {
      const fresh = Array.from({ length: 10 }, (_, i) => blockOf(round * 10 + i, 200 + Math.floor(random() * 1000)))
      await store.putMany(fresh)
      live.push(...fresh)
      if (live.length < 60) continue
      const gone = new Set(live.filter(() => random() < 10 / 60))
      await store.delete([...gone].map(({ cid }) => cid))
      live = live.filter((block) => !gone.has(block))
      await store.compact()
      const kept = live.reduce((sum, { bytes }) => sum + bytes.length + 48, 0)
      expect(disk.bytes()).toBeLessThan(kept * 1.5 + 16_384)
    }
    expect(live.every(({ cid, bytes }) => equalBytes(store.peek(cid) as Uint8Array, bytes))).toBe(true)
    await store.delete(live.map(({ cid }) => cid))
    await store.compact()
    expect(disk.bytes()).toBeLessThan(3000)
    await store.close()
  })

  test('keeps few files open, however many there are', async () => {
    const disk = new SimulatedDisk()
    const store = openLogStore(disk, { openFiles: 4 })
    const blocks = Array.from({ length: 200 }, (_, i) => blockOf(i, 2000))
    for (const block of blocks) await store.putMany([block])
    expect(segmentsOf(disk).length).toBeGreaterThan(20)
    for (const { cid, bytes } of blocks) expect(equalBytes(store.peek(cid) as Uint8Array, bytes)).toBe(true)
    expect(disk.openFiles).toBeLessThanOrEqual(4)
    await store.close()
    expect(disk.openFiles).toBe(0)
  })

  test('refuses to write after a sync that failed, keeps reading, and is whole when opened anew', async () => {
    const disk = new SimulatedDisk()
    const store = openLogStore(disk)
    await store.putMany([blockOf(1)])
    await store.swap([pointerOf(1)])
    disk.failSync = true
    await store.putMany([blockOf(2)])
    await expect(store.swap([pointerOf(2)])).rejects.toMatchObject({ code: 'IO' })
    disk.failSync = false
    await expect(store.swap([pointerOf(2)])).rejects.toThrow('until the store is opened anew')
    await expect(store.putMany([blockOf(3)])).rejects.toThrow('until the store is opened anew')
    await expect(store.delete([blockOf(1).cid])).rejects.toThrow('until the store is opened anew')
    expect(store.peek(blockOf(1).cid)).toBeDefined()
    await store.close()
    const again = openLogStore(disk.afterPowerCut(() => 1))
    expect((await again.get(pair.publicKey))?.sequence).toBe(1)
    expect(again.peek(blockOf(1).cid)).toBeDefined()
  })

  test('takes what fits of a full disk, keeps what it said it has, and takes deletes', async () => {
    const disk = new SimulatedDisk()
    disk.capacity = 100_000
    const store = openLogStore(disk, { reserveBytes: 8192 })
    await store.swap([pointerOf(1)])
    const kept: Block[] = []
    let refused = 0
    for (let i = 0; refused < 5; i++) {
      const block = blockOf(i, 3000)
      await store.putMany([block]).then(
        () => kept.push(block),
        (error: unknown) => {
          expect(isBrochError(error, 'NO_SPACE')).toBe(true)
          refused++
        },
      )
    }
    expect(kept.length).toBeGreaterThan(25)
    // a commit that deletes: a few nodes, a pointer, places to forget
    await store.putMany([blockOf(900, 500, 'dag-cbor')])
    await store.swap([pointerOf(2)])
    expect((await store.usage()).freeBytes).toBeLessThan(3000)
    for (const { cid, bytes } of kept) expect(equalBytes(store.peek(cid) as Uint8Array, bytes)).toBe(true)
    await store.delete(kept.slice(0, 20).map(({ cid }) => cid))
    await store.compact()
    expect(disk.bytes()).toBeLessThan(60_000)
    await store.putMany([blockOf(901, 3000)])
    await store.close()
    const again = openLogStore(disk, { reserveBytes: 8192 })
    expect((await again.get(pair.publicKey))?.sequence).toBe(2)
    expect((await again.usage()).blocks).toBe(kept.length - 20 + 2)
  })

  test('skips damage in what was synced, says where, and loses nothing else', async () => {
    const blocks = Array.from({ length: 60 }, (_, i) => blockOf(i, 1000))
    for (const segment of [0, 3]) {
      const disk = new SimulatedDisk()
      const store = openLogStore(disk)
      for (const block of blocks) await store.putMany([block])
      await store.swap([pointerOf(1)])
      await store.close()
      for (const name of disk.list('/store/hints')) disk.remove(`/store/hints/${name}`)
      const path = segmentsOf(disk)[segment] as string
      disk.flip(path, 1048 * 3 + 20) // in a header
      disk.flip(path, 1048 * 7 + 500) // in a payload
      const again = openLogStore(disk)
      expect(again.damage).toEqual([expect.stringMatching(/^segment \d damaged|is damaged at byte 3144/)])
      expect(blocks.filter(({ cid }) => again.peek(cid) === undefined).length).toBe(1)
      expect(blocks.filter(({ cid, bytes }) => !equalBytes(again.peek(cid) ?? bytes, bytes)).length).toBe(1)
      expect((await again.get(pair.publicKey))?.sequence).toBe(1)
      await again.close()
    }
  })

  test('makes hints that are missing or wrong anew', async () => {
    const disk = new SimulatedDisk()
    const store = openLogStore(disk)
    const blocks = Array.from({ length: 60 }, (_, i) => blockOf(i, 1000))
    for (const block of blocks) await store.putMany([block])
    await store.close()
    const [first, second] = disk.list('/store/hints').sort() as [string, string]
    const whole = disk.readWhole(`/store/hints/${first}`).slice()
    disk.remove(`/store/hints/${first}`)
    disk.flip(`/store/hints/${second}`, 100)
    const again = openLogStore(disk)
    expect(again.damage).toEqual([])
    for (const { cid, bytes } of blocks) expect(equalBytes(again.peek(cid) as Uint8Array, bytes)).toBe(true)
    expect(disk.readWhole(`/store/hints/${first}`)).toEqual(whole)
  })

  test('open for reading only changes nothing and refuses to', async () => {
    const disk = new SimulatedDisk()
    const store = openLogStore(disk)
    await store.putMany([blockOf(1)])
    await store.swap([pointerOf(1)])
    const killed = disk.afterKill()
    const { operations } = killed
    const reader = openLogStore(killed, { readOnly: true })
    expect(reader.peek(blockOf(1).cid)).toEqual(blockOf(1).bytes)
    await reader.flush()
    for (const write of [reader.putMany([blockOf(2)]), reader.delete([blockOf(1).cid]), reader.swap([pointerOf(2)])]) await expect(write).rejects.toMatchObject({ code: 'READ_ONLY' })
    await reader.close()
    expect(killed.operations).toBe(operations)
  })
})
