/**
 * A Filesystem as `fuse-native` wants one: by path, with open files by number, answers by callback.
 *
 * What that library does not tell (who asks, flags, whole times) cannot be known here: docs/limits.md.
 * @packageDocumentation
 */
import { type Attr, type AttrChange, type Caller, type Entry, type Filesystem, type NodeId, ROOT_ID, type Time } from '../vfs/filesystem.js'
import { errnoOf } from './errno.js'

type Done = (code: number, value?: unknown) => void
/** Each takes its arguments and, last, where the answer goes. */
export type PathOperations = Record<string, (...args: never[]) => void>

const UNCHANGED_ID = 0xffff_ffff
const PERMISSIONS = 0o7777

export function pathOperations(fs: Filesystem, caller: Caller, onFault: (error: unknown) => void): PathOperations {
  const paths = new Paths(fs)
  /** Negative errno, or 0 and what the operation gave; a number given by read, write and create is the code itself. */
  const answer = (done: Done, work: Promise<unknown>, isCount = false): void => {
    work.then(
      (value) => (isCount ? done(value as number) : done(0, value)),
      (error: unknown) => {
        if (errnoOf(error) === EIO) onFault(error)
        done(-errnoOf(error))
      },
    )
  }
  const change = (path: string, what: AttrChange, done: Done): void => answer(done, paths.at(path, async (id) => fs.setattr(caller, id, what)).then(nothing))
  /** A new name: the entry's lookup is given back. */
  const make = (path: string, done: Done, create: (parent: NodeId, name: Buffer) => Entry | Promise<Entry>): void =>
    answer(done, paths.parent(path, async (parent, name) => fs.forget((await create(parent, name)).id, 1)))
  const bytes = (text: string): Buffer => Buffer.from(text)
  const options = (mode: number) => ({ mode, umask: 0 })

  return {
    statfs: (_path: string, done: Done) => answer(done, (async () => statvfs(await fs.statfs()))()),
    getattr: (path: string, done: Done) => answer(done, paths.at(path, async (id) => stat(await fs.getattr(id)))),
    fgetattr: (_path: string, fd: number, done: Done) => answer(done, (async () => stat(await fs.getattr(paths.file(fd))))()),
    readlink: (path: string, done: Done) => answer(done, paths.at(path, async (id) => Buffer.from(await fs.readlink(id)).toString())),
    readdir: (path: string, done: Done) => answer(done, paths.at(path, (id) => list(fs, id))),
    chmod: (path: string, mode: number, done: Done) => change(path, { mode: mode & PERMISSIONS }, done),
    chown: (path: string, uid: number, gid: number, done: Done) => change(path, { ...given('uid', uid), ...given('gid', gid) }, done),
    truncate: (path: string, size: number, done: Done) => change(path, { size }, done),
    ftruncate: (_path: string, fd: number, size: number, done: Done) => answer(done, (async () => fs.setattr(caller, paths.file(fd), { size }))().then(nothing)),
    utimens: (path: string, atime: number, mtime: number, done: Done) => change(path, { atime: time(atime), mtime: time(mtime) }, done),
    mknod: (path: string, mode: number, rdev: number, done: Done) => make(path, done, (parent, name) => fs.mknod(caller, parent, name, options(mode), rdev)),
    mkdir: (path: string, mode: number, done: Done) => make(path, done, (parent, name) => fs.mkdir(caller, parent, name, options(mode))),
    symlink: (target: string, path: string, done: Done) => make(path, done, (parent, name) => fs.symlink(caller, parent, name, bytes(target))),
    link: (from: string, to: string, done: Done) => answer(done, paths.at(from, (id) => paths.parent(to, async (parent, name) => fs.forget((await fs.link(caller, id, parent, name)).id, 1)))),
    unlink: (path: string, done: Done) => answer(done, paths.parent(path, async (parent, name) => fs.unlink(caller, parent, name))),
    rmdir: (path: string, done: Done) => answer(done, paths.parent(path, async (parent, name) => fs.rmdir(caller, parent, name))),
    rename: (from: string, to: string, done: Done) => answer(done, paths.parent(from, (parent, name) => paths.parent(to, async (toParent, toName) => fs.rename(caller, parent, name, toParent, toName, 0)))),
    open: (path: string, _flags: number, done: Done) => answer(done, paths.find(path).then((id) => paths.open(id))),
    create: (path: string, mode: number, done: Done) => answer(done, paths.parent(path, async (parent, name) => paths.open((await fs.create(caller, parent, name, options(mode))).id))),
    release: (_path: string, fd: number, done: Done) => answer(done, (async () => paths.close(fd))()),
    read: (_path: string, fd: number, buffer: Buffer, length: number, at: number, done: Done) =>
      answer(done, (async () => {
        const found = await fs.read(paths.file(fd), at, length)
        buffer.set(found)
        return found.length
      })(), true),
    write: (_path: string, fd: number, buffer: Buffer, length: number, at: number, done: Done) =>
      answer(done, (async () => fs.write(caller, paths.file(fd), at, buffer.subarray(0, length), { killPriv: false }))(), true),
    fsync: (_path: string, dataOnly: number, fd: number, done: Done) => answer(done, (async () => fs.fsync(paths.file(fd), dataOnly !== 0))()),
    fsyncdir: (path: string, _dataOnly: number, _fd: number, done: Done) => answer(done, paths.at(path, async (id) => fs.fsyncdir(id))),
    setxattr: (path: string, name: string, value: Buffer, _position: number, flags: number, done: Done) => answer(done, paths.at(path, async (id) => fs.setxattr(caller, id, bytes(name), value, flags, false))),
    getxattr: (path: string, name: string, _position: number, done: Done) => answer(done, paths.at(path, async (id) => Buffer.from(await fs.getxattr(id, bytes(name))))),
    listxattr: (path: string, done: Done) => answer(done, paths.at(path, async (id) => (await fs.listxattr(id)).map((name) => Buffer.from(name).toString()))),
    removexattr: (path: string, name: string, done: Done) => answer(done, paths.at(path, async (id) => fs.removexattr(caller, id, bytes(name)))),
  }
}

