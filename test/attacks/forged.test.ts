import { fc, test } from '@fast-check/vitest'
import { describe, expect } from 'vitest'
import { encodeBucket } from '../../src/cryptree/directory-content.js'
import { toBinaryString, utf8 } from '../../src/lib/bytes.js'
import { encode } from '../../src/lib/dag-cbor.js'
import type { Value } from '../../src/lib/dag-cbor-value.js'
import type { NodeBlock } from '../../src/store/node-block.js'
import { type NodeId, ROOT_ID } from '../../src/vfs/filesystem.js'
import { Forger } from '../support/forger.js'
import { failures, look, type Victim, victim } from '../support/victim.js'

const RUNS = Number(process.env['BROCH_RUNS'] ?? 60)
const caller = { uid: 0, gid: 0, pid: 1 }

async function whatFails(space: Victim): Promise<string[]> {
  const fs = await space.open()
  const failed = failures(await look(fs), space.truth)
  expect(fs.alarms.map(({ kind }) => kind)).toEqual(failed.length > 0 ? ['damaged'] : [])
  return failed
}

/** All of these come to nothing, because every sealed part knows its label, and every fragment is one of its table. */
describe('somebody who can sign, and read nothing', () => {
  const home = victim()

  /** The same space anew for each attack: the signed root goes back to the honest one. */
  async function honest(): Promise<Victim> {
    const space = await home
    await space.pointers.goBack(1)
    return space
  }

  test.prop([fc.nat(1000), fc.nat(1000)], { numRuns: RUNS })('puts two nodes in the place of each other', async (one, other) => {
    const space = await honest()
    const forger = await Forger.of(space)
    const labels = await forger.labels()
    const [a, b] = [labels[one % labels.length], labels[other % labels.length]]
    if (a === undefined || b === undefined || a === b) return
    await forger.put({ label: a, node: forger.node(b) }, { label: b, node: forger.node(a) })
    expect((await whatFails(space).catch((error: unknown) => [String(error)])).length).toBeGreaterThan(0)
  })

  const links: Record<string, (node: NodeBlock, other: NodeBlock) => NodeBlock> = {
    'turns the order of fragments around': (node) => ({ ...node, links: [...node.links].reverse() }),
    'swaps two fragments': (node) => ({ ...node, links: [node.links[1], node.links[0], ...node.links.slice(2)] as NodeBlock['links'] }),
    'gives one fragment twice': (node) => ({ ...node, links: [node.links[0], node.links[0], ...node.links.slice(2)] as NodeBlock['links'] }),
    'drops a fragment': (node) => ({ ...node, links: node.links.slice(0, -1) }),
    'drops all fragments': (node) => ({ ...node, links: [] }),
    'adds a fragment': (node, other) => ({ ...node, links: [...node.links, other.links[0]] as NodeBlock['links'] }),
    'takes fragments of another file': (node, other) => ({ ...node, links: [...other.links, ...node.links].slice(0, node.links.length) }),
    'takes the properties of another file': (node, other) => ({ ...node, props: other.props }),
    'takes the content of another file': (node, other) => ({ ...node, content: other.content, links: other.links }),
    'takes the properties for the content': (node) => ({ ...node, content: node.props }),
    'leaves out the properties': (node) => ({ ...node, props: new Uint8Array(0) }),
    'leaves out the content': (node) => ({ ...node, content: new Uint8Array(0), links: [] }),
  }
  test.each(Object.entries(links))('%s', async (_what, change) => {
    const space = await honest()
    const forger = await Forger.of(space)
    const { label } = forger.ref('two chunks')
    await forger.put({ label, node: change(forger.node(label), forger.node(forger.ref('some fragments').label)) })
    const failed = await whatFails(space)
    expect(failed).toEqual(['/two chunks'])
  })

  test('takes away a chunk: the file fails where it was, instead of showing a hole', async () => {
    const space = await honest()
    const forger = await Forger.of(space)
    const before = new Set((await forger.labels()).map(toBinaryString))
    let failed = 0
    for (const label of await forger.labels()) {
      if (forger.node(label).props.length > 0 || forger.node(label).links.length === 0) continue // chunks alone have no properties
      await forger.tree.commit([{ label, block: undefined }], [], space.pair.secretKey)
      failed += 1
    }
    expect(failed).toBe(2)
    expect(before.size).toBe((await forger.labels()).length + 2)
    expect((await whatFails(space)).sort()).toEqual(['/sparse', '/two chunks'])
  })

  test('hides a part of a directory: its listing fails, instead of being shorter', async () => {
    const space = await honest()
    const forger = await Forger.of(space)
    for (const label of await forger.labels()) {
      if (forger.node(label).props.length === 0 && forger.node(label).links.length === 0) {
        await forger.tree.commit([{ label, block: undefined }], [], space.pair.secretKey)
        break
      }
    }
    expect(await whatFails(space)).toEqual(['/wide/'])
  })
})

