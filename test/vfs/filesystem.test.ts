import { describe, expect, test } from 'vitest'
import { utf8 } from '../../src/lib/bytes.js'
import { MemoryBlockStore } from '../../src/store/memory-block-store.js'
import type { BrochFilesystem } from '../../src/vfs/broch-filesystem.js'
import { FALLOC_KEEP_SIZE, FALLOC_PUNCH_HOLE, type NodeId, RENAME_EXCHANGE, ROOT_ID } from '../../src/vfs/filesystem.js'
import { testSpace } from '../support/space.js'

const root = { uid: 0, gid: 0, pid: 1 }
const options = { mode: 0o644, umask: 0o022 }
const plain = { killPriv: false }

async function writeFile(fs: BrochFilesystem, name: string, data: Uint8Array, parent: NodeId = ROOT_ID) {
  const { id } = await fs.create(root, parent, utf8(name), options)
  await fs.write(root, id, 0, data, plain)
  return id
}

async function readFile(fs: BrochFilesystem, name: string, parent: NodeId = ROOT_ID): Promise<Uint8Array> {
  const { id, attr } = await fs.lookup(parent, utf8(name))
  const bytes = (await fs.read(id, 0, attr.size)).slice()
  return bytes
}

async function names(fs: BrochFilesystem, id: NodeId = ROOT_ID): Promise<string[]> {
  const found: string[] = []
  await fs.readdir(id, 0, (entry) => found.push(new TextDecoder().decode(entry.name)) > 0)
  return found.sort()
}

function pattern(length: number, seed = 1): Uint8Array {
  const bytes = new Uint8Array(length)
  for (let i = 0, x = seed; i < length; i++) {
    x = (x * 1103515245 + 12345) % 2147483648
    bytes[i] = x >> 16
  }
  return bytes
}