const EIO = 5
const nothing = (): undefined => undefined

/** Inodes behind paths. What is looked up on the way is given back. */
class Paths {
  readonly #fs: Filesystem
  readonly #open = new Map<number, NodeId>()
  /** The library takes 0 for none. */
  #next = 1

  constructor(fs: Filesystem) {
    this.#fs = fs
  }

  /** The inode holds a lookup that the caller gives back. */
  async find(path: string): Promise<NodeId> {
    let id = ROOT_ID
    for (const name of path.split('/').filter((part) => part !== '')) {
      const parent = id
      try {
        id = (await this.#fs.lookup(parent, Buffer.from(name))).id
      } finally {
        this.#fs.forget(parent, 1)
      }
    }
    return id
  }

  async at<T>(path: string, action: (id: NodeId) => Promise<T>): Promise<T> {
    const id = await this.find(path)
    try {
      return await action(id)
    } finally {
      this.#fs.forget(id, 1)
    }
  }

  parent<T>(path: string, action: (parent: NodeId, name: Buffer) => Promise<T>): Promise<T> {
    const slash = path.lastIndexOf('/')
    return this.at(path.slice(0, slash), (id) => action(id, Buffer.from(path.slice(slash + 1))))
  }

  open(id: NodeId): number {
    const fd = this.#next++
    this.#open.set(fd, id)
    return fd
  }

  file(fd: number): NodeId {
    return this.#open.get(fd) as NodeId
  }

  close(fd: number): void {
    this.#fs.forget(this.file(fd), 1)
    this.#open.delete(fd)
  }
}

async function list(fs: Filesystem, id: NodeId): Promise<string[]> {
  const names: string[] = []
  await fs.readdir(id, 0, ({ name }) => names.push(Buffer.from(name).toString()) > 0)
  return names
}

function given(key: 'uid' | 'gid', id: number): AttrChange {
  return id === UNCHANGED_ID || id === -1 ? {} : { [key]: id }
}

function time(ms: number): Time {
  const seconds = Math.floor(ms / 1000)
  return { seconds, nanoseconds: Math.round(ms - seconds * 1000) * 1_000_000 }
}

function stat(attr: Attr) {
  const date = ({ seconds, nanoseconds }: Time): number => Math.max(0, seconds * 1000 + Math.floor(nanoseconds / 1_000_000))
  const { mode, uid, gid, size, nlink, ino, rdev, blksize, blocks, atime, mtime, ctime } = attr
  return { mode, uid, gid, size, nlink, ino, rdev, blksize, blocks, atime: date(atime), mtime: date(mtime), ctime: date(ctime) }
}

function statvfs(s: Awaited<ReturnType<Filesystem['statfs']>>) {
  return { bsize: s.blockSize, frsize: s.blockSize, blocks: s.blocks, bfree: s.blocksFree, bavail: s.blocksAvailable, files: s.files, ffree: s.filesFree, favail: s.filesFree, namemax: s.nameMax }
}
