/**
 * Copies files of this machine into a space, with modes, times, symbolic and hard links, and holes.
 * @packageDocumentation
 */
import { type BigIntStats } from 'node:fs'
import { lstat, open, readdir, readlink } from 'node:fs/promises'
import { resolve } from 'node:path'
import { utf8 } from '../lib/bytes.js'
import type { AttrChange, NodeId } from '../vfs/filesystem.js'
import { PathError } from './path-error.js'
import { FILE_TYPE, type Found, type SpaceFiles, splitLast, typeOf } from './space-files.js'
import { childPath, isRoot, printable, type TransferReport, timeOf } from './transfer.node.js'

const STEP_BYTES = 1024 * 1024
/** Zeros as long as this are no data. */
const HOLE_BYTES = 256 * 1024

/** @param target - a directory to put them in; with one source also a new name */
export async function putFiles(space: SpaceFiles, sources: readonly string[], target: string, report: TransferReport): Promise<void> {
  const putter = new Putter(space, report)
  try {
    const directory = await isDirectory(space, target)
    if (!directory && (sources.length > 1 || target.endsWith('/'))) throw new PathError(target, 'ENOTDIR')
    for (const source of sources) {
      if (directory) await space.at(target, (parent) => putter.put(Buffer.from(source), parent.id, nameOf(source)))
      else await space.in(target, (parent, name) => putter.put(Buffer.from(source), parent.id, name))
    }
  } finally {
    putter.release()
  }
}

/** Bytes and files below, for a progress bar. What cannot be read is counted when it is copied. */
export async function measureLocal(path: Buffer): Promise<{ bytes: number; files: number }> {
  const found = await lstat(path).catch(() => undefined)
  if (found?.isDirectory() !== true) return { bytes: found?.isFile() === true ? found.size : 0, files: 1 }
  const sum = { bytes: 0, files: 1 }
  for (const name of await readdir(path, { encoding: 'buffer' }).catch(() => [])) {
    const { bytes, files } = await measureLocal(childPath(path, name))
    sum.bytes += bytes
    sum.files += files
  }
  return sum
}

async function isDirectory(space: SpaceFiles, path: string): Promise<boolean> {
  try {
    return await space.at(path, async ({ attr }) => typeOf(attr) === FILE_TYPE.directory)
  } catch (error) {
    if (error instanceof PathError && error.code === 'ENOENT') return false
    throw error
  }
}

function nameOf(source: string): Uint8Array {
  return utf8(splitLast(resolve(source))[1])
}

class Putter {
  readonly #space: SpaceFiles
  readonly #report: TransferReport
  /** files with more than one name, by device and inode; held until the end */
  readonly #linked = new Map<string, Found>()

  constructor(space: SpaceFiles, report: TransferReport) {
    this.#space = space
    this.#report = report
  }

  release(): void {
    for (const found of this.#linked.values()) this.#space.release(found)
  }

  /** Goes on after what cannot be copied, and tells the report. */
  async put(path: Buffer, parent: NodeId, name: Uint8Array): Promise<void> {
    await this.#report.attempt(printable(path), async () => {
      const from = await lstat(path, { bigint: true })
      if (from.isDirectory()) await this.#directory(path, from, parent, name)
      else if (from.isFile()) await this.#file(path, from, parent, name)
      else if (from.isSymbolicLink()) await this.#symlink(path, from, parent, name)
      else throw new PathError(printable(path), 'EOPNOTSUPP')
    })
  }

  async #directory(path: Buffer, from: BigIntStats, parent: NodeId, name: Uint8Array): Promise<void> {
    const known = await this.#space.child(parent, name)
    const made = known ?? (await this.#space.mkdir(parent, name))
    try {
      if (typeOf(made.attr) !== FILE_TYPE.directory) throw new PathError(printable(path), 'ENOTDIR')
      for (const child of await readdir(path, { encoding: 'buffer' })) await this.put(childPath(path, child), made.id, child)
      await this.#space.change(made.id, attributesOf(from))
    } finally {
      this.#space.release(made)
    }
  }

  async #file(path: Buffer, from: BigIntStats, parent: NodeId, name: Uint8Array): Promise<void> {
    const key = from.nlink > 1n ? `${from.dev} ${from.ino}` : undefined
    const first = key === undefined ? undefined : this.#linked.get(key)
    await this.#makeWay(path, parent, name)
    if (first !== undefined) return this.#space.link(first.id, parent, name)
    const made = await this.#space.create(parent, name)
    try {
      await this.#copy(path, made.id)
      await this.#space.change(made.id, attributesOf(from))
    } finally {
      if (key === undefined) this.#space.release(made)
      else this.#linked.set(key, made)
    }
  }

  async #symlink(path: Buffer, from: BigIntStats, parent: NodeId, name: Uint8Array): Promise<void> {
    const target = await readlink(path, { encoding: 'buffer' })
    await this.#makeWay(path, parent, name)
    const made = await this.#space.symlink(parent, name, target)
    await this.#space.change(made.id, timesAndOwner(from))
    this.#space.release(made)
  }

  /** A file or link of this name is replaced; a directory is not. */
  async #makeWay(path: Buffer, parent: NodeId, name: Uint8Array): Promise<void> {
    const known = await this.#space.child(parent, name)
    if (known === undefined) return
    try {
      if (typeOf(known.attr) === FILE_TYPE.directory) throw new PathError(printable(path), 'EISDIR')
      await this.#space.remove(parent, name, known, false)
    } finally {
      this.#space.release(known)
    }
  }

  async #copy(path: Buffer, id: NodeId): Promise<void> {
    const file = await open(path, 'r')
    try {
      const buffer = Buffer.allocUnsafe(STEP_BYTES)
      for (let offset = 0; ; ) {
        const { bytesRead } = await file.read(buffer, 0, STEP_BYTES, offset)
        if (bytesRead === 0) {
          await this.#space.change(id, { size: offset })
          return
        }
        await this.#write(id, offset, buffer.subarray(0, bytesRead))
        offset += bytesRead
        this.#report.progress(bytesRead)
      }
    } finally {
      await file.close()
    }
  }

  /** Zeros are left out: a hole stays one. */
  async #write(id: NodeId, offset: number, bytes: Buffer): Promise<void> {
    let start = 0
    for (let at = 0; at < bytes.length; at += HOLE_BYTES) {
      const end = Math.min(at + HOLE_BYTES, bytes.length)
      if (!isZero(bytes.subarray(at, end))) continue
      if (at > start) await this.#space.write(id, offset + start, bytes.subarray(start, at))
      start = end
    }
    if (start < bytes.length) await this.#space.write(id, offset + start, bytes.subarray(start))
  }
}

const ZEROS = Buffer.alloc(HOLE_BYTES)

function isZero(bytes: Buffer): boolean {
  return bytes.equals(ZEROS.subarray(0, bytes.length))
}

function attributesOf(from: BigIntStats): AttrChange {
  return { mode: Number(from.mode & 0o7777n), ...timesAndOwner(from) }
}

function timesAndOwner(from: BigIntStats): AttrChange {
  return {
    atime: timeOf(from.atimeNs),
    mtime: timeOf(from.mtimeNs),
    ...(isRoot() && { uid: Number(from.uid), gid: Number(from.gid) }),
  }
}

