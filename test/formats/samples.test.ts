/** Stores that earlier programs wrote: each still opens, says the same, and can be written on. */
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { openSpace } from '../../src/app/embedded-space.node.js'
import { utf8 } from '../../src/lib/bytes.js'
import { ROOT_ID } from '../../src/vfs/filesystem.js'
import { type Manifest, manifestOf } from '../support/sample-tree.js'
import { SAMPLE_PASSPHRASE } from './sample.js'

const FOLDER = fileURLToPath(new URL('.', import.meta.url))
/** One for each version that was ever released. */
const VERSIONS = ['v1']
const caller = { uid: 0, gid: 0, pid: 1 }

test('there is a sample of every version, and no other', () => {
  expect(readdirSync(FOLDER).filter((name) => /^v\d+$/.test(name))).toEqual(VERSIONS)
})

describe.each(VERSIONS)('a store of format %s', (version) => {
  const manifest = JSON.parse(readFileSync(join(FOLDER, version, 'manifest.json'), 'utf8')) as Manifest
  let home: string
  let store: string
  let seen: string

  beforeEach(() => {
    home = mkdtempSync(join(tmpdir(), 'broch-format-'))
    store = join(home, 'store')
    seen = join(home, 'seen')
    cpSync(join(FOLDER, version, 'store'), store, { recursive: true })
  })

  afterEach(() => {
    rmSync(home, { recursive: true })
  })

  test('says everything it said when it was made', async () => {
    const space = await openSpace(store, SAMPLE_PASSPHRASE, { seen, readOnly: true, atime: 'noatime' })
    const found = await manifestOf(space.fs)
    await space.close()
    expect(Object.keys(found)).toEqual(Object.keys(manifest))
    for (const [path, entry] of Object.entries(manifest)) expect({ path, ...found[path] }).toEqual({ path, ...entry })
    expect(Object.keys(manifest).length).toBeGreaterThan(180)
  })

  test('can be written on, and the rest stays as it was', async () => {
    const first = await openSpace(store, SAMPLE_PASSPHRASE, { seen, atime: 'noatime' })
    const { id } = await first.fs.lookup(ROOT_ID, utf8('spread'))
    const { id: made } = await first.fs.create(caller, id, utf8('made later'), { mode: 0o600, umask: 0 })
    await first.fs.write(caller, made, 100_000, utf8('new'), { killPriv: false })
    await first.fs.unlink(caller, id, utf8('alone'))
    await first.close()
    const second = await openSpace(store, SAMPLE_PASSPHRASE, { seen, atime: 'noatime' })
    const found = await manifestOf(second.fs)
    await second.close()
    const changed = ['/spread', '/spread/made%20later', '/spread/alone']
    const rest = (all: Manifest) => Object.fromEntries(Object.entries(all).filter(([path]) => !changed.includes(path)))
    expect(rest(found)).toEqual(rest(manifest))
    expect(found['/spread/made%20later']?.size).toBe(100_003)
    expect(found['/spread/alone']).toBeUndefined()
  })
})