describe('somebody with the keys of a folder', () => {
  const entry = { hash: 5, type: 8, label: 'l'.repeat(32), key: 'k'.repeat(32) }
  const bucket = (...names: string[]) => encodeBucket(names.map((name, i) => ({ ...entry, name, hash: 5 + i })))
  const key = new Uint8Array(32)

  const contents: Record<string, Value> = {
    'a name with a slash': [key, 1, 1, bucket('a/b'), new Map()],
    'the name ..': [key, 1, 1, bucket('..'), new Map()],
    'a name with a NUL': [key, 1, 1, bucket('a\0b'), new Map()],
    'an empty name': [key, 1, 1, bucket(''), new Map()],
    'a name twice': [key, 1, 2, bucket('same', 'same'), new Map()],
    'entries it does not have': [key, 1, 7, bucket('a'), new Map()],
    'parts without end': [key, 2 ** 40, 2 ** 45, null, new Map()],
    'parts that are not there': [key, 3, 100, null, new Map()],
    'a short key': [key.subarray(1), 1, 0, new Uint8Array(0), new Map()],
    'one field too many': [key, 1, 0, new Uint8Array(0), new Map(), 1],
    'nothing of the format': 'hello',
  }
  test.each(Object.entries(contents))('gives it %s: its listing fails, everything else is there', async (_what, content) => {
    const space = await victim()
    const forger = await Forger.of(space)
    await forger.payload(forger.ref('folder'), encode(content))
    expect(await whatFails(space)).toEqual(['/folder/'])
    const fs = await space.open()
    const { id } = await fs.lookup(ROOT_ID, utf8('folder'))
    const create = Promise.resolve().then(() => fs.create(caller, id, utf8('new'), { mode: 0o600, umask: 0 }))
    await expect(create).rejects.toMatchObject({ code: 'CORRUPT' })
    await fs.close()
  })

  test('names an object __proto__ or constructor: it is a name like others', async () => {
    const space = await victim()
    const fs = await space.open()
    for (const name of ['__proto__', 'constructor', 'toString', 'hasOwnProperty']) await fs.mkdir(caller, ROOT_ID, utf8(name), { mode: 0o755, umask: 0 })
    await fs.close()
    const again = await space.open()
    for (const name of ['__proto__', 'constructor', 'toString', 'hasOwnProperty']) expect((await again.lookup(ROOT_ID, utf8(name))).attr.nlink).toBe(2)
    await expect(Promise.resolve().then(() => again.lookup(ROOT_ID, utf8('valueOf')))).rejects.toMatchObject({ code: 'ENOENT' })
  })

  const files: Record<string, Value> = {
    'chunks without end': [key, 18, null, new Uint8Array(0), [[1, 2 ** 53 - 2]], new Map()],
    'chunks out of order': [key, 18, null, new Uint8Array(0), [[5, 1], [1, 1]], new Map()],
    'inline bytes beside chunks': [key, 18, new Uint8Array(10), new Uint8Array(0), [[1, 1]], new Map()],
    'more inline bytes than there may be': [key, 18, new Uint8Array(40_000), new Uint8Array(0), [], new Map()],
    'fragments of another size': [key, 30, null, new Uint8Array(0), [], new Map()],
    'a table without fragments': [key, 18, null, new Uint8Array(30), [], new Map()],
  }
  test.each(Object.entries(files))('gives a file %s: it fails', async (_what, content) => {
    const space = await victim()
    const forger = await Forger.of(space)
    await forger.payload(forger.ref('small'), encode(content))
    expect(await whatFails(space)).toEqual(['/small'])
    const fs = await space.open()
    await fs.unlink(caller, ROOT_ID, utf8('small')) // and it can be deleted
    await fs.close()
    expect((await space.check()).problems.filter(({ kind }) => kind !== 'orphan' && kind !== 'garbage')).toEqual([])
  })

  test('gives a file two million chunks that are not there: it is read as what it has, deleted in bounded time', async () => {
    const space = await victim()
    const forger = await Forger.of(space)
    await forger.payload(forger.ref('small'), encode([key, 18, null, new Uint8Array(0), [[1, 1000]], new Map()]))
    await forger.properties(forger.ref('small'), { size: 2 ** 40 })
    const fs = await space.open()
    const { id } = await fs.lookup(ROOT_ID, utf8('small'))
    await expect(Promise.resolve().then(() => fs.read(id, 6_000_000, 10))).rejects.toMatchObject({ code: 'CORRUPT' })
    await fs.unlink(caller, ROOT_ID, utf8('small'))
    fs.forget(id, 1)
    await fs.close()
    expect((await space.check()).problems).toEqual([])
  })
})

