import { createHash, createCipheriv } from 'node:crypto'
import fs from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { MountedSpace, whyNoMount } from '../support/mounted-space.js'

const reason = whyNoMount()
if (reason !== undefined) console.log(`skipped: large files and directories: ${reason}`)
/** BROCH_LARGE=1 does all of it: 8 GiB, 200,000 entries, 100,000 files. */
const FULL = process.env['BROCH_LARGE'] === '1'
const FILE_BYTES = FULL ? 8 * 2 ** 30 : 2 ** 29
const ENTRIES = FULL ? 200_000 : 20_000
const FILES = FULL ? 100_000 : 10_000
const MAX_RSS_KIB = 400 * 1024
const PIECE = 4 * 1024 * 1024

/** Peak resident memory of the program that serves the mount, in KiB. */
function peak(space: MountedSpace): number {
  return Number(/VmHWM:\s+(\d+)/.exec(fs.readFileSync(`/proc/${space.pid}/status`, 'latin1'))?.[1])
}

function seconds(action: () => void): number {
  const start = performance.now()
  action()
  return (performance.now() - start) / 1000
}

describe.skipIf(reason !== undefined)('large things', { timeout: 1_200_000 }, () => {
  const space = new MountedSpace()
  beforeAll(() => space.mount())
  afterAll(() => space.dispose())

  /** A new process, with nothing cached in it. */
  async function anew(): Promise<void> {
    expect(await space.stop()).toBe(0)
    await space.mount()
  }

  test(`a file of ${FILE_BYTES} bytes comes back as it was written`, async () => {
    const path = join(space.dir, 'big')
    const noise = createCipheriv('aes-128-ctr', Buffer.alloc(16), Buffer.alloc(16))
    const zeros = Buffer.alloc(PIECE)
    const written = createHash('sha256')
    const out = fs.openSync(path, 'w')
    for (let at = 0; at < FILE_BYTES; at += PIECE) {
      const piece = noise.update(zeros)
      written.update(piece)
      fs.writeSync(out, piece)
    }
    fs.fsyncSync(out)
    fs.closeSync(out)
    expect(peak(space)).toBeLessThan(MAX_RSS_KIB)
    await anew()
    const read = createHash('sha256')
    const back = fs.openSync(path, 'r')
    for (let length = fs.readSync(back, zeros); length > 0; length = fs.readSync(back, zeros)) read.update(zeros.subarray(0, length))
    fs.closeSync(back)
    expect(read.digest('hex')).toBe(written.digest('hex'))
    expect(peak(space)).toBeLessThan(MAX_RSS_KIB)
    fs.unlinkSync(path)
  })

  test('a sparse file of 2^53 - 1 bytes costs nothing', () => {
    const path = join(space.dir, 'sparse')
    fs.writeFileSync(path, 'begin')
    fs.truncateSync(path, Number.MAX_SAFE_INTEGER)
    const file = fs.openSync(path, 'r+')
    fs.writeSync(file, Buffer.from('end'), 0, 3, Number.MAX_SAFE_INTEGER - 3)
    fs.fsyncSync(file)
    const tail = Buffer.alloc(8)
    expect(fs.readSync(file, tail, 0, 8, Number.MAX_SAFE_INTEGER - 8)).toBe(8)
    expect(tail.toString('latin1')).toBe('\0\0\0\0\0end')
    fs.closeSync(file)
    const stat = fs.statSync(path)
    expect(stat.size).toBe(Number.MAX_SAFE_INTEGER)
    expect(stat.blocks * 512).toBeLessThan(1024 * 1024)
    fs.truncateSync(path, 3)
    expect(fs.readFileSync(path, 'latin1')).toBe('beg')
    expect(peak(space)).toBeLessThan(MAX_RSS_KIB)
  })

  test(`a directory of ${ENTRIES} entries is made, listed, looked up and deleted, in time that grows with their number`, async () => {
    const small = await lifeOf(ENTRIES / 4, 'quarter')
    const large = await lifeOf(ENTRIES, 'whole')
    console.log(`directory of ${ENTRIES / 4} and ${ENTRIES} entries, seconds: ${JSON.stringify({ small, large })}, peak ${peak(space)} KiB`)
    expect(peak(space)).toBeLessThan(MAX_RSS_KIB)
  })

  async function lifeOf(count: number, name: string) {
    const dir = join(space.dir, name)
    fs.mkdirSync(dir)
    const make = seconds(() => {
      for (let i = 0; i < count; i++) fs.closeSync(fs.openSync(join(dir, `entry-${i}`), 'wx'))
    })
    await anew()
    let found: string[] = []
    const list = seconds(() => {
      found = fs.readdirSync(dir)
    })
    expect(new Set(found).size).toBe(count)
    const look = seconds(() => {
      for (let i = 0; i < count; i++) if (fs.statSync(join(dir, `entry-${i}`)).size !== 0) throw new Error(`entry ${i}`)
    })
    const remove = seconds(() => {
      for (const entry of found) fs.unlinkSync(join(dir, entry))
      fs.rmdirSync(dir)
    })
    return { make, list, look, remove }
  }

  test(`${FILES} files are copied in, and are there afterwards`, async () => {
    const dir = join(space.dir, 'files')
    const source = join(space.home, 'source')
    fs.writeFileSync(source, Buffer.alloc(4096, 'broch'))
    for (let i = 0; i < FILES; i++) {
      const folder = join(dir, String(i >> 10))
      if ((i & 1023) === 0) fs.mkdirSync(folder, { recursive: true })
      fs.copyFileSync(source, join(folder, `f${i}`))
    }
    expect(peak(space)).toBeLessThan(MAX_RSS_KIB)
    await anew()
    const wanted = fs.readFileSync(source)
    for (let i = 0; i < FILES; i++) expect(fs.readFileSync(join(dir, String(i >> 10), `f${i}`)).equals(wanted)).toBe(true)
    expect(peak(space)).toBeLessThan(MAX_RSS_KIB)
  })
})
