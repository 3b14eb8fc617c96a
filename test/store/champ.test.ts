import { fc, test } from '@fast-check/vitest'
import { describe, expect } from 'vitest'
import { sodiumCrypto as crypto } from '../../src/crypto/sodium.node.js'
import { compareBytes, toHex, utf8 } from '../../src/lib/bytes.js'
import { type Block, type Cid, NeedBlocks } from '../../src/store/block.js'
import { type Applied, applyChanges, type Change, find, sameRoot } from '../../src/store/champ.js'
import { ChampCache } from '../../src/store/champ-cache.js'
import { childPath, ChampNode, type Entry, encodeChampNode, LABEL_ZERO, MAX_BUCKET, SLOTS, type Slot, slotOf } from '../../src/store/champ-node.js'
import { ChampCursor, difference } from '../../src/store/champ-walk.js'
import { cidKey, makeCid } from '../../src/store/cid.js'
import type { Label } from '../../src/store/label.js'

const { sha256 } = crypto

const valueOf = (seed: number): Cid => makeCid(sha256, 'dag-cbor', utf8(`value ${seed}`))
const labelOf = (seed: number): Label => sha256(utf8(`label ${seed}`)) as Label

/** Mostly alike, so that trees get deep: a few leading bytes, zeros, a few last bits. */
const label: fc.Arbitrary<Label> = fc
  .record({ head: fc.constantFrom([0, 0], [0, 1], [255, 7], [128, 0]), at: fc.nat({ max: 31 }), byte: fc.nat({ max: 255 }), last: fc.nat({ max: 7 }) })
  .map(({ head, at, byte, last }) => {
    const bytes = new Uint8Array(32)
    bytes.set(head)
    bytes[at] = byte
    bytes[31] = last
    return bytes as Label
  })
const batch = fc.array(fc.tuple(label, fc.option(fc.nat({ max: 5 }), { nil: undefined })), { maxLength: 25 })

/** A CHAMP with its blocks in a map, counting what is read. */
class TestChamp {
  readonly blocks = new Map<string, Uint8Array>()
  root: Cid | undefined
  loads = 0

  /** Nothing is remembered, so that every node read is counted. */
  source(): ChampCache {
    return new ChampCache((cid) => {
      this.loads += 1
      const bytes = this.blocks.get(cidKey(cid))
      if (bytes === undefined) throw new NeedBlocks([cid])
      return bytes
    }, 1 << 20)
  }

  /** Makes changes as a commit does: adds the new blocks, takes out the replaced. */
  apply(pairs: readonly (readonly [Label, number | undefined])[]): Applied {
    const last = new Map(pairs.map(([key, seed]) => [toHex(key), { label: key, value: seed === undefined ? undefined : valueOf(seed) }]))
    const changes: Change[] = [...last.values()].sort((a, b) => compareBytes(a.label, b.label))
    const applied = applyChanges(this.root, changes, this.source(), sha256)
    for (const { cid, bytes } of applied.blocks) this.blocks.set(cidKey(cid), bytes)
    const fresh = new Set(applied.blocks.map(({ cid }) => cidKey(cid)))
    for (const cid of applied.replaced) if (!fresh.has(cidKey(cid))) this.blocks.delete(cidKey(cid))
    this.root = applied.root
    return applied
  }

  entries(onNode?: (cid: Cid) => void): Entry[] {
    const cursor = new ChampCursor(this.root, this.source(), onNode)
    const all: Entry[] = []
    for (let entry = cursor.next(); entry !== undefined; entry = cursor.next()) all.push(entry)
    return all
  }
}

const plain = (entries: readonly Entry[]) => entries.map((entry) => [toHex(entry.label), toHex(entry.value)])

function sortedModel(model: ReadonlyMap<string, number>): string[][] {
  return [...model].map(([key, seed]) => [key, toHex(valueOf(seed))]).sort(([a], [b]) => ((a as string) < (b as string) ? -1 : 1))
}

function changeModel(model: Map<string, number>, pairs: readonly (readonly [Label, number | undefined])[]): void {
  for (const [key, seed] of pairs) {
    if (seed === undefined) model.delete(toHex(key))
    else model.set(toHex(key), seed)
  }
}