describe('what a later version wrote', () => {
  const critical: [string, Value][] = [['!new', 1]]
  const other: [string, Value][] = [['new', Uint8Array.of(1, 2, 3)], ['also', new Map<string, Value>([['x', [1, 'two']]])]]

  test.each(['properties', 'content'] as const)('critical in the %s: the object is read, and not written over', async (where) => {
    const space = await victim()
    const forger = await Forger.of(space)
    for (const name of ['some fragments', 'folder']) {
      const ref = forger.ref(name)
      if (where === 'properties') await forger.properties(ref, { ext: new Map(critical) })
      else if (name === 'folder') await forger.directory(ref, { ext: new Map(critical) })
      else await forger.file(ref, { ext: new Map(critical) })
    }
    const before = space.pointers.history.length
    expect(await whatFails(space)).toEqual([])
    const fs = await space.open()
    const file = (await fs.lookup(ROOT_ID, utf8('some fragments'))).id
    const folder = (await fs.lookup(ROOT_ID, utf8('folder'))).id
    const refused = async (step: () => unknown): Promise<void> => {
      await expect(Promise.resolve().then(step)).rejects.toMatchObject({ code: 'EROFS' })
    }
    await refused(() => fs.write(caller, file, 0, utf8('x'), { killPriv: false }))
    await refused(() => fs.setattr(caller, file, { size: 0 }))
    await refused(() => fs.fallocate(caller, file, 0, 0, 1_000_000))
    await refused(() => fs.unlink(caller, ROOT_ID, utf8('some fragments')))
    await refused(() => fs.rename(caller, ROOT_ID, utf8('small'), ROOT_ID, utf8('some fragments'), 0))
    await refused(() => fs.create(caller, folder, utf8('x'), { mode: 0o600, umask: 0 }))
    await refused(() => fs.rename(caller, ROOT_ID, utf8('small'), folder, utf8('x'), 0))
    await refused(() => fs.rename(caller, folder, utf8('deeper'), ROOT_ID, utf8('z'), 0))
    await fs.close()
    expect(space.pointers.history).toHaveLength(before)
  })

  test('not critical: it is carried along when the object changes', async () => {
    const space = await victim()
    const forger = await Forger.of(space)
    await forger.properties(forger.ref('small'), { ext: new Map(other) })
    await forger.file(forger.ref('small'), { ext: new Map(other) })
    await forger.directory(forger.ref('folder'), { ext: new Map(other) })
    const fs = await space.open()
    const id = async (...names: string[]): Promise<NodeId> => {
      let at: NodeId = ROOT_ID
      for (const name of names) at = (await fs.lookup(at, utf8(name))).id
      return at
    }
    await fs.write(caller, await id('small'), 100, utf8('more'), { killPriv: false })
    await fs.setattr(caller, await id('small'), { mode: 0o600 })
    await fs.create(caller, await id('folder'), utf8('new'), { mode: 0o600, umask: 0 })
    await fs.close()
    const after = await Forger.of(space)
    expect(after.fileContent(after.ref('small')).ext).toEqual(new Map(other))
    expect(after.directoryContent(after.ref('folder')).ext).toEqual(new Map(other))
    expect((await space.check()).problems).toEqual([])
  })
})
