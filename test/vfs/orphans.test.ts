import { describe, expect, test } from 'vitest'
import { utf8 } from '../../src/lib/bytes.js'
import { type NodeId, ROOT_ID } from '../../src/vfs/filesystem.js'
import { testSpace } from '../support/space.js'

const caller = { uid: 0, gid: 0, pid: 1 }
const plain = { mode: 0o644, umask: 0 }

/** A space whose program ended while these were open and had no name. */
async function abandoned() {
  const space = testSpace()
  const fs = await space.open()
  await fs.commit()
  const { blocks: empty } = await space.blocks.usage()
  const large = (await fs.create(caller, ROOT_ID, utf8('large'), plain)).id
  await fs.write(caller, large, 6_000_000, utf8('end'), { killPriv: false })
  const folder = (await fs.mkdir(caller, ROOT_ID, utf8('folder'), { mode: 0o755, umask: 0 })).id
  await fs.commit()
  await fs.tmpfile(caller, ROOT_ID, plain) // never written, so in no commit
  const never = (await fs.create(caller, ROOT_ID, utf8('never'), plain)).id
  for (const name of ['large', 'never']) await fs.unlink(caller, ROOT_ID, utf8(name))
  await fs.rmdir(caller, ROOT_ID, utf8('folder'))
  await fs.write(caller, large, 0, utf8('written after its name went'), { killPriv: false })
  await fs.write(caller, never, 0, utf8('x'), { killPriv: false })
  await fs.commit()
  return { space, fs, empty, large, folder }
}

describe('objects without a name', () => {
  test('are kept while they are open, and listed', async () => {
    const { space, fs, large } = await abandoned()
    expect(new TextDecoder().decode(await fs.read(large, 6_000_000, 10))).toBe('end')
    expect(await space.check()).toMatchObject({ problems: [], counts: { deleted: 3 } })
  })

  test('are freed at the next start when the program ended before they were closed', async () => {
    const { space, empty } = await abandoned()
    const again = await space.open()
    await again.close()
    expect(await space.check()).toMatchObject({ problems: [], counts: { deleted: 0, entries: 0 } })
    expect((await space.blocks.usage()).blocks).toBe(empty)
  })

  test('are left alone by a start that may not write', async () => {
    const { space } = await abandoned()
    await (await space.open({ readOnly: true })).close()
    expect(await space.check()).toMatchObject({ problems: [], counts: { deleted: 3 } })
  })

  test('are no longer listed once they are closed, or have a name again', async () => {
    const { space, fs, large, folder } = await abandoned()
    await fs.link(caller, large, ROOT_ID, utf8('named again'))
    fs.forget(folder, 1)
    await fs.commit()
    expect(await space.check()).toMatchObject({ problems: [], counts: { deleted: 1 } })
    await (await space.open()).close()
    const report = await space.check()
    expect(report).toMatchObject({ problems: [], counts: { deleted: 0, files: 1 } })
    const last = await space.open()
    const { id } = await last.lookup(ROOT_ID, utf8('named again'))
    expect((await last.getattr(id satisfies NodeId)).size).toBe(6_000_003)
  })
})
