import { appendFileSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, truncateSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import { sodiumCrypto as crypto } from '../../../src/crypto/sodium.node.js'
import { utf8 } from '../../../src/lib/bytes.js'
import { EmbeddedStore } from '../../../src/store/embedded/embedded-store.node.js'
import { ROOT_ID } from '../../../src/vfs/filesystem.js'
import { blockStoreContract } from '../../contract/block-store.js'
import { blockOf } from '../../support/blocks.js'
import { pointerStoreContract } from '../../contract/pointer-store.js'
import { testSpace } from '../../support/space.js'

const scratch = mkdtempSync(join(tmpdir(), 'broch-store-'))
afterAll(() => rmSync(scratch, { recursive: true }))
let count = 0
const folder = () => join(scratch, String(count++))

blockStoreContract('embedded', async () => EmbeddedStore.open({ dir: folder(), crypto, create: true }))
pointerStoreContract('embedded', async (given) => ({ store: EmbeddedStore.open({ dir: folder(), crypto: given, create: true }) }))

const caller = { uid: 0, gid: 0, pid: 1 }

describe('the embedded store', () => {
  test('cut anywhere in its last commit, opens with the one before', async () => {
    const dir = folder()
    let store = EmbeddedStore.open({ dir, crypto, create: true })
    const [segment] = [() => join(dir, 'segments', readdirSync(join(dir, 'segments'))[0] as string)]
    const space = testSpace({ blocks: store, pointers: store })
    const fs = await space.open()
    await fs.mkdir(caller, ROOT_ID, utf8('first'), { mode: 0o755, umask: 0 })
    await fs.commit()
    const before = statSync(segment()).size
    await fs.mkdir(caller, ROOT_ID, utf8('second'), { mode: 0o755, umask: 0 })
    await fs.commit()
    await store.close()
    const whole = readFileSync(segment())
    const at = segment()
    for (let cut = before; cut < whole.length; cut += 97) {
      writeFileSync(at, whole)
      truncateSync(at, cut)
      store = EmbeddedStore.open({ dir, crypto })
      const pointer = await store.get(space.writer)
      expect([1, 2]).toContain(pointer?.sequence)
      expect(store.peek(pointer?.root as never)).toBeDefined()
      await store.close()
    }
  })

  test('drops garbage after its last good record', async () => {
    const dir = folder()
    let store = EmbeddedStore.open({ dir, crypto, create: true })
    await store.putMany([blockOf(1)])
    await store.close()
    appendFileSync(join(dir, 'segments', readdirSync(join(dir, 'segments'))[0] as string), Buffer.alloc(500, 7))
    store = EmbeddedStore.open({ dir, crypto })
    expect(store.peek(blockOf(1).cid)).toEqual(blockOf(1).bytes)
    await store.putMany([blockOf(2)])
    await store.close()
    store = EmbeddedStore.open({ dir, crypto })
    expect(store.peek(blockOf(2).cid)).toEqual(blockOf(2).bytes)
    await store.close()
  })

  test('tells a second opener who holds it, and refuses a newer format', async () => {
    const dir = folder()
    const store = EmbeddedStore.open({ dir, crypto, create: true })
    expect(() => EmbeddedStore.open({ dir, crypto })).toThrow(`in use by process ${process.pid}`)
    await store.close()
    writeFileSync(join(dir, 'format'), 'broch store 2\n')
    expect(() => EmbeddedStore.open({ dir, crypto })).toThrow('another format')
    expect(() => EmbeddedStore.open({ dir: folder(), crypto })).toThrow('no store')
  })
})
