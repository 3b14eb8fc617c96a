/**
 * One random operation done in two directories; what each said must be the same.
 * @packageDocumentation
 */
import fs from 'node:fs'
import { dirname, join } from 'node:path'
import fc from 'fast-check'
import { copyFileRange, fallocate, getxattr, listxattr, mknod, removexattr, renameat2, setxattr } from './libc.js'

/** A name of at most three levels over five letters: collisions are wanted. */
const path = fc.array(fc.constantFrom('a', 'b', 'c', 'd', 'long'.repeat(60)), { minLength: 1, maxLength: 3 }).map((parts) => parts.join('/'))
const size = fc.oneof(fc.nat(100), fc.nat(40_000), fc.nat(600_000), fc.constantFrom(0, 32_768, 32_769, 262_144, 5_242_880, 5_500_000))
const length = fc.oneof(fc.nat(200), fc.nat(40_000), fc.nat(300_000))
const slot = fc.nat(3)
const mode = fc.constantFrom(0o644, 0o600, 0o755, 0o4755, 0o2711, 0o1777, 0)
const id = fc.constantFrom(0, 1, 1000, 65534)
const seconds = fc.constantFrom(-1_000_000_000, -1, 0, 1, 500_000_000, 900_000_000)
const attribute = fc.constantFrom('user.a', 'user.b', 'trusted.c', 'security.d')
const seed = fc.nat(255)
function op<const K extends string, T extends object>(kind: K, fields: { [P in keyof T]: fc.Arbitrary<T[P]> }): fc.Arbitrary<T & { readonly kind: K }> {
  return fc.record<T>(fields).map((made) => ({ ...made, kind }))
}

export const operation = fc.oneof(
  { weight: 6, arbitrary: op('write', { path, at: size, length, seed }) },
  { weight: 3, arbitrary: op('append', { path, length, seed }) },
  { weight: 3, arbitrary: op('create', { path, mode }) },
  { weight: 3, arbitrary: op('truncate', { path, size }) },
  { weight: 5, arbitrary: op('mkdir', { path, mode }) },
  { weight: 4, arbitrary: op('unlink', { path }) },
  { weight: 2, arbitrary: op('rmdir', { path }) },
  { weight: 6, arbitrary: op('rename', { path, to: path, flags: fc.constantFrom(0, 0, 0, 1, 2) }) },
  { weight: 4, arbitrary: op('link', { path, to: path }) },
  { weight: 2, arbitrary: op('symlink', { path, target: fc.constantFrom('a', '../b', 'x'.repeat(1000), '/proc/nowhere') }) },
  { weight: 2, arbitrary: op('mknod', { path, type: fc.constantFrom(0o010000, 0o140000, 0o020000, 0o060000) }) },
  { weight: 2, arbitrary: op('chmod', { path, mode }) },
  { weight: 2, arbitrary: op('chown', { path, uid: id, gid: id }) },
  { weight: 2, arbitrary: op('utimes', { path, atime: seconds, mtime: seconds }) },
  { weight: 3, arbitrary: op('setxattr', { path, name: attribute, length: fc.nat(300), flags: fc.constantFrom(0, 0, 1, 2) }) },
  { weight: 1, arbitrary: op('removexattr', { path, name: attribute }) },
  { weight: 3, arbitrary: op('open', { path, slot, flags: fc.constantFrom('r+', 'w+', 'a+', 'wx+') }) },
  { weight: 3, arbitrary: op('close', { slot }) },
  { weight: 3, arbitrary: op('pwrite', { slot, at: size, length, seed }) },
  { weight: 3, arbitrary: op('pread', { slot, at: size, length }) },
  { weight: 2, arbitrary: op('ftruncate', { slot, size }) },
  { weight: 2, arbitrary: op('punch', { slot, at: size, length: length.map((n) => n + 1) }) },
  { weight: 2, arbitrary: op('zero', { slot, at: size, length: length.map((n) => n + 1), keep: fc.boolean() }) },
  { weight: 1, arbitrary: op('allocate', { slot, at: size, length: length.map((n) => n + 1), keep: fc.boolean() }) },
  { weight: 2, arbitrary: op('copy', { slot, to: slot, at: size, toAt: size, length }) },
  { weight: 1, arbitrary: op('fsync', { slot }) },
  { weight: 2, arbitrary: op('fstat', { slot }) },
  { weight: 1, arbitrary: op('readlink', { path }) },
  { weight: 2, arbitrary: op('readdir', { path }) },
)
export type Operation = typeof operation extends fc.Arbitrary<infer T> ? T : never

