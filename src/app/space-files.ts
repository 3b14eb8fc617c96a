/**
 * Files of a space by path, for commands that work without a mount: what the kernel does for a mounted one.
 *
 * Symbolic links are followed inside the space; one that leaves it (an absolute target) is refused.
 * @packageDocumentation
 */
import { utf8 } from '../lib/bytes.js'
import { Errno, type ErrnoName, errno } from '../vfs/errno.js'
import { type Attr, type AttrChange, type Caller, type Entry, type Filesystem, type NodeId, ROOT_ID } from '../vfs/filesystem.js'
import { PathError } from './path-error.js'

/** As in stat(2): mode >> 12. */
export const FILE_TYPE = { fifo: 1, character: 2, directory: 4, block: 6, file: 8, symlink: 10, socket: 12 } as const

export interface Found {
  readonly id: NodeId
  readonly attr: Attr
}

export interface NamedEntry extends Found {
  readonly name: Uint8Array
}

/** Bytes asked of the filesystem at a time. */
const STEP_BYTES = 1024 * 1024
const MAX_LINKS = 40
const SEEK_DATA = 3
const SEEK_HOLE = 4
const ENDS = { '.': utf8('.'), '..': utf8('..') }

export function typeOf(attr: Attr): number {
  return attr.mode >> 12
}

export class SpaceFiles {
  readonly #fs: Filesystem
  readonly #caller: Caller

  constructor(fs: Filesystem, caller: Caller) {
    this.#fs = fs
    this.#caller = caller
  }

