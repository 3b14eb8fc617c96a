import { fc, test } from '@fast-check/vitest'
import { describe, expect } from 'vitest'
import { sodiumCrypto as crypto } from '../../src/crypto/sodium.node.js'
import { utf8 } from '../../src/lib/bytes.js'
import type { Block } from '../../src/store/block.js'
import { encodeChampNode, type Slot } from '../../src/store/champ-node.js'
import { makeBlock, makeCid } from '../../src/store/cid.js'
import type { Label } from '../../src/store/label.js'
import type { Sequence, SignedPointer } from '../../src/store/pointer.js'
import { encodeRoot, signPointer } from '../../src/store/root.js'
import { Tree } from '../../src/store/tree.js'
import { ROOT_ID } from '../../src/vfs/filesystem.js'
import { HostileBlockStore, HostilePointerStore } from '../support/hostile-store.js'
import { failures, look, type Victim, victim } from '../support/victim.js'

const caller = { uid: 0, gid: 0, pid: 1 }

/** A space of three commits; the last one took a file away. */
async function history(): Promise<Victim> {
  const space = await victim()
  const fs = await space.open()
  await fs.create(caller, ROOT_ID, utf8('second'), { mode: 0o600, umask: 0 })
  await fs.commit()
  await fs.unlink(caller, ROOT_ID, utf8('small'))
  await fs.close()
  return space
}

function openAt(space: Victim, seen: SignedPointer): Promise<Tree> {
  const { blocks, pointers, writer } = space
  return Tree.open({ blocks, pointers, crypto, writer, remembered: { sequence: seen.sequence, root: seen.root } })
}

