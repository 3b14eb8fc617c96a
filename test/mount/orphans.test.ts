import { execFileSync } from 'node:child_process'
import { closeSync, fsyncSync, openSync, unlinkSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, describe, expect, test } from 'vitest'
import type { CheckReport } from '../../src/vfs/check-report.js'
import { MountedSpace, shell, whyNoMount } from '../support/mounted-space.js'

const BROCH = fileURLToPath(new URL('../../bin/broch', import.meta.url))
const reason = whyNoMount()

describe.skipIf(reason !== undefined)(`a file that was deleted and open when the program was killed${reason === undefined ? '' : ` (skipped: ${reason})`}`, () => {
  const space = new MountedSpace()
  afterAll(() => space.dispose())

  function fsck(...args: string[]): CheckReport {
    const env = { ...process.env, BROCH_HOME: join(space.home, 'broch') }
    return JSON.parse(execFileSync(process.execPath, [BROCH, 'fsck', '--json', ...args, '--passfile', join(space.home, 'pass')], { env, encoding: 'utf8' })) as CheckReport
  }

  test('is freed at the next start', async () => {
    await space.mount()
    await shell(space, 'echo kept > $M/kept')
    const path = join(space.dir, 'large')
    const fd = openSync(path, 'w')
    for (let i = 0; i < 8; i++) writeSync(fd, Buffer.alloc(1024 * 1024, i))
    fsyncSync(fd)
    unlinkSync(path)
    writeSync(fd, 'more')
    fsyncSync(fd)
    await space.kill9()
    try {
      closeSync(fd)
    } catch {
      // its filesystem is gone
    }
    expect(fsck()).toMatchObject({ sound: true, counts: { deleted: 1, entries: 1 } })
    await space.mount()
    expect(await shell(space, 'ls $M; cat $M/kept')).toBe('kept\nkept')
    expect(await space.stop()).toBe(0)
    expect(fsck()).toMatchObject({ sound: true, problems: [], counts: { deleted: 0, files: 1, entries: 1 } })
  })
  test('and so is what it wrote and did not sync, when fsck is asked to', async () => {
    await space.mount()
    const fd = openSync(join(space.dir, 'large'), 'w')
    for (let i = 0; i < 40; i++) writeSync(fd, Buffer.alloc(1024 * 1024, i))
    await space.kill9()
    try {
      closeSync(fd)
    } catch {
      // its filesystem is gone
    }
    await space.mount()
    await space.stop()
    expect(fsck('--free')).toMatchObject({ sound: true })
    expect(fsck()).toMatchObject({ sound: true, problems: [] })
    await space.mount()
    expect(await shell(space, 'cat $M/kept')).toBe('kept')
    expect(await space.stop()).toBe(0)
  })
})
