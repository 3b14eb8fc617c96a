/**
 * `ls`, `cat`, `mkdir`, `rm`: looking at a space and tidying it, without a mount.
 * @packageDocumentation
 */
import { once } from 'node:events'
import { PathError } from '../app/path-error.js'
import { FILE_TYPE, type NamedEntry, type SpaceFiles, splitLast, typeOf } from '../app/space-files.js'
import { command } from './command.js'
import { jsonOption, passphraseOptions, storeOption } from './options.js'
import { decodeName, showName } from './safe-text.js'
import { withSpace } from './unmounted-space.js'

const WITHOUT_MOUNT = 'Works on the store itself, while the space is not mounted. Paths begin at the top of the space.'

export const lsCommand = command({
  usage: 'ls [path]',
  summary: 'list a directory of the space, without a mount',
  about: [WITHOUT_MOUNT, 'On a terminal, control characters in names are shown as escapes; else names are printed byte for byte.'],
  positionals: { path: { type: 'string', default: '/', describe: 'a directory or file' } },
  options: { ...storeOption, ...passphraseOptions, ...jsonOption, long: { alias: 'l', type: 'boolean', default: false, describe: 'with type, mode, links, owner, size and time' } },
  examples: [['broch ls -l /photos', '']],
  async run(args) {
    const rows = await withSpace(args, true, (files) => listed(files, args.path))
    rows.sort((a, b) => Buffer.compare(a.name, b.name))
    if (args.json) console.log(JSON.stringify(rows.map(asJson), undefined, 2))
    else for (const row of rows) await print(args.long ? Buffer.concat([Buffer.from(longPrefix(row)), nameOf(row)]) : nameOf(row), '\n')
  },
})

export const catCommand = command({
  usage: 'cat <path..>',
  summary: 'print files of the space, without a mount',
  about: [WITHOUT_MOUNT],
  positionals: { path: { type: 'string', array: true, demandOption: true, describe: 'files' } },
  options: { ...storeOption, ...passphraseOptions },
  examples: [['broch cat /notes.txt', '']],
  async run(args) {
    await withSpace(args, true, async (files) => {
      for (const path of args.path) await files.at(path, (found) => printFile(files, path, found))
    })
  },
})

export const mkdirCommand = command({
  usage: 'mkdir <path..>',
  summary: 'make directories in the space, without a mount',
  about: [WITHOUT_MOUNT],
  positionals: { path: { type: 'string', array: true, demandOption: true, describe: 'directories to make' } },
  options: { ...storeOption, ...passphraseOptions, parents: { alias: 'p', type: 'boolean', default: false, describe: 'make missing parents too; what is there is no error' } },
  examples: [['broch mkdir -p /a/b', '']],
  async run(args) {
    await withSpace(args, false, async (files) => {
      for (const path of args.path) await (args.parents ? makeAll(files, path) : make(files, path))
    })
  },
})

export const rmCommand = command({
  usage: 'rm <path..>',
  summary: 'remove files of the space, without a mount',
  about: [WITHOUT_MOUNT, 'What is removed is gone; there is no question and no trash.'],
  positionals: { path: { type: 'string', array: true, demandOption: true, describe: 'what to remove' } },
  options: { ...storeOption, ...passphraseOptions, recursive: { alias: 'r', type: 'boolean', default: false, describe: 'directories too, with all below them' } },
  examples: [['broch rm -r /old', '']],
  async run(args) {
    await withSpace(args, false, async (files) => {
      for (const path of args.path) {
        await files.in(path, (parent, name) => files.at(path, (found) => files.remove(parent.id, name, found, args.recursive), false))
      }
    })
  },
})

interface Row extends Omit<NamedEntry, 'id'> {
  readonly target: Uint8Array | undefined
}

async function listed(files: SpaceFiles, path: string): Promise<Row[]> {
  const row = async (entry: NamedEntry): Promise<Row> => {
    const target = typeOf(entry.attr) === FILE_TYPE.symlink ? (await files.readlink(entry.id)).slice() : undefined
    return { name: entry.name, attr: entry.attr, target }
  }
  return files.at(path, async (found) => {
    if (typeOf(found.attr) !== FILE_TYPE.directory) return [await row({ ...found, name: Buffer.from(splitLast(path)[1]) })]
    const rows: Row[] = []
    await files.each(found.id, async (entry) => void rows.push(await row(entry)))
    return rows
  })
}