  /** What lies at a path, held until `use` is done. @throws PathError */
  async at<T>(path: string, use: (found: Found) => Promise<T>, follow = true): Promise<T> {
    return this.#about(path, async () => {
      const found = await this.#walk(utf8(path), follow)
      try {
        return await use(found)
      } finally {
        this.#fs.forget(found.id, 1)
      }
    })
  }

  /** The directory a new or old name lies in, and the name. @throws PathError */
  async in<T>(path: string, use: (parent: Found, name: Uint8Array) => Promise<T>): Promise<T> {
    const [names, last] = splitLast(path)
    return this.at(names, async (parent) => {
      if (last === '' || last === '.' || last === '..') throw new PathError(path, 'EINVAL')
      return this.#about(path, () => use(parent, utf8(last)))
    })
  }

  /** Undefined when there is none. Given back by {@link release}. */
  async child(parent: NodeId, name: Uint8Array): Promise<Found | undefined> {
    try {
      return await this.#fs.lookup(parent, name)
    } catch (error) {
      if (error instanceof Errno && error.code === 'ENOENT') return undefined
      throw error
    }
  }

  release({ id }: Found): void {
    this.#fs.forget(id, 1)
  }

  /** Entries of a directory without `.` and `..`, each held while it is visited. */
  async each(directory: NodeId, visit: (entry: NamedEntry) => Promise<void>): Promise<void> {
    const entries: NamedEntry[] = []
    await this.#fs.readdirplus(directory, 0, ({ name }, found) => {
      if (found !== undefined) entries.push({ name: name.slice(), ...found })
      return true
    })
    let at = 0
    try {
      for (; at < entries.length; at++) {
        await visit(entries[at] as NamedEntry)
        this.release(entries[at] as NamedEntry)
      }
    } finally {
      for (; at < entries.length; at++) this.release(entries[at] as NamedEntry)
    }
  }

  /** The parts of a file that hold data; what lies between is a hole. Bytes are valid until the next step. */
  async *read({ id, attr: { size } }: Found): AsyncGenerator<{ readonly offset: number; readonly bytes: Uint8Array }> {
    let offset = 0
    while (offset < size) {
      const start = await this.#seek(id, offset, SEEK_DATA)
      if (start === undefined) return
      const end = (await this.#seek(id, start, SEEK_HOLE)) ?? size
      for (offset = start; offset < end; ) {
        const bytes = await this.#fs.read(id, offset, Math.min(STEP_BYTES, end - offset))
        if (bytes.length === 0) return
        yield { offset, bytes }
        offset += bytes.length
      }
    }
  }

  async write(id: NodeId, offset: number, bytes: Uint8Array): Promise<void> {
    for (let at = 0; at < bytes.length; ) at += await this.#fs.write(this.#caller, id, offset + at, bytes.subarray(at), { killPriv: false })
  }

  async readlink(id: NodeId): Promise<Uint8Array> {
    return this.#fs.readlink(id)
  }

  async create(parent: NodeId, name: Uint8Array): Promise<Found> {
    return this.#fs.create(this.#caller, parent, name, { mode: 0o600, umask: 0 })
  }

  async mkdir(parent: NodeId, name: Uint8Array, mode = 0o700): Promise<Found> {
    return this.#fs.mkdir(this.#caller, parent, name, { mode, umask: 0 })
  }

  async symlink(parent: NodeId, name: Uint8Array, target: Uint8Array): Promise<Found> {
    return this.#fs.symlink(this.#caller, parent, name, target)
  }

  async link(id: NodeId, parent: NodeId, name: Uint8Array): Promise<void> {
    this.release(await this.#fs.link(this.#caller, id, parent, name))
  }

  async change(id: NodeId, change: AttrChange): Promise<void> {
    await this.#fs.setattr(this.#caller, id, change)
  }

  /** @throws Errno EISDIR, ENOTEMPTY ... */
  async remove(parent: NodeId, name: Uint8Array, entry: Found, recursive: boolean): Promise<void> {
    if (typeOf(entry.attr) !== FILE_TYPE.directory) return this.#fs.unlink(this.#caller, parent, name)
    if (!recursive) throw errno('EISDIR')
    await this.each(entry.id, (child) => this.remove(entry.id, child.name, child, true))
    return this.#fs.rmdir(this.#caller, parent, name)
  }

  async #seek(id: NodeId, offset: number, whence: number): Promise<number | undefined> {
    try {
      return await this.#fs.lseek(id, offset, whence)
    } catch (error) {
      if (error instanceof Errno && error.code === 'ENXIO') return undefined
      throw error
    }
  }

  async #walk(path: Uint8Array, follow: boolean): Promise<Found> {
    const held: Entry[] = [{ id: ROOT_ID, attr: await this.#fs.getattr(ROOT_ID) }]
    const ahead = split(path)
    try {
      for (let links = 0; ahead.length > 0; ) {
        const name = ahead.shift() as Uint8Array
        const here = held.at(-1) as Entry
        if (isName(name, '.')) continue
        if (isName(name, '..')) {
          if (held.length > 1) this.release(held.pop() as Entry)
          continue
        }
        const found = await this.#fs.lookup(here.id, name)
        held.push(found)
        if (typeOf(found.attr) !== FILE_TYPE.symlink || (ahead.length === 0 && !follow)) continue
        if (++links > MAX_LINKS) throw errno('ELOOP')
        ahead.unshift(...insideTarget(await this.#fs.readlink(found.id)))
        this.release(held.pop() as Entry)
      }
      return held.pop() as Entry
    } finally {
      for (const entry of held) this.release(entry)
    }
  }

  async #about<T>(path: string, work: () => Promise<T>): Promise<T> {
    try {
      return await work()
    } catch (error) {
      throw error instanceof Errno ? new PathError(path, error.code satisfies ErrnoName) : error
    }
  }
}

/** `a/b/c` is `a/b` and `c`; slashes at the end count for nothing. */
export function splitLast(path: string): [string, string] {
  const trimmed = path.replace(/\/+$/, '')
  const cut = trimmed.lastIndexOf('/')
  return [trimmed.slice(0, cut + 1), trimmed.slice(cut + 1)]
}

function split(path: Uint8Array): Uint8Array[] {
  const names: Uint8Array[] = []
  let start = 0
  for (let i = 0; i <= path.length; i++) {
    if (i < path.length && path[i] !== 0x2f) continue
    if (i > start) names.push(path.subarray(start, i))
    start = i + 1
  }
  return names
}

function insideTarget(target: Uint8Array): Uint8Array[] {
  if (target[0] === 0x2f) throw errno('EXDEV')
  return split(target)
}

function isName(name: Uint8Array, dots: keyof typeof ENDS): boolean {
  return name.length === ENDS[dots].length && name.every((byte) => byte === 0x2e)
}
