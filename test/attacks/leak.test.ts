import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { deflateRawSync } from 'node:zlib'
import { afterAll, describe, expect, test } from 'vitest'
import { createSpace, openSpace } from '../../src/app/embedded-space.node.js'
import { FRAGMENT_BYTES } from '../../src/cryptree/file-content.js'
import { padme } from '../../src/cryptree/padding.js'
import { sodiumCrypto as crypto } from '../../src/crypto/sodium.node.js'
import { toBinaryString, toHex, utf8 } from '../../src/lib/bytes.js'
import type { BrochFilesystem } from '../../src/vfs/broch-filesystem.js'
import { type NodeId, ROOT_ID } from '../../src/vfs/filesystem.js'
import { HostileBlockStore, HostilePointerStore } from '../support/hostile-store.js'
import { observe, sealedBytes, type SeenNode, shape } from '../support/observer.js'
import { testSpace } from '../support/space.js'

const caller = { uid: 0, gid: 0, pid: 1 }
const CANARY = 'canary-5f0c2d'
const MIB = 1024 * 1024

class Builder {
  readonly #fs: BrochFilesystem

  constructor(fs: BrochFilesystem) {
    this.#fs = fs
  }

  async file(parent: NodeId, name: string, bytes: Uint8Array): Promise<void> {
    const { id } = await this.#fs.create(caller, parent, utf8(name), { mode: 0o644, umask: 0 })
    for (let at = 0; at < bytes.length; at += MIB) await this.#fs.write(caller, id, at, bytes.subarray(at, at + MIB), { killPriv: false })
  }

