import { describe, expect, test } from 'vitest'
import { equalBytes } from '../../../src/lib/bytes.js'
import type { Block } from '../../../src/store/block.js'
import type { LogStore } from '../../../src/store/embedded/log-store.js'
import type { Sequence } from '../../../src/store/pointer.js'
import { signPointer } from '../../../src/store/root.js'
import { blockOf } from '../../support/blocks.js'
import { openLogStore } from '../../support/log-store.js'
import { randomOf, SimulatedDisk } from '../../support/simulated-disk.js'
import { keyPairOf, testCrypto } from '../../support/test-crypto.js'

const ann = keyPairOf('ann')
const pointers = Array.from({ length: 40 }, (_, i) => {
  const pointer = { writer: ann.publicKey, sequence: (i + 1) as Sequence, root: blockOf(i, 40, 'dag-cbor').cid }
  return signPointer(testCrypto, pointer, ann.secretKey)
})
const pool = Array.from({ length: 60 }, (_, i) => blockOf(500 + i, 30 + ((i * 131) % 900), i % 3 === 0 ? 'dag-cbor' : 'raw'))

interface Known {
  readonly live: ReadonlySet<Block>
  readonly sequence: number
}

/** What a script did to a store: up to where it came, and what of that is surely durable. */
class Story {
  done: Known = { live: new Set(), sequence: 0 }
  /** what the operation under way would make of it; like `done` between operations */
  wanted: Known = this.done
  synced: Known = this.done
  /** blocks put or deleted since the last sync began, or being so */
  touched = new Set<Block>()

  async run(store: LogStore, random: () => number, steps: number): Promise<void> {
    for (let step = 0; step < steps; step++) {
      const dice = random()
      if (dice < 0.45) await this.#put(store, random)
      else if (dice < 0.75) await this.#delete(store, random)
      else if (dice < 0.95) await this.#sync(store, 1)
      else await store.compact()
    }
    await store.compact()
    await this.#sync(store, 0)
  }

  async #step(wanted: Known, touched: readonly Block[], act: () => Promise<void>): Promise<void> {
    this.wanted = wanted
    for (const block of touched) this.touched.add(block)
    await act()
    this.done = wanted
  }

  async #put(store: LogStore, random: () => number): Promise<void> {
    const blocks = pool.filter(() => random() < 0.25)
    const live = new Set([...this.done.live, ...blocks])
    await this.#step({ ...this.done, live }, blocks.filter((block) => !this.done.live.has(block)), () => store.putMany(blocks))
  }

  async #delete(store: LogStore, random: () => number): Promise<void> {
    const blocks = [...this.done.live].filter(() => random() < 0.4)
    const live = new Set([...this.done.live].filter((block) => !blocks.includes(block)))
    await this.#step({ ...this.done, live }, blocks, () => store.delete(blocks.map(({ cid }) => cid)))
  }

  async #sync(store: LogStore, swaps: 0 | 1): Promise<void> {
    const sequence = this.done.sequence + swaps
    await this.#step({ ...this.done, sequence }, [], () => (swaps === 0 ? store.flush() : store.swap([pointers[sequence - 1] as never])))
    this.synced = this.done
    this.touched = new Set()
  }
}

async function check(disk: SimulatedDisk, story: Story, wasKilled: boolean): Promise<void> {
  const store = openLogStore(disk)
  expect(store.damage).toEqual([])
  const sequence = (await store.get(ann.publicKey))?.sequence ?? 0
  const { done, wanted, synced, touched } = story
  expect(sequence).toBeGreaterThanOrEqual(wasKilled ? done.sequence : synced.sequence)
  expect(sequence).toBeLessThanOrEqual(wanted.sequence)
  for (const block of pool) {
    const bytes = store.peek(block.cid)
    if (bytes !== undefined && !equalBytes(bytes, block.bytes)) throw new Error('a block has other bytes')
    const open = wasKilled ? done.live.has(block) !== wanted.live.has(block) : touched.has(block)
    if (!open && (bytes !== undefined) !== (wasKilled ? done : synced).live.has(block)) throw new Error(bytes === undefined ? 'a block is lost' : 'a block came back')
  }
  await goesOn(store, disk, sequence)
}

/** The store can be used: what it has stays, through compaction and another opening. */
async function goesOn(store: LogStore, disk: SimulatedDisk, sequence: number): Promise<void> {
  const had = pool.filter(({ cid }) => store.peek(cid) !== undefined)
  await store.putMany([blockOf(9000, 300)])
  await store.swap([pointers[sequence] as never])
  await store.compact()
  await store.close()
  const again = openLogStore(disk)
  expect(again.damage).toEqual([])
  expect((await again.usage()).blocks).toBe(had.length + 1)
  expect(had.every(({ cid, bytes }) => equalBytes(again.peek(cid) ?? new Uint8Array(0), bytes))).toBe(true)
  expect((await again.get(ann.publicKey))?.sequence).toBe(sequence + 1)
  await again.delete([...had, blockOf(9000, 300)].map(({ cid }) => cid))
  await again.compact()
  await again.close()
  expect((await openLogStore(disk).usage()).blocks).toBe(0)
  expect(disk.bytes()).toBeLessThan(5000)
}

async function play(seed: number, stopAt: number): Promise<{ disk: SimulatedDisk; story: Story }> {
  const disk = new SimulatedDisk()
  disk.stopAt = stopAt
  const story = new Story()
  try {
    const store = openLogStore(disk)
    await story.run(store, randomOf(seed), 24)
  } catch (error) {
    if (stopAt === Number.POSITIVE_INFINITY) throw error
  }
  return { disk, story }
}

describe('stopped before any write, sync, rename or removal', () => {
  test.each([1, 2, 4])('the store has all that was synced, nothing that was removed, and goes on (script %i)', async (seed) => {
    const { disk: whole } = await play(seed, Number.POSITIVE_INFINITY)
    expect(whole.operations).toBeGreaterThan(50)
    for (let stopAt = 0; stopAt < whole.operations; stopAt++) {
      const { disk, story } = await play(seed, stopAt)
      try {
        await check(disk.afterKill(), story, true)
        for (let cut = 0; cut < 3; cut++) await check(disk.afterPowerCut(randomOf(stopAt * 10 + cut)), story, false)
      } catch (error) {
        throw new Error(`script ${seed} stopped before operation ${stopAt}`, { cause: error })
      }
    }
  })
})