function pattern(count: number, first: number): Buffer {
  const bytes = Buffer.alloc(count)
  for (let i = 0; i < count; i++) bytes[i] = (first + i * 31 + (i >> 8)) & 255
  return bytes
}

/** A directory that operations are done in, with the descriptors they left open. */
export class Side {
  readonly root: string
  readonly #open: (number | undefined)[] = []

  constructor(root: string) {
    this.root = root
    fs.mkdirSync(root, { recursive: true })
  }

  /** What the operation gave, or the code it failed with. */
  do(operation: Operation): unknown {
    try {
      return this.#apply(operation) ?? 'done'
    } catch (error) {
      return (error as NodeJS.ErrnoException).code ?? String(error)
    }
  }

  /** What a program can find out about the places an operation touched. */
  after(operation: Operation): unknown {
    const paths = [...('path' in operation ? [operation.path] : []), ...('to' in operation && typeof operation.to === 'string' ? [operation.to] : [])]
    const slots = [...('slot' in operation ? [operation.slot] : []), ...('toAt' in operation ? [operation.to] : [])]
    return [
      ...paths.flatMap((path) => [path, dirname(path)]).map((path) => this.#look(() => look(join(this.root, path)))),
      ...slots.map((slot) => this.#look(() => facts(fs.fstatSync(this.#fd(slot), { bigint: true })))),
    ]
  }

  #look(action: () => unknown): unknown {
    try {
      return action()
    } catch (error) {
      return (error as NodeJS.ErrnoException).code ?? String(error)
    }
  }

  closeAll(): void {
    for (const fd of this.#open) if (fd !== undefined) fs.closeSync(fd)
    this.#open.length = 0
  }

  #fd(slot: number): number {
    const fd = this.#open[slot]
    if (fd === undefined) throw Object.assign(new Error('not open'), { code: 'EBADF' })
    return fd
  }

  #apply(o: Operation): unknown {
    const at = 'path' in o ? join(this.root, o.path) : ''
    switch (o.kind) {
      case 'write': return this.#with(at, fs.constants.O_WRONLY | fs.constants.O_NONBLOCK, (fd) => fs.writeSync(fd, pattern(o.length, o.seed), 0, o.length, o.at))
      case 'append': return this.#with(at, fs.constants.O_WRONLY | fs.constants.O_APPEND | fs.constants.O_NONBLOCK, (fd) => fs.writeSync(fd, pattern(o.length, o.seed)))
      case 'create': return this.#with(at, fs.constants.O_CREAT | fs.constants.O_RDWR | fs.constants.O_TRUNC | fs.constants.O_NONBLOCK, () => undefined, o.mode)
      case 'truncate': return fs.truncateSync(at, o.size)
      case 'mkdir': return fs.mkdirSync(at, o.mode)
      case 'unlink': return fs.unlinkSync(at)
      case 'rmdir': return fs.rmdirSync(at)
      case 'rename': return renameat2(at, join(this.root, o.to), o.flags)
      case 'link': return fs.linkSync(at, join(this.root, o.to))
      case 'symlink': return fs.symlinkSync(o.target, at)
      case 'mknod': return mknod(at, o.type | 0o644, 0x0103)
      case 'chmod': return fs.chmodSync(at, o.mode)
      case 'chown': return fs.lchownSync(at, o.uid, o.gid)
      case 'utimes': return fs.lutimesSync(at, o.atime, o.mtime)
      case 'setxattr': return setxattr(at, o.name, pattern(o.length, 7), o.flags)
      case 'removexattr': return removexattr(at, o.name)
      case 'open': return this.#openSlot(o.slot, at, o.flags)
      case 'close': return this.#close(o.slot)
      case 'pwrite': return fs.writeSync(this.#fd(o.slot), pattern(o.length, o.seed), 0, o.length, o.at)
      case 'pread': return this.#pread(o.slot, o.at, o.length)
      case 'ftruncate': return fs.ftruncateSync(this.#fd(o.slot), o.size)
      case 'punch': return fallocate(this.#fd(o.slot), 3, o.at, o.length)
      case 'zero': return fallocate(this.#fd(o.slot), 16 | Number(o.keep), o.at, o.length)
      case 'allocate': return fallocate(this.#fd(o.slot), Number(o.keep), o.at, o.length)
      case 'copy': return copyFileRange(this.#fd(o.slot), o.at, this.#fd(o.to), o.toAt, o.length)
      case 'fsync': return fs.fsyncSync(this.#fd(o.slot))
      case 'fstat': return facts(fs.fstatSync(this.#fd(o.slot), { bigint: true }))
      case 'readlink': return fs.readlinkSync(at)
      case 'readdir': return fs.readdirSync(at).sort()
    }
  }

  #close(slot: number): void {
    fs.closeSync(this.#fd(slot))
    this.#open[slot] = undefined
  }

  #with(at: string, flags: number, action: (fd: number) => unknown, mode = 0o644): unknown {
    const fd = fs.openSync(at, flags, mode)
    try {
      return fs.fstatSync(fd).isFile() ? action(fd) : 'special'
    } finally {
      fs.closeSync(fd)
    }
  }

  /** Regular files only: opening a fifo or a device would wait, or do worse. */
  #openSlot(slot: number, at: string, flags: string): unknown {
    const known = fs.statSync(at, { throwIfNoEntry: false })
    if (known !== undefined && !known.isFile()) return 'special'
    const fd = fs.openSync(at, flags)
    const old = this.#open[slot]
    this.#open[slot] = fd
    if (old !== undefined) fs.closeSync(old)
    return undefined
  }

  #pread(slot: number, at: number, length: number): string {
    const bytes = Buffer.alloc(length)
    return bytes.subarray(0, fs.readSync(this.#fd(slot), bytes, 0, length, at)).toString('latin1')
  }
}

/** Later than this a time was set by the clock, and differs between the two. */
const CLOCK = 1_500_000_000_000_000_000n

function facts(s: fs.BigIntStats) {
  const { mode, nlink, uid, gid, rdev } = s
  const times = [s.atimeNs, s.mtimeNs].map((time) => (time > CLOCK ? 'clock' : time))
  return { mode, nlink, uid, gid, rdev, size: s.isDirectory() ? 0n : s.size, mtime: times[1] }
}

function xattrsOf(path: string): string[][] {
  return listxattr(path).map((name) => [name, getxattr(path, name).toString('hex')])
}

function look(path: string): unknown {
  const stat = fs.lstatSync(path, { bigint: true })
  const target = stat.isSymbolicLink() ? fs.readlinkSync(path) : ''
  return { ...facts(stat), xattrs: xattrsOf(path), target }
}

/** Everything a program can find out about a tree, but times of the clock. */
export function picture(root: string): Map<string, unknown> {
  const found = new Map<string, unknown>()
  const links = new Map<bigint, string>()
  const visit = (at: string): void => {
    const full = join(root, at)
    const stat = fs.lstatSync(full, { bigint: true })
    const xattrs = xattrsOf(full)
    const first = links.get(stat.ino) ?? at
    links.set(stat.ino, first)
    const content = stat.isFile() && first === at ? fs.readFileSync(full).toString('latin1') : stat.isSymbolicLink() ? fs.readlinkSync(full) : ''
    found.set(at, { ...facts(stat), xattrs, first, content })
    if (stat.isDirectory()) for (const name of fs.readdirSync(full).sort()) visit(join(at, name))
  }
  visit('.')
  return found
}

/** The first path that two trees disagree on; undefined when they are equal. */
export function difference(a: Map<string, unknown>, b: Map<string, unknown>): string | undefined {
  for (const at of new Set([...a.keys(), ...b.keys()])) {
    const [left, right] = [show(a.get(at)), show(b.get(at))]
    if (left !== right) return `${at}\n${brief(left)}\n${brief(right)}`
  }
  return undefined
}

export function show(value: unknown): string {
  const text = JSON.stringify(value, (_key, item: unknown) => (typeof item === 'bigint' ? String(item) : item)) as string | undefined
  return text ?? 'absent'
}

export function brief(text: string): string {
  return text.length > 600 ? `${text.slice(0, 600)}... (${text.length})` : text
}
