import { describe, expect, test } from 'vitest'
import { utf8 } from '../../src/lib/bytes.js'
import type { SignedPointer } from '../../src/store/pointer.js'
import { type NodeId, ROOT_ID } from '../../src/vfs/filesystem.js'
import { Generations } from '../../src/vfs/generations.js'
import { testSpace } from '../support/space.js'

const caller = { uid: 0, gid: 0, pid: 1 }
const options = { mode: 0o644, umask: 0 }
const bytesOf = (i: number): Uint8Array => utf8(`contents of ${i}`)

describe('generations', () => {
  test('give up what was not used for a whole one, once', () => {
    const gone: number[] = []
    const lately = new Generations<number>(4, (item) => gone.push(item))
    for (let i = 0; i < 9; i++) {
      lately.use(0)
      lately.use(i)
    }
    expect(gone).not.toContain(0)
    expect(gone).toEqual([...new Set(gone)])
    expect(gone).toEqual([1, 2, 3, 4, 5, 6])
  })
})

describe('a bounded memory', () => {
  test('does not let go of what a commit under way has captured', async () => {
    const space = testSpace()
    let letGo: () => void = () => undefined
    const gate = new Promise<void>((resolve) => (letGo = resolve))
    const swap = space.pointers.swap.bind(space.pointers)
    const fs = await space.open({ maxDirtyInodes: 1e9 })
    await fs.commit()
    space.pointers.swap = async (pointers: readonly SignedPointer[]) => gate.then(() => swap(pointers))
    const count = 3000
    for (let i = 0; i < count; i++) {
      const { id } = await fs.create(caller, ROOT_ID, utf8(`f${i}`), options)
      await fs.write(caller, id, 0, bytesOf(i), { killPriv: false })
      fs.forget(id, 1)
    }
    const committed = fs.commit()
    for (let round = 0; round < 2; round++) {
      for (let i = 0; i < count; i++) {
        const { id, attr } = await fs.lookup(ROOT_ID, utf8(`f${i}`))
        expect((await fs.read(id, 0, attr.size)).slice()).toEqual(bytesOf(i))
        fs.forget(id, 1)
      }
      letGo()
      await committed
    }
  })

  test('finds an inode again by its number when it was not asked for lately', async () => {
    const fs = await testSpace().open()
    const ids: NodeId[] = []
    const count = 40_000
    for (let i = 0; i < count; i++) ids.push((await fs.create(caller, ROOT_ID, utf8(`f${i}`), options)).id)
    await fs.setattr(caller, ids[0] as NodeId, { mode: 0o600, size: 77 })
    await fs.commit()
    for (const id of ids) await fs.getattr(id)
    expect(await fs.getattr(ids[0] as NodeId)).toMatchObject({ mode: 0o100600, size: 77, nlink: 1 })
    expect((await fs.lookup(ROOT_ID, utf8('f0'))).id).toBe(ids[0])
    await fs.unlink(caller, ROOT_ID, utf8('f1'))
    expect(await fs.getattr(ids[1] as NodeId)).toMatchObject({ nlink: 0 })
    fs.forget(ids[2] as NodeId, 1)
    expect((await fs.lookup(ROOT_ID, utf8('f2'))).attr.nlink).toBe(1)
  })
})
