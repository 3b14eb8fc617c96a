import { fc, test } from '@fast-check/vitest'
import { describe, expect } from 'vitest'
import { ChunkSet } from '../../src/cryptree/chunk-set.js'
import { compareEntries, hashName } from '../../src/cryptree/directory-content.js'
import { nameKey } from '../../src/cryptree/keys.js'
import { sodiumCrypto as crypto } from '../../src/crypto/sodium.node.js'
import type { Awaitable } from '../../src/lib/brand.js'
import { toBinaryString, utf8 } from '../../src/lib/bytes.js'
import type { Cid } from '../../src/store/block.js'
import { cidKey, makeBlock } from '../../src/store/cid.js'
import type { Label } from '../../src/store/label.js'
import type { MemoryBlockStore } from '../../src/store/memory-block-store.js'
import { freeWaste } from '../../src/vfs/free-waste.js'
import { checkSpace } from '../../src/vfs/check.js'
import { printableName } from '../../src/vfs/check-report.js'
import { type Entry, FALLOC_KEEP_SIZE, FALLOC_PUNCH_HOLE, type NodeId, ROOT_ID } from '../../src/vfs/filesystem.js'
import { Forger } from '../support/forger.js'
import { testSpace } from '../support/space.js'

const caller = { uid: 0, gid: 0, pid: 1 }
const plain = { mode: 0o644, umask: 0 }

const name = fc.constantFrom('a', 'b', 'c', 'd')
const step = fc.oneof(
  { weight: 4, arbitrary: fc.record({ kind: fc.constant('write' as const), name, to: name, at: fc.constantFrom(0, 30_000, 300_000, 5_300_000, 11_000_000), length: fc.constantFrom(1, 3000, 40_000, 600_000) }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constantFrom('truncate' as const, 'punch' as const), name, to: name, at: fc.constantFrom(0, 1, 32_768, 262_144, 5_242_880, 5_400_000), length: fc.constantFrom(1, 40_000, 6_000_000) }) },
  { weight: 3, arbitrary: fc.record({ kind: fc.constantFrom('mkdir' as const, 'link' as const, 'rename' as const, 'unlink' as const, 'rmdir' as const, 'symlink' as const, 'many' as const, 'few' as const), name, to: name, at: fc.constant(0), length: fc.constant(0) }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('commit' as const), name, to: name, at: fc.constant(0), length: fc.constant(0) }) },
)

describe('the check of a space', () => {
  test('finds no waste after more files went in one commit than stay loaded', async () => {
    const space = testSpace()
    const fs = await space.open()
    const names = ['large', ...Array.from({ length: 2100 }, (_, i) => `small-${i}`)].map(utf8)
    for (const name of names) await fs.create(caller, ROOT_ID, name, plain)
    const { id } = await fs.lookup(ROOT_ID, utf8('large'))
    await fs.write(caller, id, 6_000_000, new Uint8Array(50_000), { killPriv: false }) // its second chunk
    await fs.commit()
    const again = await space.open()
    for (const name of names) await again.unlink(caller, ROOT_ID, name)
    await again.commit()
    expect((await space.check()).problems).toEqual([])
  })

  test.prop([fc.array(step, { minLength: 5, maxLength: 40, size: 'max' })], { numRuns: Number(process.env['BROCH_RUNS'] ?? 60) })('finds nothing wrong, and no waste, after any operations', async (steps) => {
    const space = testSpace()
    const fs = await space.open()
    const parents: NodeId[] = [ROOT_ID]
    const held: NodeId[] = []
    const hold = async (entry: Awaitable<Entry>): Promise<NodeId> => {
      const { id } = await entry
      held.push(id)
      return id
    }
    for (const [i, { kind, name, to, at, length }] of steps.entries()) {
      const parent = parents[i % parents.length] as NodeId
      const [from, target] = [utf8(name), utf8(to)]
      const id = async () => hold(fs.lookup(parent, from))
      try {
        if (kind === 'write') {
          const file = await id().catch(() => hold(fs.create(caller, parent, from, plain)))
          await fs.write(caller, file, at, new Uint8Array(length).fill(7), { killPriv: false })
        } else if (kind === 'truncate') await fs.setattr(caller, await id(), { size: at })
        else if (kind === 'punch') await fs.fallocate(caller, await id(), FALLOC_PUNCH_HOLE | FALLOC_KEEP_SIZE, at, length)
        else if (kind === 'mkdir') parents.push(await hold(fs.mkdir(caller, parent, from, { mode: 0o755, umask: 0 })))
        else if (kind === 'symlink') await hold(fs.symlink(caller, parent, from, target))
        else if (kind === 'link') await hold(fs.link(caller, await id(), parents.at(-1) as NodeId, target))
        else if (kind === 'rename') await fs.rename(caller, parent, from, parents.at(-1) as NodeId, target, 0)
        else if (kind === 'unlink') await fs.unlink(caller, parent, from)
        else if (kind === 'rmdir') await fs.rmdir(caller, parent, from)
        else if (kind === 'many') for (let n = 0; n < 150; n++) await hold(fs.create(caller, parent, utf8(`${name}${n}`), plain))
        else if (kind === 'few') for (let n = 0; n < 140; n++) await fs.unlink(caller, parent, utf8(`${name}${n}`))
        else await fs.commit()
      } catch (error) {
        if ((error as Error).name !== 'Errno') throw error
      }
    }
    for (const id of held) fs.forget(id, 1)
    await fs.close()
    const report = await space.check()
    expect(report.problems).toEqual([])
    expect(report.sound).toBe(true)
    expect(report.counts.blocks).toBe((await space.blocks.usage()).blocks)
  })

  test('shows names so that nothing in them acts on a terminal', () => {
    expect(printableName('\x1b[2Jx')).toBe('\\x1b[2Jx')
    expect(printableName('a\xff')).toBe('a\\xff')
    expect(printableName('\xc3\xa4')).toBe('ä')
    expect(printableName('\xe2\x80\xaetxt')).toBe('\\xe2\\x80\\xaetxt')
    expect(printableName('a\\b')).toBe('a\\x5cb')
  })
})

