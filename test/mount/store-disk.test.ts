/** The embedded store on real file systems that are full, read-only, or lose their process. */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { cpSync, mkdirSync, mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, describe, expect, test } from 'vitest'
import { sodiumCrypto as crypto } from '../../src/crypto/sodium.node.js'
import { equalBytes, utf8 } from '../../src/lib/bytes.js'
import { EmbeddedStore } from '../../src/store/embedded/embedded-store.node.js'
import type { BrochFilesystem } from '../../src/vfs/broch-filesystem.js'
import { ROOT_ID } from '../../src/vfs/filesystem.js'
import { blockOf, bytesOf } from '../support/blocks.js'
import { testSpace } from '../support/space.js'

const MIB = 1024 * 1024
const scratch = mkdtempSync(join(tmpdir(), 'broch-disk-'))
const mounted: string[] = []
afterAll(() => {
  for (const dir of mounted) spawnSync('umount', ['-l', dir])
  rmSync(scratch, { recursive: true, force: true })
})
let count = 0

function tmpfs(size: string): string {
  const dir = join(scratch, `tmpfs-${count++}`)
  mkdirSync(dir)
  const { status, stderr } = spawnSync('mount', ['-t', 'tmpfs', '-o', `size=${size}`, 'broch-test', dir])
  if (status !== 0) throw new Error(stderr.toString())
  mounted.push(dir)
  return join(dir, 'store')
}

function remount(dir: string, option: 'ro' | 'rw'): void {
  const { status, stderr } = spawnSync('mount', ['-o', `remount,${option}`, join(dir, '..')])
  if (status !== 0) throw new Error(stderr.toString())
}

function bytesIn(dir: string): number {
  return readdirSync(dir, { recursive: true }).reduce((sum: number, name) => {
    const found = statSync(join(dir, String(name)))
    return sum + (found.isFile() ? found.size : 0)
  }, 0)
}

const caller = { uid: 0, gid: 0, pid: 1 }
const options = { mode: 0o644, umask: 0 }

async function writeFile(fs: BrochFilesystem, name: string, bytes: Uint8Array): Promise<void> {
  const { id } = await fs.create(caller, ROOT_ID, utf8(name), options)
  try {
    for (let at = 0; at < bytes.length; at += MIB) await fs.write(caller, id, at, bytes.subarray(at, at + MIB), { killPriv: false })
  } finally {
    fs.forget(id, 1)
  }
}

const isRoot = process.getuid?.() === 0
if (!isRoot) console.log('skipped: full and read-only disks need root (sudo npm test)')

describe.skipIf(!isRoot)('a store on a disk of its own', () => {
  test('full: refuses what does not fit, keeps what was committed, takes deletes, and has room again', async () => {
    const dir = tmpfs('48m')
    let store = EmbeddedStore.open({ dir, crypto, create: true })
    const space = testSpace({ blocks: store, pointers: store })
    let fs = await space.open()
    let kept = 0
    let refused: unknown
    for (; refused === undefined; kept++) {
      try {
        await writeFile(fs, `f${kept}`, bytesOf(kept, 3 * MIB))
        await fs.commit()
      } catch (error) {
        refused = error
      }
    }
    kept--
    expect(refused).toMatchObject({ code: 'ENOSPC' })
    expect(kept).toBeGreaterThan(10)
    await store.close().catch(() => undefined)

    store = EmbeddedStore.open({ dir, crypto })
    fs = await testSpace({ blocks: store, pointers: store }, space).open()
    for (let i = 0; i < kept; i++) {
      const { id, attr } = await fs.lookup(ROOT_ID, utf8(`f${i}`))
      expect(equalBytes(await fs.read(id, 0, attr.size), bytesOf(i, 3 * MIB))).toBe(true)
      fs.forget(id, 1)
    }
    for (let i = 1; i < kept; i++) await fs.unlink(caller, ROOT_ID, utf8(`f${i}`))
    await fs.commit()
    await store.compact()
    await writeFile(fs, 'after', bytesOf(99, 20 * MIB))
    await fs.commit()
    await fs.close()
    await store.close()
  })

  test('read-only: opens, reads, refuses to write', async () => {
    const dir = tmpfs('48m')
    let store = EmbeddedStore.open({ dir, crypto, create: true })
    await store.putMany([blockOf(1)])
    await store.close()
    remount(dir, 'ro')
    store = EmbeddedStore.open({ dir, crypto })
    expect(store.readOnly).toBe(true)
    expect(equalBytes(store.peek(blockOf(1).cid) as Uint8Array, blockOf(1).bytes)).toBe(true)
    await expect(store.putMany([blockOf(2)])).rejects.toMatchObject({ code: 'READ_ONLY' })
    expect(() => {
      store.writeAccount(new Uint8Array(1))
    }).toThrow('reading only')
    const second = EmbeddedStore.open({ dir, crypto })
    await second.close()
    await store.close()
    remount(dir, 'rw')
  })
})

describe('a store whose files are deleted', () => {
  test('shrinks to little more than an empty one', async () => {
    const dir = join(scratch, `shrink-${count++}`)
    const store = EmbeddedStore.open({ dir, crypto, create: true })
    const space = testSpace({ blocks: store, pointers: store })
    const fs = await space.open()
    await fs.commit()
    const empty = bytesIn(dir)
    for (let round = 0; round < 3; round++) {
      for (let i = 0; i < 10; i++) await writeFile(fs, `f${i}`, bytesOf(i + round * 100, 8 * MIB))
      for (let i = 0; i < 500; i++) await writeFile(fs, `small${i}`, bytesOf(i, 2000))
      await fs.commit()
      expect(bytesIn(dir)).toBeGreaterThan(80 * MIB)
      for (let i = 0; i < 10; i++) await fs.unlink(caller, ROOT_ID, utf8(`f${i}`))
      for (let i = 0; i < 500; i++) await fs.unlink(caller, ROOT_ID, utf8(`small${i}`))
      await fs.commit()
      await store.compact()
      expect(bytesIn(dir)).toBeLessThan(empty + 3 * MIB)
    }
    await fs.close()
    await store.close()
  })
})

