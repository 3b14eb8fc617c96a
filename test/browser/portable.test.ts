import { webcrypto } from 'node:crypto'
import { fileURLToPath } from 'node:url'
import { createContext, Script } from 'node:vm'
import { CarReader } from '@ipld/car'
import { build, type BuildResult } from 'esbuild'
import { beforeAll, describe, expect, test } from 'vitest'
import { logIn } from '../../src/app/space.js'
import { sodiumCrypto } from '../../src/crypto/sodium.node.js'
import { fromHex, toHex, utf8 } from '../../src/lib/bytes.js'
import type { Cid } from '../../src/store/block.js'
import { MemoryBlockStore } from '../../src/store/memory-block-store.js'
import type { PointerStore } from '../../src/store/pointer.js'
import { decodePointer } from '../../src/store/root.js'
import { ROOT_ID } from '../../src/vfs/filesystem.js'
import { runPage, whyNoBrowser } from '../support/browser.js'
import { largeFile, LOGIN, type PageResult } from './page.js'

const PAGE = fileURLToPath(new URL('page.ts', import.meta.url))
/** scrypt in plain JavaScript, three times, on a machine that does other things too. */
const SLOW = 400_000
const reason = whyNoBrowser()
if (reason !== undefined) console.log(`skipped: the portable core in a real browser: ${reason}`)

/** The page and all it imports, as a browser gets it. An import of a `node:` module does not build. */
function bundle(): Promise<BuildResult<{ write: false; metafile: true }>> {
  return build({ entryPoints: [PAGE], bundle: true, platform: 'browser', format: 'iife', globalName: 'page', target: 'es2022', write: false, metafile: true, logLevel: 'silent' })
}

/** What the Web has and the language has not, as far as the core needs it. */
function webGlobals(): object {
  const globals: Record<string, unknown> = { crypto: webcrypto, TextEncoder, TextDecoder, performance, setTimeout, clearTimeout, setInterval, clearInterval, queueMicrotask, Uint8Array }
  globals['self'] = globals
  return globals
}

async function checkResult(result: PageResult): Promise<void> {
  expect(result).toMatchObject({ names: ['.', '..', 'large', 'small'], small: 'written in a browser' })
  expect(result.largeHash).toBe(toHex(sodiumCrypto.sha256(largeFile())))
  const blocks = new MemoryBlockStore()
  const car = await CarReader.fromBytes(fromHex(result.car))
  for await (const { cid, bytes } of car.blocks()) await blocks.putMany([{ cid: cid.bytes as Cid, bytes }])
  const pointers: PointerStore = { get: async () => decodePointer(fromHex(result.pointer)), swap: () => Promise.reject(new Error('only read')) }
  const accounts = { readAccount: () => fromHex(result.account), writeAccount: () => undefined }
  const { fs } = await logIn({ crypto: sodiumCrypto, blocks, pointers, accounts }, LOGIN, { readOnly: true })
  const { id } = await fs.lookup((await fs.lookup(ROOT_ID, utf8('d'))).id, utf8('large'))
  expect(Buffer.compare(await fs.read(id, 0, largeFile().length), largeFile())).toBe(0)
}

describe('the portable core, bundled for a browser', () => {
  let bundled: Awaited<ReturnType<typeof bundle>>
  let script: string

  beforeAll(async () => {
    bundled = await bundle()
    script = bundled.outputFiles[0]?.text ?? ''
  })

  test('has nothing of Node in it', () => {
    expect(bundled.errors).toEqual([])
    const inputs = Object.keys(bundled.metafile.inputs)
    expect(inputs).toEqual(expect.arrayContaining(['src/app/space.ts', 'src/crypto/tweetnacl.ts', 'src/vfs/broch-filesystem.ts']))
    expect(inputs.filter((path) => path.startsWith('node:') || path.includes('.node.') || /sodium-native|lmdb|koffi/.test(path))).toEqual([])
    const imports = Object.values(bundled.metafile.outputs).flatMap((output) => output.imports.map(({ path }) => path))
    expect(imports).toEqual([])
  })

  test('would not build with a node: module in it', async () => {
    const broken = build({ stdin: { contents: 'import "node:fs"' }, bundle: true, platform: 'browser', write: false, logLevel: 'silent' })
    await expect(broken).rejects.toThrow('node:fs')
  })

  test('signs up, writes and reads with web globals alone, and Node opens what it made', async () => {
    const context = createContext(webGlobals())
    new Script(`${script}; globalThis.result = page.run()`).runInContext(context)
    await checkResult(await (context['result'] as Promise<PageResult>))
  }, SLOW)

  test.skipIf(reason !== undefined)('does the same in Chromium, without eval and WebAssembly', async () => {
    const start = `${script}; page.run().then(r => JSON.stringify(r), e => JSON.stringify({ error: String(e && e.stack || e) })).then(body => fetch('/result', { method: 'POST', body }))`
    const result = JSON.parse(await runPage(start)) as PageResult & { error?: string }
    expect(result.error).toBeUndefined()
    await checkResult(result)
  }, SLOW)
})
