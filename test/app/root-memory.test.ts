import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeEach, describe, expect, test } from 'vitest'
import { createSpace, openSpace } from '../../src/app/embedded-space.node.js'
import { utf8 } from '../../src/lib/bytes.js'
import { ROOT_ID } from '../../src/vfs/filesystem.js'

const scratch = mkdtempSync(join(tmpdir(), 'broch-seen-'))
afterAll(() => {
  rmSync(scratch, { recursive: true })
})
const passphrase = utf8('correct horse')
const caller = { uid: 0, gid: 0, pid: 1 }
let count = 0
let dir: string
let seen: string

async function makeDirectory(name: string, at = dir): Promise<void> {
  const space = await openSpace(at, passphrase, { seen })
  await space.fs.mkdir(caller, ROOT_ID, utf8(name), { mode: 0o755, umask: 0 })
  await space.close()
}

function copyTo(name: string): string {
  const copy = join(scratch, `${name}-${count}`)
  cpSync(dir, copy, { recursive: true })
  return copy
}

describe('what this device saw of a space', () => {
  beforeEach(async () => {
    count++
    dir = join(scratch, `store-${count}`)
    seen = join(scratch, `seen-${count}`)
    await createSpace(dir, passphrase, seen)
  })

  test('tells an older copy of the store, changes nothing in it, and takes it when told to', async () => {
    const old = copyTo('old')
    await makeDirectory('one')
    await expect(openSpace(old, passphrase, { seen })).rejects.toMatchObject({ code: 'ROLLED_BACK', message: expect.stringContaining('update 1, but 2') as string })
    await expect(openSpace(old, passphrase, { seen, readOnly: true })).rejects.toMatchObject({ code: 'ROLLED_BACK' })
    const space = await openSpace(old, passphrase, { seen, acceptRollback: true })
    await space.close()
    await makeDirectory('other', old) // the older state is what is seen now
  })

  test('tells another history of the same length', async () => {
    const fork = copyTo('fork')
    await makeDirectory('here')
    const own = seen
    seen = `${seen}-elsewhere`
    await makeDirectory('there', fork)
    seen = own
    await expect(openSpace(fork, passphrase, { seen })).rejects.toMatchObject({ code: 'ROLLED_BACK', message: expect.stringContaining('another update 2') as string })
    await (await openSpace(dir, passphrase, { seen })).close()
  })

  test('believes no note but its own', async () => {
    const old = copyTo('old')
    const path = join(seen, readdirSync(seen)[0] as string)
    const early = readFileSync(path)
    await makeDirectory('one')
    const late = readFileSync(path)
    expect(late.equals(early)).toBe(false)
    for (const at of [0, 15, 20, 60, late.length - 1]) {
      const forged = Uint8Array.from(late)
      forged[at] = (forged[at] as number) ^ 1
      writeFileSync(path, forged)
      await expect(openSpace(dir, passphrase, { seen })).rejects.toMatchObject({ code: 'ROLLED_BACK', message: expect.stringContaining('damaged') as string })
    }
    writeFileSync(path, late.subarray(0, 40))
    await expect(openSpace(old, passphrase, { seen })).rejects.toMatchObject({ code: 'ROLLED_BACK' })
    await (await openSpace(dir, passphrase, { seen, acceptRollback: true })).close()
    expect(readFileSync(path).equals(late)).toBe(true)
  })

  test('a newer store than the one seen is taken, and a store never seen too', async () => {
    const own = seen
    seen = `${seen}-elsewhere`
    await makeDirectory('one')
    seen = own
    await makeDirectory('two')
  })
})