const WRITER = fileURLToPath(new URL('../support/store-writer.ts', import.meta.url))

async function writeUntilKilled(dir: string, seed: number): Promise<string[]> {
  const child = spawn(process.execPath, ['--import', 'tsx', WRITER, dir, String(seed)], { stdio: ['ignore', 'pipe', 'inherit'] })
  let said = ''
  const ended = once(child, 'close')
  await new Promise<void>((resolve) => {
    child.stdout.on('data', (data: Buffer) => {
      said += data.toString()
      if (said.split('\n').length > 20 + seed * 3) resolve()
    })
    child.once('close', () => {
      resolve()
    })
  })
  child.kill('SIGKILL')
  await ended
  return said.split('\n').slice(0, -1)
}

function holder(dir: string): ChildProcess {
  return spawn(process.execPath, ['--import', 'tsx', WRITER, dir, '1'], { stdio: ['ignore', 'pipe', 'inherit'] })
}

describe('a process with a store', () => {
  test('killed in the middle of writing loses nothing that it was told is kept', async () => {
    const dir = join(scratch, `kill-${count++}`)
    await EmbeddedStore.open({ dir, crypto, create: true }).close()
    const pair = crypto.signKeyPair(new Uint8Array(32).fill(9))
    for (let seed = 0; seed < 4; seed++) {
      const last = (await writeUntilKilled(dir, seed)).at(-1) ?? ''
      const [round, sequence] = last.split(' ').map(Number) as [number, number]
      const store = EmbeddedStore.open({ dir, crypto })
      expect(store.damage).toEqual([])
      expect((await store.get(pair.publicKey))?.sequence).toBeGreaterThanOrEqual(sequence)
      for (let i = 35; i < 40; i++) {
        const { cid, bytes } = blockOf(round * 40 + i, 100 + ((i * 7919 + seed) % 60_000))
        expect(equalBytes(store.peek(cid) ?? new Uint8Array(0), bytes)).toBe(true)
      }
      await store.compact()
      const { bytes } = await store.usage()
      expect(bytesIn(join(dir, 'segments'))).toBeLessThan(bytes * 1.6 + 4 * MIB)
      await store.close()
    }
  })

  test('keeps others out by name, and no longer when it is killed', async () => {
    const dir = join(scratch, `lock-${count++}`)
    await EmbeddedStore.open({ dir, crypto, create: true }).close()
    const child = holder(dir)
    await once(child.stdout as NodeJS.ReadableStream, 'data')
    expect(() => EmbeddedStore.open({ dir, crypto })).toThrow(`in use by process ${child.pid}`)
    expect(() => EmbeddedStore.open({ dir, crypto, readOnly: true })).toThrow(`in use by process ${child.pid}`)
    const ended = once(child, 'close')
    child.kill('SIGKILL')
    await ended
    const results = await Promise.all([1, 2, 3, 4].map(() => takeAndHold(dir)))
    expect(results.filter((result) => result === 'held').length).toBe(1)
    await EmbeddedStore.open({ dir, crypto }).close()
  })

  test('opens a copy without lock, hints and reserve', async () => {
    const dir = join(scratch, `copy-${count++}`)
    const store = EmbeddedStore.open({ dir, crypto, create: true })
    await store.putMany([blockOf(1)])
    await store.close()
    cpSync(dir, `${dir}-2`, { recursive: true })
    for (const name of ['lock', 'hints', 'reserve']) rmSync(join(`${dir}-2`, name), { recursive: true })
    const reader = EmbeddedStore.open({ dir: `${dir}-2`, crypto, readOnly: true })
    expect(reader.peek(blockOf(1).cid)).toBeDefined()
    await reader.close()
    await EmbeddedStore.open({ dir: `${dir}-2`, crypto }).close()
  })
})

/** Opens the store in a process of its own and holds it until all others have tried. */
async function takeAndHold(dir: string): Promise<string> {
  const store = fileURLToPath(new URL('../../src/store/embedded/embedded-store.node.ts', import.meta.url))
  const sodium = fileURLToPath(new URL('../../src/crypto/sodium.node.ts', import.meta.url))
  const script = `
    import { EmbeddedStore } from ${JSON.stringify(store)}
    import { sodiumCrypto as crypto } from ${JSON.stringify(sodium)}
    try {
      EmbeddedStore.open({ dir: ${JSON.stringify(dir)}, crypto })
      console.log('held')
      setInterval(() => undefined, 1000)
    } catch (error) {
      console.log(error.code)
    }`
  const child = spawn(process.execPath, ['--import', 'tsx', '--input-type=module', '-e', script], { stdio: ['ignore', 'pipe', 'inherit'] })
  const [said] = (await once(child.stdout, 'data')) as [Buffer]
  holders.push(child)
  tried++
  if (tried === 4) for (const one of holders) one.kill('SIGKILL')
  await once(child, 'close')
  return said.toString().trim()
}
const holders: ChildProcess[] = []
let tried = 0
