/**
 * What is copied into the filesystems: the same bytes on every machine and in every run.
 * @packageDocumentation
 */
import { createCipheriv, createHash } from 'node:crypto'
import { mkdirSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { isInstalled, run, type RunOptions } from './process.js'
import type { InputName } from './rows.js'
import type { Sizes } from './sizes.js'

const LOAD_SOURCE = fileURLToPath(new URL('load.c', import.meta.url))
const TIMEOUT_MS = 600_000

/** A source tree's usual spread: half of the files under 5 KiB, a few of a megabyte. */
const MEDIAN_BYTES = 4_600
const SPREAD = 1.4
const LARGEST_BYTES = 4 * 1024 * 1024
const FILES_PER_FOLDER = 14
const EPOCH_SECONDS = 1_700_000_000

export interface Inputs {
  readonly inputs: string
  readonly sizes: Sizes
  readonly treeBytes: number
  /** For the programs that rows start: settings of the user do not change what they do. */
  readonly env: NodeJS.ProcessEnv
}

/**
 * Compiles the load program, and makes what the rows read.
 *
 * @throws Error when there is no C compiler
 */
export async function makeInputs(dir: string, sizes: Sizes, needed: ReadonlySet<InputName>, signal: AbortSignal): Promise<Inputs> {
  const env = { ...process.env, LC_ALL: 'C', GIT_CONFIG_GLOBAL: '/dev/null', GIT_CONFIG_SYSTEM: '/dev/null' }
  const options = { timeoutMs: TIMEOUT_MS, signal, env }
  mkdirSync(dir)
  if (!isInstalled('cc')) throw new Error('the work is done by a small C program, and there is no C compiler (apt-get install gcc libc6-dev)')
  await run(['cc', '-O2', '-o', join(dir, 'load'), LOAD_SOURCE], options)
  const treeBytes = needed.has('tree') || needed.has('tar') ? makeTree(join(dir, 'tree'), sizes) : 0
  // in an order and with times that are always the same
  if (needed.has('tar')) await run(['tar', '-C', dir, '--sort=name', `--mtime=@${EPOCH_SECONDS}`, '--owner=0', '--group=0', '--numeric-owner', '-cf', join(dir, 'tree.tar'), 'tree'], options)
  if (needed.has('repository')) await makeRepository(join(dir, 'repository'), sizes.repositoryFiles, options)
  writeFileSync(join(dir, 'delete.sql'), inserts('DELETE', sizes.deleteTransactions))
  writeFileSync(join(dir, 'wal.sql'), inserts('WAL', sizes.walTransactions))
  return { inputs: dir, sizes, treeBytes, env }
}

async function makeRepository(dir: string, files: number, options: RunOptions): Promise<void> {
  makeSources(dir, files)
  const git = (...args: string[]): Promise<string> => run(['git', '-C', dir, '-c', 'user.name=bench', '-c', 'user.email=bench@localhost', ...args], options)
  await git('init', '-q')
  await git('add', '.')
  await git('commit', '-q', '-m', 'All sources')
  await git('gc', '-q')
}

/** One transaction per insert. */
function inserts(mode: string, count: number): string {
  const head = `PRAGMA journal_mode=${mode};\nPRAGMA synchronous=FULL;\nCREATE TABLE t (id INTEGER PRIMARY KEY, body TEXT);\n`
  return head + Array.from({ length: count }, (_, id) => `INSERT INTO t VALUES (${id}, '${'x'.repeat(80)}${id}');\n`).join('')
}

/** The same sequence of numbers in [0, 1) for the same seed. */
function* numbers(seed: string): Generator<number, never> {
  for (let block = 0; ; block += 1) {
    const digest = createHash('sha256').update(`${seed} ${block}`).digest()
    for (let at = 0; at < digest.length; at += 4) yield digest.readUInt32LE(at) / 2 ** 32
  }
}

/** Log-normal sizes whose sum is near `totalBytes` (Box and Muller's method). */
function fileSizes(count: number, totalBytes: number): number[] {
  const random = numbers('sizes')
  const raw = Array.from({ length: count }, () => {
    const normal = Math.sqrt(-2 * Math.log(1 - random.next().value)) * Math.cos(2 * Math.PI * random.next().value)
    return Math.min(LARGEST_BYTES, MEDIAN_BYTES * Math.exp(SPREAD * normal))
  })
  const scale = totalBytes / raw.reduce((sum, size) => sum + size, 0)
  return raw.map((size) => Math.round(size * scale))
}

/** Folders nest up to four deep. */
function folderOf(folder: number): string {
  const parts = [`part-${folder % 7}`, `module-${folder % 61}`, `group-${folder % 183}`, `unit-${folder}`]
  return join(...parts.slice(0, 2 + (folder % 3)))
}

/** Bytes that do not compress, cut from one key stream. */
function keyStream(length: number): Buffer {
  return createCipheriv('aes-128-ctr', Buffer.alloc(16, 'broch'), Buffer.alloc(16)).update(Buffer.alloc(length))
}

/** Writes the tree that tar and rsync copy; gives its bytes. */
function makeTree(dir: string, sizes: Sizes): number {
  const stream = keyStream(LARGEST_BYTES * 3)
  const all = fileSizes(sizes.treeFiles, sizes.treeBytes)
  all.forEach((size, index) => {
    const path = join(dir, folderOf(Math.floor(index / FILES_PER_FOLDER)), `file-${index}.${['c', 'h', 'txt', 'o'][index % 4]}`)
    mkdirSync(dirname(path), { recursive: true })
    const at = (index * 4096 + index) % LARGEST_BYTES
    writeFileSync(path, stream.subarray(at, at + size), { mode: index % 20 === 0 ? 0o755 : 0o644 })
  })
  return all.reduce((sum, size) => sum + size, 0)
}

/** Source text that compresses as source text does, for a repository. */
function makeSources(dir: string, count: number): void {
  const random = numbers('sources')
  const word = (): string => ['const', 'value', 'return', 'string', 'number', 'await', 'index', 'length'][Math.floor(random.next().value * 8)] ?? ''
  for (let index = 0; index < count; index += 1) {
    const lines = 20 + Math.floor(random.next().value * 200)
    const text = Array.from({ length: lines }, (_, line) => `  ${word()} ${word()}_${Math.floor(random.next().value * 1e6)} = ${word()}(${line}, '${word()}')`).join('\n')
    const path = join(dir, `src-${index % 40}`, `file-${index}.ts`)
    mkdirSync(dirname(path), { recursive: true })
    writeFileSync(path, `${text}\n`)
  }
}
