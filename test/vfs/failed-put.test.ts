import { expect, test } from 'vitest'
import { utf8 } from '../../src/lib/bytes.js'
import { BrochError } from '../../src/lib/error.js'
import { MemoryBlockStore } from '../../src/store/memory-block-store.js'
import { MemoryPointerStore } from '../../src/store/memory-pointer-store.js'
import { sodiumCrypto as crypto } from '../../src/crypto/sodium.node.js'
import { ROOT_ID } from '../../src/vfs/filesystem.js'
import { testSpace } from '../support/space.js'

const root = { uid: 0, gid: 0, pid: 1 }

/** Refuses what it is given after `onPut` was told, while there is one. */
class FullStore extends MemoryBlockStore {
  onPut: (() => Promise<void>) | undefined

  override async putMany(blocks: Parameters<MemoryBlockStore['putMany']>[0]): Promise<void> {
    if (this.onPut === undefined) return super.putMany(blocks)
    await this.onPut()
    throw new BrochError('NO_SPACE', 'full')
  }
}

test('a file cut while the store refuses its fragments is whole once the store takes them', async () => {
  const blocks = new FullStore()
  const space = testSpace({ blocks, pointers: new MemoryPointerStore(crypto) })
  const fs = await space.open()
  const { id } = await fs.create(root, ROOT_ID, utf8('f'), { mode: 0o644, umask: 0 })
  await fs.commit()
  const data = new Uint8Array(300_000).map((_, i) => i % 251)
  await fs.write(root, id, 0, data, { killPriv: false })
  blocks.onPut = async () => {
    await fs.setattr(root, id, { size: 100_000 })
  }
  await expect(fs.commit()).rejects.toThrow('full')
  blocks.onPut = undefined
  await fs.commit()
  const again = await space.open()
  const found = await again.lookup(ROOT_ID, utf8('f'))
  expect(Buffer.compare(await again.read(found.id, 0, 300_000), data.subarray(0, 100_000))).toBe(0)
  expect(fs.dirty).toEqual({ bytes: 0, inodes: 0 })
})

test('a large write that the store refuses leaves what was there, also when the file is cut meanwhile', async () => {
  const blocks = new FullStore()
  const space = testSpace({ blocks, pointers: new MemoryPointerStore(crypto) })
  const fs = await space.open()
  const { id } = await fs.create(root, ROOT_ID, utf8('f'), { mode: 0o644, umask: 0 })
  const before = new Uint8Array(6 * 1024 * 1024).fill(1)
  await fs.write(root, id, 0, before, { killPriv: false })
  await fs.commit()
  const cut = 4 * 1024 * 1024 + 1000
  blocks.onPut = async () => {
    blocks.onPut = () => Promise.resolve()
    await fs.setattr(root, id, { size: cut })
  }
  await expect((async () => fs.write(root, id, 4 * 1024 * 1024, new Uint8Array(1024 * 1024).fill(2), { killPriv: false }))()).rejects.toThrow()
  blocks.onPut = undefined
  await fs.commit()
  const again = await space.open()
  const found = await again.lookup(ROOT_ID, utf8('f'))
  expect(found.attr.size).toBeGreaterThanOrEqual(cut)
  expect(Buffer.compare(await again.read(found.id, 0, cut), before.subarray(0, cut))).toBe(0)
})
