import { describe, expect, test } from 'vitest'
import { utf8 } from '../../src/lib/bytes.js'
import { MemoryBlockStore } from '../../src/store/memory-block-store.js'
import { Errno } from '../../src/vfs/errno.js'
import { ROOT_ID } from '../../src/vfs/filesystem.js'
import { testSpace } from '../support/space.js'

const caller = { uid: 0, gid: 0, pid: 1 }
const options = { mode: 0o644, umask: 0 }
const MIB = 1024 * 1024

/** Writes files of 1 MiB until one is refused; gives how many were taken, and the refusal. */
async function fill(fs: Awaited<ReturnType<ReturnType<typeof testSpace>['open']>>) {
  const data = new Uint8Array(MIB).fill(7)
  for (let i = 0; ; i++) {
    try {
      const { id } = await fs.create(caller, ROOT_ID, utf8(`f${i}`), options)
      await fs.write(caller, id, 0, data, { killPriv: false })
    } catch (error) {
      return { count: i, error }
    }
  }
}

describe('a store that fills up', () => {
  const small = () => testSpace({ blocks: new MemoryBlockStore({ totalBytes: 64 * MIB }), pointers: testSpace().pointers })

  test('refuses the write that does not fit, and keeps what it acknowledged', async () => {
    const space = small()
    const fs = await space.open({ maxDirtyBytes: 8 * MIB })
    const { count, error } = await fill(fs)
    expect(error).toBeInstanceOf(Errno)
    expect((error as Errno).code).toBe('ENOSPC')
    expect(count).toBeGreaterThan(40)
    await fs.commit()
    const again = await space.open()
    for (let i = 0; i < count; i++) {
      const { id, attr } = await again.lookup(ROOT_ID, utf8(`f${i}`))
      expect(attr.size).toBe(MIB)
      expect((await again.read(id, 0, MIB)).every((byte) => byte === 7)).toBe(true)
    }
  })

  test('can be deleted from, and then written to', async () => {
    const fs = await small().open({ maxDirtyBytes: 8 * MIB })
    const { count } = await fill(fs)
    for (let i = 0; i < count; i += 2) {
      const { id } = await fs.lookup(ROOT_ID, utf8(`f${i}`))
      await fs.unlink(caller, ROOT_ID, utf8(`f${i}`))
      fs.forget(id, 2)
    }
    await fs.commit()
    expect((await fs.statfs()).blocksAvailable * 4096).toBeGreaterThan(20 * MIB)
    const { id } = await fs.create(caller, ROOT_ID, utf8('again'), options)
    expect(await fs.write(caller, id, 0, new Uint8Array(4 * MIB), { killPriv: false })).toBe(4 * MIB)
  })

  test('refuses to allocate more than there is', async () => {
    const fs = await small().open()
    const { id } = await fs.create(caller, ROOT_ID, utf8('f'), options)
    await expect(fs.fallocate(caller, id, 0, 0, 100 * MIB)).rejects.toMatchObject({ code: 'ENOSPC' })
    expect((await fs.getattr(id)).size).toBe(0)
  })
})