describe('a space on the memory store', () => {
  test.each([0, 1, 4096, 32_768, 32_769, 262_144, 262_145, 5_242_880, 12_000_001])('keeps a file of %d bytes over a reopening', async (size) => {
    const space = testSpace()
    const data = pattern(size)
    const fs = await space.open()
    await writeFile(fs, 'f', data)
    expect(Buffer.compare(await readFile(fs, 'f'), data)).toBe(0)
    await fs.commit()
    expect(Buffer.compare(await readFile(fs, 'f'), data)).toBe(0)
    expect(Buffer.compare(await readFile(await space.open(), 'f'), data)).toBe(0)
  })

  test('grows and shrinks a directory of 3,000 entries', async () => {
    const space = testSpace()
    const fs = await space.open()
    for (let i = 0; i < 3000; i++) await writeFile(fs, `file-${i}`, utf8(String(i)))
    await fs.commit()
    const again = await space.open()
    expect(await names(again)).toHaveLength(3002)
    expect(new TextDecoder().decode(await readFile(again, 'file-2999'))).toBe('2999')
    for (let i = 0; i < 2990; i++) await again.unlink(root, ROOT_ID, utf8(`file-${i}`))
    await again.commit()
    expect(await names(await space.open())).toHaveLength(12)
  })

  test('leaves only an empty root when everything is deleted', async () => {
    const blocks = new MemoryBlockStore()
    const space = testSpace({ blocks, pointers: testSpace().pointers })
    const fs = await space.open()
    await fs.commit()
    const before = (await blocks.usage()).blocks
    await writeFile(fs, 'big', pattern(30_000_000))
    for (let i = 0; i < 500; i++) await writeFile(fs, `n${i}`, pattern(100))
    await fs.commit()
    for (const name of await names(fs)) {
      if (name.startsWith('.')) continue
      const { id } = await fs.lookup(ROOT_ID, utf8(name))
      await fs.unlink(root, ROOT_ID, utf8(name))
      fs.forget(id, 2)
    }
    for (let i = 0; i < 3; i++) await fs.commit()
    expect((await blocks.usage()).blocks).toBe(before)
  })

  test('an unlinked open file lives on, over commits', async () => {
    const space = testSpace()
    const fs = await space.open()
    const data = pattern(400_000)
    const { id } = await fs.create(root, ROOT_ID, utf8('f'), options)
    await fs.write(root, id, 0, data, plain)
    await fs.commit()
    await fs.unlink(root, ROOT_ID, utf8('f'))
    await fs.commit()
    expect(Buffer.compare(await fs.read(id, 0, 400_000), data)).toBe(0)
    fs.forget(id, 1)
    await fs.commit()
    expect(await names(await space.open())).toEqual(['.', '..'])
  })

  test('holes read as zeros, and punching makes them', async () => {
    const space = testSpace()
    const fs = await space.open()
    const { id } = await fs.create(root, ROOT_ID, utf8('sparse'), options)
    await fs.write(root, id, 9_007_199_254_000_000, utf8('end'), plain)
    await fs.write(root, id, 1_000_000, pattern(600_000), plain)
    await fs.commit()
    expect(await fs.lseek(id, 0, 3)).toBe(786_432)
    await fs.fallocate(root, id, FALLOC_PUNCH_HOLE | FALLOC_KEEP_SIZE, 1_000_000, 600_000)
    await fs.commit()
    expect((await fs.read(id, 1_000_000, 600_000)).some((byte) => byte !== 0)).toBe(false)
    expect(new TextDecoder().decode(await fs.read(id, 9_007_199_254_000_000, 10))).toBe('end')
  })

  test('a shortened and then lengthened file has zeros, not old bytes', async () => {
    const space = testSpace()
    const fs = await space.open()
    const id = await writeFile(fs, 'f', pattern(700_000))
    await fs.commit()
    await fs.setattr(root, id, { size: 300_001 })
    await fs.setattr(root, id, { size: 700_000 })
    await fs.commit()
    const bytes = await readFile(await space.open(), 'f')
    expect(Buffer.compare(bytes.subarray(0, 300_001), pattern(700_000).subarray(0, 300_001))).toBe(0)
    expect(bytes.subarray(300_001).some((byte) => byte !== 0)).toBe(false)
  })

  test('renames over, exchanges, and counts links', async () => {
    const space = testSpace()
    const fs = await space.open()
    const a = await writeFile(fs, 'a', utf8('a'))
    await writeFile(fs, 'b', utf8('b'))
    const dir = await fs.mkdir(root, ROOT_ID, utf8('d'), { mode: 0o755, umask: 0 })
    await fs.link(root, a, dir.id, utf8('a2'))
    expect((await fs.getattr(a)).nlink).toBe(2)
    await fs.rename(root, ROOT_ID, utf8('a'), ROOT_ID, utf8('b'), 0)
    await fs.rename(root, ROOT_ID, utf8('d'), ROOT_ID, utf8('b'), RENAME_EXCHANGE)
    await fs.commit()
    const again = await space.open()
    expect(await names(again)).toEqual(['.', '..', 'b', 'd'])
    expect(new TextDecoder().decode(await readFile(again, 'd'))).toBe('a')
    expect((await again.getattr(ROOT_ID)).nlink).toBe(3)
    const b = await again.lookup(ROOT_ID, utf8('b'))
    expect(await names(again, b.id)).toEqual(['.', '..', 'a2'])
  })

  test('keeps an atime that alone changed when it is closed, and makes no commit of it before', async () => {
    const space = testSpace()
    const fs = await space.open()
    const id = await writeFile(fs, 'f', pattern(10))
    await fs.commit()
    const before = (await fs.getattr(id)).atime
    await fs.read(id, 0, 10)
    const { atime } = await fs.getattr(id)
    expect(atime).not.toEqual(before)
    await fs.commit()
    expect((await (await space.open()).lookup(ROOT_ID, utf8('f'))).attr.atime).toEqual(before)
    await fs.close()
    expect((await (await space.open()).lookup(ROOT_ID, utf8('f'))).attr.atime).toEqual(atime)
  })
})