describe('a store that lies about the root', () => {
  test('cannot show an older one to who has seen the newer', async () => {
    const space = await history()
    const [first, , third] = space.pointers.history as [SignedPointer, SignedPointer, SignedPointer]
    space.pointers.lie = () => first
    await expect(openAt(space, third)).rejects.toMatchObject({ code: 'ROLLED_BACK' })
    space.pointers.lie = () => undefined
    await expect(openAt(space, third)).rejects.toMatchObject({ code: 'ROLLED_BACK' })
  })

  test('can show an older one to a device that never saw another: it is whole, and it is old', async () => {
    const space = await history()
    space.pointers.lie = () => space.pointers.history[0]
    expect(failures(await look(await space.open()), space.truth)).toEqual([])
  })

  test('cannot show another root under a sequence that was seen', async () => {
    const space = await history()
    const third = space.pointers.history[2] as SignedPointer
    const root = encodeRoot(crypto.sha256, { champ: undefined, writers: [] })
    await space.blocks.putMany([root])
    space.pointers.lie = () => signPointer(crypto, { ...third, root: root.cid }, space.pair.secretKey)
    await expect(openAt(space, third)).rejects.toMatchObject({ code: 'ROLLED_BACK' })
  })

  test('cannot go back under a running filesystem: nothing is written over, and what was read stays', async () => {
    const space = await history()
    const fs = await space.open()
    await fs.create(caller, ROOT_ID, utf8('new'), { mode: 0o600, umask: 0 })
    await space.pointers.goBack(1)
    await expect(fs.commit()).rejects.toMatchObject({ code: 'CONFLICT' })
    expect(fs.alarms).toMatchObject([{ kind: 'conflict', count: 1 }])
    expect((await fs.lookup(ROOT_ID, utf8('second'))).attr.nlink).toBe(1)
    await space.pointers.goBack(3)
    await fs.close()
    expect((await space.check()).sound).toBe(true)
  })

  test('cannot have an old update counted again', async () => {
    const space = await history()
    for (const pointer of space.pointers.history) await expect(space.pointers.swap([pointer])).rejects.toMatchObject({ code: 'CONFLICT' })
  })

  test("cannot give another writer's root, signed as it may be", async () => {
    const space = await history()
    const other = crypto.signKeyPair(crypto.randomBytes(32))
    const third = space.pointers.history[2] as SignedPointer
    const theirs = signPointer(crypto, { ...third, writer: other.publicKey }, other.secretKey)
    const forged = signPointer(crypto, third, other.secretKey)
    for (const lie of [theirs, forged, { ...theirs, writer: third.writer }]) {
      space.pointers.lie = () => lie
      await expect(space.open()).rejects.toMatchObject({ code: 'BAD_SIGNATURE' })
    }
  })

  test.prop([fc.constantFrom('sequence', 'root', 'signature', 'writer'), fc.nat(63), fc.nat(7)], { numRuns: 100 })('cannot change a bit of a signed pointer', async (part, at, bit) => {
    const space = await shared
    const pointer = space.pointers.history[2] as SignedPointer
    const flip = <T extends Uint8Array>(bytes: T): T => {
      const copy = bytes.slice() as T
      copy[at % copy.length] = (copy[at % copy.length] as number) ^ (1 << bit)
      return copy
    }
    const changed = {
      sequence: { ...pointer, sequence: (pointer.sequence + 1 + at) as Sequence },
      root: { ...pointer, root: flip(pointer.root) },
      signature: { ...pointer, signature: flip(pointer.signature) },
      writer: { ...pointer, writer: flip(pointer.writer) },
    }[part]
    space.pointers.lie = () => changed
    await expect(space.open()).rejects.toMatchObject({ code: expect.stringMatching(/^(BAD_SIGNATURE|INVALID)$/) as string })
  })

  test.each([
    ['of a newer format', new Uint8Array([0xa3, 0x61, 0x76, 0x02, 0x65, 0x63, 0x68, 0x61, 0x6d, 0x70, 0xf6, 0x67, 0x77, 0x72, 0x69, 0x74, 0x65, 0x72, 0x73, 0x80]), 'NEWER_FORMAT'],
    ['that is none', utf8('hello'), 'CORRUPT'],
    ['that is empty', new Uint8Array(0), 'CORRUPT'],
  ])('a signed root %s is refused', async (_what, bytes, code) => {
    const space = await victim()
    const root = makeBlock(crypto.sha256, 'dag-cbor', bytes)
    await space.blocks.putMany([root])
    space.pointers.lie = () => signPointer(crypto, { writer: space.writer, sequence: 9 as Sequence, root: root.cid }, space.pair.secretKey)
    await expect(space.open()).rejects.toMatchObject({ code })
  })

  const label = new Uint8Array(32) as Label
  const slotsOf = (used: Record<number, Slot>): Slot[] => Array.from({ length: 32 }, (_, slot) => used[slot])
  const champ = (used: Record<number, Slot>): Block => makeBlock(crypto.sha256, 'dag-cbor', encodeChampNode(slotsOf(used)).slice())

  /** A tree whose writer signed whatever CHAMP it is given. */
  async function signed(blocks: readonly Block[], top: Block): Promise<Tree> {
    const store = { blocks: new HostileBlockStore(true), pointers: new HostilePointerStore() }
    const pair = crypto.signKeyPair(crypto.randomBytes(32))
    const root = encodeRoot(crypto.sha256, { champ: top.cid, writers: [] })
    await store.blocks.putMany([...blocks, top, root])
    await store.pointers.swap([signPointer(crypto, { writer: pair.publicKey, sequence: 1 as Sequence, root: root.cid }, pair.secretKey)])
    return Tree.open({ ...store, crypto, writer: pair.publicKey })
  }

  async function walked(tree: Tree): Promise<void> {
    for await (const entry of tree.walk()) expect(entry.label).toHaveLength(32)
  }

  test('a signed CHAMP as deep as its blocks allow is refused at the level where labels end', async () => {
    const blocks = [champ({ 0: [{ label, value: makeCid(crypto.sha256, 'dag-cbor', label) }] })]
    for (let depth = 0; depth < 5000; depth++) blocks.push(champ({ 0: { cid: (blocks.at(-1) as Block).cid } }))
    const tree = await signed(blocks, blocks.at(-1) as Block)
    expect(() => tree.lookup(label)).toThrow('too deep')
    await expect(walked(tree)).rejects.toThrow('too deep')
  })

  test('a signed CHAMP with one node in two places is refused, not walked twice', async () => {
    const low = champ(Object.fromEntries([0, 1, 2, 3, 4].map((slot) => {
      const inside = label.slice() as Label
      inside[0] = slot >> 2 // slot 0 at depth 0, then `slot` at depth 1
      inside[1] = (slot & 3) << 6
      return [slot, [{ label: inside, value: makeCid(crypto.sha256, 'dag-cbor', label) }]]
    })))
    const tree = await signed([low], champ({ 0: { cid: low.cid }, 7: { cid: low.cid } }))
    await expect(walked(tree)).rejects.toMatchObject({ code: 'CORRUPT' })
  })
})

const shared = history()
