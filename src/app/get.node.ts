/**
 * Copies files of a space to this machine, with modes, times, symbolic and hard links, and holes.
 *
 * A file gets its name when it is whole: an old one of that name stays until then.
 * @packageDocumentation
 */
import { chmod, chown, lchown, link, lutimes, mkdir, open, rename, rm, stat, symlink, utimes } from 'node:fs/promises'
import type { Attr } from '../vfs/filesystem.js'
import { PathError } from './path-error.js'
import { FILE_TYPE, type Found, type SpaceFiles, splitLast, typeOf } from './space-files.js'
import { childPath, isRoot, printable, secondsOf, type TransferReport } from './transfer.node.js'

/** @param target - a directory to put them in; with one path also a new name */
export async function getFiles(space: SpaceFiles, paths: readonly string[], target: string, report: TransferReport): Promise<void> {
  const directory = await stat(target).then((found) => found.isDirectory(), () => false)
  if (!directory && (paths.length > 1 || target.endsWith('/'))) throw new PathError(target, 'ENOTDIR')
  const getter = new Getter(space, report)
  for (const path of paths) {
    const name = splitLast(path)[1]
    if (directory && name === '') await space.at(path, (root) => getter.contents(root, Buffer.from(target)))
    else await space.at(path, (found) => getter.get(found, directory ? childPath(Buffer.from(target), Buffer.from(name)) : Buffer.from(target)), false)
  }
}

/** Bytes and files below, for a progress bar. */
export async function measureSpace(space: SpaceFiles, found: Found): Promise<{ bytes: number; files: number }> {
  if (typeOf(found.attr) !== FILE_TYPE.directory) return { bytes: typeOf(found.attr) === FILE_TYPE.file ? found.attr.size : 0, files: 1 }
  const sum = { bytes: 0, files: 1 }
  await space.each(found.id, async (entry) => {
    const { bytes, files } = await measureSpace(space, entry)
    sum.bytes += bytes
    sum.files += files
  })
  return sum
}

class Getter {
  readonly #space: SpaceFiles
  readonly #report: TransferReport
  /** where the first name of a file with several was put, by inode */
  readonly #linked = new Map<number, Buffer>()
  #drafts = 0

  constructor(space: SpaceFiles, report: TransferReport) {
    this.#space = space
    this.#report = report
  }

  async get(found: Found, target: Buffer): Promise<void> {
    await this.#report.attempt(printable(target), async () => {
      const type = typeOf(found.attr)
      if (type === FILE_TYPE.directory) await this.#directory(found, target)
      else if (type === FILE_TYPE.file) await this.#file(found, target)
      else if (type === FILE_TYPE.symlink) await this.#symlink(found, target)
      else throw new PathError(printable(target), 'EOPNOTSUPP')
    })
  }

  async contents(directory: Found, target: Buffer): Promise<void> {
    await this.#space.each(directory.id, (entry) => this.get(entry, childPath(target, entry.name)))
  }

  async #directory(found: Found, target: Buffer): Promise<void> {
    await mkdir(target, { mode: 0o700 }).catch(async (error: unknown) => {
      if (!(await stat(target).then((there) => there.isDirectory(), () => false))) throw error
    })
    await this.contents(found, target)
    await dress(target, found.attr)
  }

  async #file(found: Found, target: Buffer): Promise<void> {
    const first = this.#linked.get(found.attr.ino)
    await this.#whole(target, async (draft) => {
      if (first !== undefined) return link(first, draft)
      await this.#copy(found, draft)
      await dress(draft, found.attr)
    })
    if (found.attr.nlink > 1 && first === undefined) this.#linked.set(found.attr.ino, target)
  }

  async #symlink(found: Found, target: Buffer): Promise<void> {
    const { atime, mtime, uid, gid } = found.attr
    const to = Buffer.from(await this.#space.readlink(found.id))
    await this.#whole(target, async (draft) => {
      await symlink(to, draft)
      if (isRoot()) await lchown(draft, uid, gid)
      await lutimes(draft, secondsOf(atime), secondsOf(mtime))
    })
  }

  /** Makes it under another name beside its own, and gives it that in one step. */
  async #whole(target: Buffer, make: (draft: Buffer) => Promise<void>): Promise<void> {
    const cut = target.lastIndexOf('/')
    const draft = Buffer.concat([target.subarray(0, cut + 1), Buffer.from(`.broch-get-${process.pid}-${this.#drafts++}`)])
    try {
      await make(draft)
      await rename(draft, target)
    } finally {
      await rm(draft, { force: true }) // also what rename leaves of two names for one file
    }
  }

  async #copy(found: Found, draft: Buffer): Promise<void> {
    const file = await open(draft, 'wx', 0o600)
    try {
      for await (const { offset, bytes } of this.#space.read(found)) {
        await writeAll(file, bytes, offset)
        this.#report.progress(bytes.length)
      }
      await file.truncate(found.attr.size)
    } finally {
      await file.close()
    }
  }
}

async function writeAll(file: Awaited<ReturnType<typeof open>>, bytes: Uint8Array, offset: number): Promise<void> {
  for (let at = 0; at < bytes.length; ) at += (await file.write(bytes, at, bytes.length - at, offset + at)).bytesWritten
}

/** Owner, mode, times; a setuid bit only where its owner is kept too. */
async function dress(path: Buffer, { mode, uid, gid, atime, mtime }: Attr): Promise<void> {
  if (isRoot()) await chown(path, uid, gid)
  await chmod(path, mode & (isRoot() ? 0o7777 : 0o1777))
  await utimes(path, secondsOf(atime), secondsOf(mtime))
}