  async folder(parent: NodeId, name: string): Promise<NodeId> {
    return (await this.#fs.mkdir(caller, parent, utf8(name), { mode: 0o755, umask: 0 })).id
  }
}

type Plan = (build: Builder) => Promise<void>

/** `length` bytes of text that begin with the canary and are the same for the same seed. */
function text(length: number, seed = 0): Uint8Array {
  return utf8(`${CANARY} content ${seed} `.repeat(Math.ceil(length / 20)).slice(0, length))
}

const PLANS: Record<string, Plan> = {
  'many small files': async (build) => {
    for (let i = 0; i < 400; i++) await build.file(ROOT_ID, `${CANARY} name ${i}`, text(8000, i))
  },
  'one large file': (build) => build.file(ROOT_ID, `${CANARY} name`, text(400 * 8000)),
  'a deep tree': async (build) => {
    let at: NodeId = ROOT_ID
    for (let i = 0; i < 60; i++) {
      at = await build.folder(at, `${CANARY} folder ${i}`)
      await build.file(at, `${CANARY} name`, text(8000, i))
    }
  },
  'a wide tree': async (build) => {
    for (let i = 0; i < 60; i++) await build.file(await build.folder(ROOT_ID, `${CANARY} folder ${i}`), `${CANARY} name`, text(8000, i))
  },
  'equal files, twice each': async (build) => {
    for (let i = 0; i < 100; i++) for (const copy of ['a', 'b']) await build.file(ROOT_ID, `${CANARY} ${i} ${copy}`, text(16_000, i))
    for (const copy of ['a', 'b']) await build.file(ROOT_ID, `${CANARY} large ${copy}`, text(2 * MIB))
  },
}

async function seen(plan: Plan): Promise<SeenNode[]> {
  const [blocks, pointers] = [new HostileBlockStore(true), new HostilePointerStore()]
  const fs = await testSpace({ blocks, pointers }).open()
  await plan(new Builder(fs))
  await fs.close()
  return observe(blocks, pointers)
}

describe.each(Object.entries(PLANS))('the folder of %s', (_name, plan) => {
  const dir = mkdtempSync(join(tmpdir(), 'broch-leak-'))
  afterAll(() => rmSync(dir, { recursive: true, force: true }))

  test('has no name, no content, no secret, in no file and no file name', async () => {
    const passphrase = utf8('a pass phrase that is looked for')
    const seen = join(dir, 'seen') // not of the store, and nothing may be in it either
    await createSpace(dir, passphrase, seen)
    const space = await openSpace(dir, passphrase, { seen })
    await plan(new Builder(space.fs))
    await space.close()
    const needles = [CANARY, 'content', 'pass phrase'].flatMap((word) => [
      Buffer.from(word), Buffer.from(word, 'utf16le'), Buffer.from(toHex(utf8(word))), Buffer.from(Buffer.from(word).toString('base64').slice(0, 8)), Buffer.from(crypto.sha256(utf8(word))),
    ])
    for (const entry of readdirSync(dir, { recursive: true })) {
      const path = join(dir, entry.toString())
      expect(path).not.toContain(CANARY)
      if (!statSync(path).isFile()) continue
      const bytes = readFileSync(path)
      for (const needle of needles) expect(bytes.includes(needle), `${needle.toString('latin1')} in ${entry.toString()}`).toBe(false)
    }
  })
})

describe.each(Object.entries(PLANS))('the blocks of %s', (_name, plan) => {
  const nodes = seen(plan)

  test('have sizes of the padding classes alone', async () => {
    for (const { props, content, fragments } of await nodes) {
      for (const part of [props, content]) {
        if (part.length === 0) continue
        expect(part.length - 40).toBeGreaterThanOrEqual(256)
        expect(padme(part.length - 40)).toBe(part.length - 40)
      }
      for (const { length } of fragments) {
        expect(padme(length - 16)).toBe(length - 16)
        expect(length - 16).toBeLessThanOrEqual(FRAGMENT_BYTES)
      }
    }
  })

  test('are all different, share no nonce and no sixteen bytes', async () => {
    const met = new Set<string>()
    let count = 0
    for (const bytes of sealedBytes(await nodes)) {
      for (let at = 0; at + 16 <= bytes.length; at += 16) met.add(toBinaryString(bytes.subarray(at, at + 16)))
      count += Math.floor(bytes.length / 16)
    }
    expect(met.size).toBe(count)
    const all = await nodes
    const nonces = all.flatMap(({ props, content }) => [props, content]).filter(({ length }) => length > 0).map((part) => toBinaryString(part.subarray(0, 24)))
    expect(new Set(nonces).size).toBe(nonces.length)
    expect(new Set(all.map(({ label }) => toBinaryString(label))).size).toBe(all.length)
  })

  test('look like noise: every byte as often as every other, nothing to compress', async () => {
    const bytes = Buffer.concat(sealedBytes(await nodes))
    const counts = new Array<number>(256).fill(0)
    for (const byte of bytes) counts[byte] = (counts[byte] as number) + 1
    const expected = bytes.length / 256
    const chiSquare = counts.reduce((sum, count) => sum + (count - expected) ** 2 / expected, 0)
    expect(chiSquare).toBeLessThan(255 + 6 * Math.sqrt(2 * 255)) // six standard deviations
    expect(deflateRawSync(bytes).length).toBeGreaterThan(bytes.length)
  })

  test('lie under labels that are noise too, whatever they belong to', async () => {
    const labels = (await nodes).map(({ label }) => label)
    let ones = 0
    for (const label of labels) for (const byte of label) ones += byte.toString(2).replaceAll('0', '').length
    const bits = labels.length * 256
    expect(Math.abs(ones - bits / 2)).toBeLessThan(6 * Math.sqrt(bits / 4))
  })
})

describe('two trees that differ in what is not to be seen', () => {
  const same = async (one: Plan, other: Plan): Promise<void> => {
    expect(shape(await seen(one))).toEqual(shape(await seen(other)))
  }
  const files = (count: number, length: number, seed: (i: number) => number, name = (i: number) => `name ${String(i).padStart(4)}`): Plan => async (build) => {
    for (let i = 0; i < count; i++) await build.file(ROOT_ID, name(i), text(length, seed(i)))
  }

  test('look the same: equal contents or different ones', () => same(files(50, 9000, () => 1), files(50, 9000, (i) => i)))
  test('look the same: equal large contents or different ones', () => same(files(2, 700_000, () => 1), files(2, 700_000, (i) => i)))
  test('look the same: zeros or text', () =>
    same(
      (build) => build.file(ROOT_ID, 'x', new Uint8Array(700_000)),
      (build) => build.file(ROOT_ID, 'x', text(700_000)),
    ))
  test('look the same: other names, of the same lengths', () =>
    same(
      files(50, 100, () => 1),
      files(50, 100, () => 1, (i) => `${String(i).padStart(4)} eman`),
    ))
  test('look the same: sizes of one padding class', () => same(files(20, 10_000, () => 1), files(20, 10_100, () => 1)))
  test('look the same: small folders inside each other, or side by side', () => {
    const small = (build: Builder, parent: NodeId) => build.file(parent, 'f', text(10))
    return same(
      async (build) => {
        let at: NodeId = ROOT_ID
        for (let i = 0; i < 2; i++) await small(build, (at = await build.folder(at, 'd')))
      },
      async (build) => {
        for (const name of ['d', 'e']) await small(build, await build.folder(ROOT_ID, name))
      },
    )
  })
  test('do not look the same when the number of objects differs, which is stated', async () => {
    expect(shape(await seen(files(50, 100, () => 1)))).not.toEqual(shape(await seen(files(51, 100, () => 1))))
  })
})

describe('the order of blocks', () => {
  test('tells nothing of the order in which small files were made', async () => {
    const guess = async (largestFirst: boolean): Promise<boolean> => {
      const lengths = Array.from({ length: 12 }, (_, i) => 1000 + 100 * i)
      lengths.splice(largestFirst ? 0 : 12, 0, 20_000)
      const nodes = await seen(async (build) => {
        for (const [i, length] of lengths.entries()) await build.file(ROOT_ID, `name ${i}`, text(length))
      })
      const turns = nodes.toSorted((a, b) => a.turn - b.turn)
      const largest = turns.findIndex(({ content }) => content.length === Math.max(...nodes.map((node) => node.content.length)))
      return largest < turns.length / 2 // the attacker says: it was made first
    }
    let right = 0
    const trials = 200
    for (let i = 0; i < trials; i++) if ((await guess(i % 2 === 0)) === (i % 2 === 0)) right += 1
    // chance is half of them; six standard deviations around it
    expect(Math.abs(right - trials / 2)).toBeLessThan(6 * Math.sqrt(trials / 4))
  })
})