describe('a CHAMP', () => {
  test.prop([fc.array(batch, { maxLength: 8 })], { numRuns: 300 })('is a map, keeps no block too many and none too few', (batches) => {
    const champ = new TestChamp()
    const model = new Map<string, number>()
    for (const pairs of batches) {
      const before = new Map(model)
      const { previous } = champ.apply(pairs)
      changeModel(model, pairs)
      const asked = [...new Map(pairs.map(([key]) => [toHex(key), key])).values()].sort(compareBytes)
      expect(previous.map((cid) => cid && toHex(cid))).toEqual(asked.map((key) => { const seed = before.get(toHex(key)); return seed === undefined ? undefined : toHex(valueOf(seed)) }))
      const used = new Set<string>()
      expect(plain(champ.entries((cid) => used.add(cidKey(cid))))).toEqual(sortedModel(model))
      expect([...champ.blocks.keys()].sort()).toEqual([...used].sort())
      for (const [key] of pairs) {
        const seed = model.get(toHex(key))
        expect(find(champ.root, key, champ.source())).toEqual(seed === undefined ? undefined : valueOf(seed))
      }
    }
  })

  test.prop([batch, fc.array(batch, { maxLength: 4 }), fc.infiniteStream(fc.nat())], { numRuns: 300 })('has one root for one content, whatever the order and the detours', (pairs, detours, random) => {
    const model = new Map<string, number>()
    changeModel(model, pairs)
    const straight = new TestChamp()
    straight.apply(pairs)
    const winding = new TestChamp()
    for (const detour of detours) winding.apply(detour)
    const want = pairs.map(([key]) => [key, model.get(toHex(key))] as const).sort(() => ((random.next().value as number) % 3) - 1)
    for (const pair of want) winding.apply([pair])
    winding.apply(detours.flat().filter(([key]) => !model.has(toHex(key))).map(([key]) => [key, undefined] as const))
    const back = detours.flat().filter(([key]) => model.has(toHex(key))).map(([key]) => [key, model.get(toHex(key))] as const)
    winding.apply(back)
    expect(sameRoot(winding.root, straight.root)).toBe(true)
    expect([...winding.blocks.keys()].sort()).toEqual([...straight.blocks.keys()].sort())
  })

  test.prop([fc.array(batch, { maxLength: 3 }), batch], { numRuns: 300 })('differs from another by what the maps differ by', (batches, pairs) => {
    const champ = new TestChamp()
    for (const first of batches) champ.apply(first)
    const [old, before] = [champ.root, champ.entries()]
    const kept = new Map(champ.blocks)
    champ.apply(pairs)
    for (const [key, bytes] of kept) champ.blocks.set(key, bytes)
    const [a, b] = [before, champ.entries()].map((entries) => new Map(entries.map(({ label: key, value }) => [toHex(key), toHex(value)]))) as [Map<string, string>, Map<string, string>]
    const expected = [...new Set([...a.keys(), ...b.keys()])].sort().filter((key) => a.get(key) !== b.get(key)).map((key) => [key, a.get(key), b.get(key)])
    const found = difference(old, champ.root, champ.source())
    expect(found.map((one) => [toHex(one.label), one.before && toHex(one.before), one.after && toHex(one.after)])).toEqual(expected)
  })
})

