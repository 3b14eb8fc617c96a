/**
 * `npm run test:posix`: public POSIX suites on a real mount of the real program, as root with other users.
 *
 * BROCH_FSX_OPERATIONS=1000000 makes a deep run of fsx; BROCH_FSX_SEED repeats one.
 */
import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { setUp } from '../setup.mjs'
import { RealMount } from './real-mount.mjs'
import { FSX, fio, fsx, pjdfstest, posixtest, stressNg } from './suites.mjs'
import { getTools, whyNoSuites } from './tools.mjs'

const OPERATIONS = Number(process.env.BROCH_FSX_OPERATIONS ?? 200_000)
const SEED = Number(process.env.BROCH_FSX_SEED ?? Date.now() % 2 ** 31)

/** @returns how many checks passed, failed, and were skipped */
export async function runPosixSuites() {
  const reason = whyNoSuites()
  if (reason !== undefined) {
    console.log(`skipped: POSIX suites: ${reason}`)
    return { passed: 0, failed: 0, skipped: 1 }
  }
  const counts = { passed: 0, failed: 0, skipped: 0 }
  const check = async (name, run) => {
    const start = Date.now()
    try {
      const said = await run()
      counts.passed += 1
      console.log(`ok: posix: ${name} (${said}; ${((Date.now() - start) / 1000).toFixed(1)} s)`)
    } catch (error) {
      counts.failed += 1
      console.log(`FAILED: posix: ${name}\n${error.message}`)
    }
  }
  await check('the suites themselves', () => {
    getTools()
    return 'built'
  })
  if (counts.failed > 0) return counts
  const mount = new RealMount()
  try {
    await mount.mount()
    await runAll(mount, getTools(), check)
  } finally {
    await mount.dispose()
  }
  return counts
}

async function runAll(mount, tools, check) {
  await check('pjdfstest', () => pjdfstest(mount, tools))
  await check('go-fuse posixtest', () => posixtest(mount, tools))
  for (const variant of FSX) await check(`fsx ${variant.name}`, () => fsx(mount, tools, variant, { operations: OPERATIONS, seed: SEED }))
  await check('stress-ng', () => stressNg(mount))
  await check('fio with verify', () => fio(mount))
  await check('fsx files after a new start', () => sameAfterRestart(mount))
}

async function sameAfterRestart(mount) {
  const files = FSX.map(({ name }) => join(mount.dir, `fsx-${name.replaceAll(' ', '-')}`))
  const before = await Promise.all(files.map(digest))
  await mount.stop()
  await mount.mount()
  const after = await Promise.all(files.map(digest))
  files.forEach((file, i) => {
    if (before[i] !== after[i]) throw new Error(`${file} is not what it was before the restart`)
  })
  return `${files.length} files are the same`
}

async function digest(file) {
  const hash = createHash('sha256')
  for await (const bytes of createReadStream(file)) hash.update(bytes)
  return hash.digest('hex')
}

if (import.meta.url === pathToFileURL(process.argv[1]).href) {
  setUp()
  const { passed, failed, skipped } = await runPosixSuites()
  console.log(`${passed} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ''}`)
  process.exit(failed === 0 ? 0 : 1)
}