async function make(files: SpaceFiles, path: string): Promise<void> {
  await files.in(path, async (parent, name) => files.release(await files.mkdir(parent.id, name, 0o755)))
}

async function makeAll(files: SpaceFiles, path: string): Promise<void> {
  let above = ''
  for (const name of path.split('/').filter((part) => part !== '')) {
    above += `/${name}`
    try {
      await make(files, above)
    } catch (error) {
      if (!(error instanceof PathError && error.code === 'EEXIST')) throw error
    }
  }
  await files.at(path, async ({ attr }) => {
    if (typeOf(attr) !== FILE_TYPE.directory) throw new PathError(path, 'ENOTDIR')
  })
}

async function printFile(files: SpaceFiles, path: string, found: Omit<NamedEntry, 'name'>): Promise<void> {
  if (typeOf(found.attr) !== FILE_TYPE.file) throw new PathError(path, typeOf(found.attr) === FILE_TYPE.directory ? 'EISDIR' : 'EINVAL')
  let at = 0
  for await (const { offset, bytes } of files.read(found)) {
    await printZeros(offset - at)
    await print(bytes)
    at = offset + bytes.length
  }
  await printZeros(found.attr.size - at)
}

const ZEROS = new Uint8Array(1024 * 1024)

async function printZeros(count: number): Promise<void> {
  for (let left = count; left > 0; left -= ZEROS.length) await print(ZEROS.subarray(0, left))
}

/** Waits while the reader is slow. */
async function print(...parts: readonly (Uint8Array | string)[]): Promise<void> {
  for (const part of parts) {
    // a copy: the bytes are borrowed, and a slow reader makes the stream keep them
    if (!process.stdout.write(typeof part === 'string' ? part : Buffer.from(part))) await once(process.stdout, 'drain')
  }
}

function nameOf({ name }: Row): Buffer {
  return Buffer.from(process.stdout.isTTY ? showName(name) : name)
}

const LETTERS = new Map<number, string>([
  [FILE_TYPE.fifo, 'p'], [FILE_TYPE.character, 'c'], [FILE_TYPE.directory, 'd'], [FILE_TYPE.block, 'b'],
  [FILE_TYPE.file, '-'], [FILE_TYPE.symlink, 'l'], [FILE_TYPE.socket, 's'],
])

function longPrefix({ attr }: Row): string {
  const time = isoTime(attr.mtime.seconds).slice(0, 16).replace('T', ' ')
  return `${LETTERS.get(typeOf(attr)) ?? '?'}${permissions(attr.mode)} ${attr.nlink} ${attr.uid} ${attr.gid} ${String(attr.size).padStart(12)} ${time} `
}

function permissions(mode: number): string {
  const text = Array.from('rwxrwxrwx', (letter, i) => ((mode & (0o400 >> i)) === 0 ? '-' : letter))
  const special: readonly [bit: number, at: number, letter: string][] = [[0o4000, 2, 's'], [0o2000, 5, 's'], [0o1000, 8, 't']]
  for (const [bit, at, letter] of special) if ((mode & bit) !== 0) text[at] = text[at] === '-' ? letter.toUpperCase() : letter
  return text.join('')
}

/** UTC; years that a Date cannot hold are shown as seconds. */
function isoTime(seconds: number): string {
  const date = new Date(seconds * 1000)
  return Number.isNaN(date.getTime()) ? `@${seconds}` : date.toISOString()
}

const TYPE_NAMES = new Map<number, string>(Object.entries(FILE_TYPE).map(([name, type]) => [type, name]))

/** Bytes that are no UTF-8 are given in base64 instead. */
function asJson({ name, attr, target }: Row): unknown {
  const text = (bytes: Uint8Array, key: string) => {
    const decoded = decodeName(bytes)
    return decoded === undefined ? { [`${key}Base64`]: Buffer.from(bytes).toString('base64') } : { [key]: decoded }
  }
  const { size, nlink, uid, gid, ino } = attr
  const mode = (attr.mode & 0o7777).toString(8).padStart(4, '0')
  return { ...text(name, 'name'), type: TYPE_NAMES.get(typeOf(attr)), mode, nlink, uid, gid, size, ino, mtime: isoTime(attr.mtime.seconds), ...(target && text(target, 'target')) }
}