describe('what the check finds', () => {
  /** A file, a large one, one with two names, a folder with a file, and an empty folder. */
  async function planted() {
    const space = testSpace()
    const fs = await space.open()
    const file = async (parent: NodeId, text: string, at = 0, of = 'x'): Promise<NodeId> => {
      const { id } = await fs.create(caller, parent, utf8(text), plain)
      await fs.write(caller, id, at, utf8(of), { killPriv: false })
      return id
    }
    await file(ROOT_ID, 'small')
    await fs.write(caller, await file(ROOT_ID, 'large', 6_000_000), 300_000, utf8('x'), { killPriv: false })
    const { id: folder } = await fs.mkdir(caller, ROOT_ID, utf8('folder'), { mode: 0o755, umask: 0 })
    await fs.link(caller, await file(ROOT_ID, 'twice'), folder, utf8('again'))
    await fs.mkdir(caller, ROOT_ID, utf8('empty'), { mode: 0o755, umask: 0 })
    await fs.close()
    expect((await space.check()).problems).toEqual([])
    return { space, forger: await Forger.of(space) }
  }
  type Planted = Awaited<ReturnType<typeof planted>>

  const damages: Record<string, [(given: Planted) => Promise<unknown>, [kind: string, path: string][]]> = {
    'a wrong link count': [({ forger }) => forger.properties(forger.ref('twice'), { nlink: 3 }), [['link-count', '/twice']]],
    'a wrong link count of a directory': [({ forger }) => forger.properties(forger.ref('folder'), { nlink: 3 }), [['link-count', '/folder']]],
    'a name that an object does not list': [({ forger }) => forger.properties(forger.ref('small'), { parents: [] }), [['parents', '/small'], ['parents', '/small']]],
    'a size below the data': [({ forger }) => forger.properties(forger.ref('large'), { size: 5_999_999 }), [['size', '/large']]],
    'a wrong count of stored bytes': [({ forger }) => forger.properties(forger.ref('small'), { allocated: 2 }), [['size', '/small']]],
    'another type than the entry says': [({ forger }) => forger.properties(forger.ref('small'), { type: 1, size: 0 }), [['type', '/small']]],
    'a chunk that is not there': [
      async ({ forger }) => {
        const chunks = new ChunkSet()
        for (const chunk of [1, 2]) chunks.add(chunk)
        await forger.file(forger.ref('large'), { chunks })
      },
      [['unreadable', '/large']],
    ],
    'a chunk that is not listed': [({ forger }) => forger.file(forger.ref('large'), { chunks: new ChunkSet() }), [['size', '/large'], ['orphan', '']]],
    'more chunks than nodes': [
      async ({ forger }) => {
        const chunks = new ChunkSet()
        chunks.append(1, 2 ** 21)
        await forger.file(forger.ref('large'), { chunks })
      },
      [['chunks', '/large'], ['orphan', '']],
    ],
    'an entry with a wrong hash': [
      ({ forger }) => forger.directory(forger.ref('folder'), { inline: (forger.directoryContent(forger.ref('folder')).inline ?? []).map((entry) => ({ ...entry, hash: 1 })) }),
      [['entry', '/folder']],
    ],
    'an entry that leads nowhere': [
      ({ forger, space }) => forger.tree.commit([{ label: forger.ref('small').label, block: undefined }], [], space.pair.secretKey),
      [['unreadable', '/small']],
    ],
    'a node that nothing leads to': [
      ({ forger }) => forger.put({ label: new Uint8Array(32).fill(9) as Label, node: { links: [], props: new Uint8Array(1), content: new Uint8Array(1) } }),
      [['orphan', '']],
    ],
    'a block that nothing refers to': [({ space }) => space.blocks.putMany([makeBlock(crypto.sha256, 'raw', utf8('litter'))]), [['garbage', '']]],
    'one fragment in two nodes': [
      ({ forger }) => forger.put({ label: new Uint8Array(32) as Label, node: { links: forger.node(forger.ref('large').label).links, props: new Uint8Array(1), content: new Uint8Array(1) } }),
      [['shared-block', ''], ['orphan', '']],
    ],
    'a directory inside itself': [
      async ({ forger }) => {
        const home = forger.ref()
        const inside = forger.directoryContent(forger.ref('folder'))
        const loop = { name: 'loop', hash: hashName(crypto, nameKey(crypto, inside.key), 'loop'), type: 4, label: toBinaryString(home.label), key: toBinaryString(home.key) }
        await forger.directory(forger.ref('folder'), { entries: 2, inline: [...(inside.inline ?? []), loop].sort(compareEntries) })
      },
      [['cycle', '/folder/loop']],
    ],
  }

  test.each(Object.entries(damages))('%s', async (_what, [damage, problems]) => {
    const given = await planted()
    await damage(given)
    const report = await given.space.check()
    expect(report.problems.map(({ kind, path }) => [kind, path])).toEqual(problems)
    expect(report.sound).toBe(problems.every(([kind]) => kind === 'orphan' || kind === 'garbage'))
  })

  test('a space that cannot be read at all is reported, and the check ends', async () => {
    const { space } = await planted()
    for (const { cid } of [...(space.blocks as MemoryBlockStore).blocks()]) {
      const pointer = await space.pointers.get(space.writer)
      if (cidKey(cid) !== cidKey(pointer?.root as Cid)) await space.blocks.delete([cid])
    }
    const report = await space.check()
    expect(report.sound).toBe(false)
    expect(report.problems.map(({ kind }) => kind)).toEqual(['unreadable', 'unreadable'])
  })

  test('an empty store has nothing wrong; a check can be stopped', async () => {
    expect(await testSpace().check()).toMatchObject({ sequence: 0, problems: [], sound: true })
    const { space } = await planted()
    const tree = await space.openTree()
    await expect(checkSpace({ tree, crypto, home: space.home, signal: AbortSignal.abort() })).rejects.toMatchObject({ code: 'ABORTED' })
  })

  test('what nothing refers to is freed, but not beside damage', async () => {
    for (const beside of [false, true]) {
      const { space, forger } = await planted()
      const before = (await space.blocks.usage()).blocks
      await forger.put({ label: new Uint8Array(32).fill(9) as Label, node: { links: [], props: new Uint8Array(1), content: new Uint8Array(1) } })
      await space.blocks.putMany([makeBlock(crypto.sha256, 'raw', utf8('litter'))])
      if (beside) await forger.properties(forger.ref('small'), { size: 0 })
      const tree = await space.openTree()
      const stored = Array.from((space.blocks as MemoryBlockStore).blocks(), ({ cid }) => cid)
      const report = await freeWaste({ tree, crypto, home: space.home, stored }, space.blocks, space.pair.secretKey)
      expect(report.problems.map(({ kind }) => kind)).toEqual(beside ? ['size', 'orphan', 'garbage'] : ['orphan', 'garbage'])
      const after = await space.check()
      expect(after.problems.map(({ kind }) => kind)).toEqual(beside ? ['size', 'orphan', 'garbage'] : [])
      if (!beside) expect((await space.blocks.usage()).blocks).toBe(before)
    }
  })
})
