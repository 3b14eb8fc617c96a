import { closeSync, fstatSync, openSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import type { Filesystem } from '../../src/vfs/filesystem.js'
import { MountHere } from '../support/mount-here.js'
import { whyNoMount } from '../support/mounted-space.js'

const reason = whyNoMount()
if (reason !== undefined) console.log(`skipped: interrupts: ${reason}`)

/** A store that does not answer, behind one operation. */
function stuck(name: 'read' | 'lookup' | 'fsync' | 'statfs') {
  const asked: ((error: Error) => void)[] = []
  const around = (fs: Filesystem): Filesystem => new Proxy(fs, {
    get: (target, key) => {
      if (key === name) return () => new Promise((_resolve, reject) => asked.push(reject))
      const value: unknown = Reflect.get(target, key)
      return typeof value === 'function' ? (value as () => unknown).bind(target) : value
    },
  })
  return { asked, around }
}

describe.skipIf(reason !== undefined)('a program that waits for what does not come', () => {
  let here: MountHere
  beforeEach(() => {
    here = new MountHere()
  })
  afterEach(() => {
    vi.unstubAllEnvs()
    return here.dispose()
  })

  test.each([
    ['read', 'cat $M/f'],
    ['lookup', 'stat $M/other'],
    ['fsync', 'sync $M/f'],
    ['statfs', 'stat -f $M'],
  ] as const)('can be killed while it waits for %s', async (name, command) => {
    await (await here.mount().then(async (m) => (await here.run('head -c 100000 /dev/zero > $M/f'), m))).unmount()
    const { asked, around } = stuck(name)
    const mounted = await here.mount('', {}, around)
    if (name === 'fsync') await here.run('echo x >> $M/f')
    const ended = here.run(`${command} > /dev/null 2>&1 & echo $! > $T/pid; wait $!; echo $?`)
    await expect.poll(() => asked.length).toBeGreaterThan(0)
    await here.run('kill -9 $(cat $T/pid)')
    expect(await ended).toMatch(/137/)
    await mounted.unmount({ force: true }) // the kernel waits for the pages of the read
    await mounted.done
    expect(here.faults).toEqual([])
  })

  test.each(['poll', 'pool'])('an answer that comes when the mount is gone is written nowhere (reader: %s)', async (reader) => {
    vi.stubEnv('BROCH_READER', reader)
    const { asked, around } = stuck('lookup')
    const mounted = await here.mount('', {}, around)
    const ended = here.run('stat $M/a')
    await expect.poll(() => asked.length).toBeGreaterThan(0)
    await mounted.unmount({ force: true })
    await mounted.done
    expect(await ended).toMatch(/not connected|connection abort/)
    // they take the number that the device had
    const files = Array.from({ length: 30 }, (_, i) => openSync(join(here.folder, String(i)), 'w'))
    for (const answer of asked) answer(new Error('late'))
    await new Promise((resolve) => setImmediate(resolve))
    expect(files.map((fd) => fstatSync(fd).size).filter((size) => size > 0)).toEqual([])
    for (const fd of files) closeSync(fd)
  })
})