describe('the cost of a CHAMP of 20,000 labels', () => {
  const champ = new TestChamp()
  champ.apply(Array.from({ length: 20_000 }, (_, i) => [labelOf(i), i] as const))
  const levels = 4 // 32^3 < 20,000 / 4 entries a bucket < 32^4, with some luck of the hash

  test('one change rewrites one node a level', () => {
    const rewritten = Array.from({ length: 200 }, (_, i) => champ.apply([[labelOf(i), i + 1_000_000]]).blocks.length)
    expect(Math.max(...rewritten)).toBeLessThanOrEqual(levels)
  })

  test('a thousand changes at once rewrite no node twice', () => {
    const { blocks, replaced } = champ.apply(Array.from({ length: 1000 }, (_, i) => [labelOf(i * 7), i] as const))
    expect(new Set(blocks.map(({ cid }) => cidKey(cid))).size).toBe(blocks.length)
    expect(blocks.length).toBeLessThan(1000 * 2 + 33)
    expect(replaced.length).toBe(blocks.length)
  })

  test('a lookup reads one node a level; the difference of one change two', () => {
    champ.loads = 0
    find(champ.root, labelOf(5), champ.source())
    expect(champ.loads).toBeLessThanOrEqual(levels)
    const old = champ.root
    const kept = new Map(champ.blocks)
    champ.apply([[labelOf(77), 1234]])
    for (const [key, bytes] of kept) champ.blocks.set(key, bytes)
    champ.loads = 0
    expect(difference(old, champ.root, champ.source())).toHaveLength(1)
    expect(champ.loads).toBeLessThanOrEqual(2 * levels)
  })

  test('what is not at hand is asked for a level at a time', () => {
    const bare = new ChampCache((cid) => {
      throw new NeedBlocks([cid])
    }, 1000)
    expect(() => find(champ.root, labelOf(1), bare)).toThrow(NeedBlocks)
  })
})

describe('a CHAMP node that no map has', () => {
  const entry = (byte: number): Entry => ({ label: new Uint8Array(32).fill(byte) as Label, value: valueOf(byte) })
  const node = (depth: number, path: Label, put: (slots: Slot[]) => void): (() => ChampNode) => {
    const slots = new Array<Slot>(SLOTS).fill(undefined)
    put(slots)
    return () => ChampNode.decode(encodeChampNode(slots), depth, path)
  }
  const under = (count: number, head: number) => Array.from({ length: count }, (_, i) => ({ label: Uint8Array.of(head, i, ...new Uint8Array(30)) as Label, value: valueOf(i) }))

  test.each<[string, () => ChampNode]>([
    ['an empty node', node(0, LABEL_ZERO, () => undefined)],
    ['a bucket of five', node(0, LABEL_ZERO, (slots) => { slots[0] = under(MAX_BUCKET + 1, 0) })],
    ['an empty bucket', node(0, LABEL_ZERO, (slots) => { slots[0] = [] })],
    ['a label in another slot', node(0, LABEL_ZERO, (slots) => { slots[3] = [entry(0)] })],
    ['labels out of order', node(0, LABEL_ZERO, (slots) => { slots[0] = under(2, 0).reverse() })],
    ['a label twice', node(0, LABEL_ZERO, (slots) => { slots[0] = [entry(0), entry(0)] })],
    ['a label of another path', node(1, childPath(LABEL_ZERO, 0, 9), (slots) => { slots[0] = [entry(0)]; slots[1] = under(4, 0) })],
    ['a node below the root that a bucket could hold', node(1, LABEL_ZERO, (slots) => { slots[slotOf(under(1, 0)[0]?.label as Label, 1)] = under(4, 0) })],
    ['a link to a raw block', node(0, LABEL_ZERO, (slots) => { slots[0] = { cid: makeCid(sha256, 'raw', utf8('x')) } })],
    ['a node too deep', node(51, LABEL_ZERO, (slots) => { slots[0] = { cid: valueOf(1) } })],
  ])('%s is refused', (_title, decoded) => {
    expect(decoded).toThrow(expect.objectContaining({ code: 'CORRUPT' }))
  })

  test('one node linked from two places is refused', () => {
    const champ = new TestChamp()
    champ.apply(under(6, 0).map(({ label: key }, i) => [key, i] as const))
    const child = ChampNode.decode(champ.blocks.get(cidKey(champ.root as Cid)) as Uint8Array, 0, LABEL_ZERO).slots()[0]
    const slots = new Array<Slot>(SLOTS).fill(undefined)
    slots[0] = slots[1] = child
    const block: Block = { bytes: encodeChampNode(slots), cid: makeCid(sha256, 'dag-cbor', encodeChampNode(slots)) }
    champ.blocks.set(cidKey(block.cid), block.bytes)
    champ.root = block.cid
    expect(() => champ.entries()).toThrow(expect.objectContaining({ code: 'CORRUPT' }))
  })
})
