/**
 * What each request of the kernel asks of the filesystem, and how the answer is laid out. Source: include/uapi/linux/fuse.h
 *
 * OPEN, OPENDIR and FLUSH are missing on purpose: a kernel that is told ENOSYS once asks no more
 * (docs/decisions/0004-no-handles.md).
 * @packageDocumentation
 */
import { Errno, errno } from '../vfs/errno.js'
import type { Awaitable } from '../lib/brand.js'
import type { Attr, AttrChange, Caller, CreateOptions, Entry, Filesystem, NodeId, Time } from '../vfs/filesystem.js'
import { putEntry } from './entry.js'
import { directoryReply, entriesIn } from './directory-reply.js'
import { ATTR_BYTES, cstring, ENTRY_BYTES, i64, INIT_FLAGS, MAX_WRITE, OP, putAttr, putU64, u64, VALID_SECONDS } from './protocol.js'
import type { ReplyBuffer } from './reply-buffer.js'
import { statfsReply, statxReply } from './stat-reply.js'

const FOPEN_KEEP_CACHE = 2
const MINOR = 40

/** One request; `body` is valid only until `run` returns. */
export interface Request {
  readonly id: NodeId
  readonly caller: Caller
  readonly body: Buffer
}

/**
 * A request done and its answer laid out, in two steps: what `run` gives may come later, and `reply` then writes it
 * into the one buffer that all answers are sent from.
 */
export interface Operation<T> {
  run(fs: Filesystem, request: Request): Awaitable<T>
  /** Fills `out`, which is all zeros as far as it was asked for; gives the bytes used, or a body to send as it is. */
  reply(value: T, out: ReplyBuffer): number | Uint8Array
}

/** What no answer is given to. */
export const SILENT = new Set<number>([OP.FORGET, OP.BATCH_FORGET])

/** These change nothing: who is killed may be let go while the filesystem still works on them. Others would happen, and say they had not. */
export const INTERRUPTIBLE: ReadonlySet<number> = new Set([
  OP.LOOKUP, OP.GETATTR, OP.STATX, OP.READLINK, OP.READ, OP.READDIR, OP.READDIRPLUS, OP.STATFS, OP.FSYNC, OP.FSYNCDIR, OP.SYNCFS, OP.GETXATTR, OP.LISTXATTR, OP.LSEEK,
])

const GIVES_ENTRY: ReadonlySet<number> = new Set([OP.LOOKUP, OP.SYMLINK, OP.MKNOD, OP.MKDIR, OP.LINK, OP.CREATE, OP.TMPFILE])

/** The inodes that `value`, as `run` gave it, counts a lookup of. */
export function lookupsCounted(opcode: number, value: unknown): NodeId[] {
  if (opcode === OP.READDIRPLUS) return entriesIn(value as Buffer)
  return GIVES_ENTRY.has(opcode) && value !== undefined ? [(value as Entry).id] : []
}

const empty = (): number => 0
const bytesAsTheyAre = (bytes: Uint8Array): Uint8Array => bytes

function operation<T>(run: Operation<T>['run'], reply: Operation<T>['reply']): Operation<unknown> {
  return { run, reply }
}

function entryReply(entry: Entry, out: ReplyBuffer): number {
  putEntry(out.take(ENTRY_BYTES), 0, entry)
  return ENTRY_BYTES
}

/** Undefined when the name is not there, which may be remembered like any other answer. */
function lookup(fs: Filesystem, r: Request): Awaitable<Entry | undefined> {
  try {
    const found = fs.lookup(r.id, cstring(r.body, 0))
    return found instanceof Promise ? found.catch(notThere) : found
  } catch (error) {
    return notThere(error)
  }
}

function notThere(error: unknown): undefined {
  if (error instanceof Errno && error.code === 'ENOENT') return undefined
  throw error
}

function lookupReply(entry: Entry | undefined, out: ReplyBuffer): number {
  if (entry !== undefined) return entryReply(entry, out)
  putU64(out.take(ENTRY_BYTES), 16, VALID_SECONDS)
  return ENTRY_BYTES
}

function attrReply(attr: Attr, out: ReplyBuffer): number {
  const bytes = out.take(16 + ATTR_BYTES)
  putU64(bytes, 0, VALID_SECONDS)
  putAttr(bytes, 16, attr)
  return bytes.length
}

/** fuse_entry_out and fuse_open_out. The handle is 0: closing tells us nothing, the kernel keeps what is open looked up. */
function createdReply(entry: Entry, out: ReplyBuffer): number {
  const bytes = out.take(ENTRY_BYTES + 16)
  putEntry(bytes, 0, entry)
  bytes.writeUInt32LE(FOPEN_KEEP_CACHE, ENTRY_BYTES + 8)
  return bytes.length
}

function initReply(offered: { readonly minor: number; readonly flags: number }, out: ReplyBuffer): number {
  const bytes = out.take(64)
  bytes.writeUInt32LE(7, 0)
  bytes.writeUInt32LE(Math.min(offered.minor, MINOR), 4)
  bytes.writeUInt32LE(MAX_WRITE, 8) // read-ahead
  bytes.writeUInt32LE(offered.flags & INIT_FLAGS, 12)
  bytes.writeUInt16LE(64, 16) // requests in the background
  bytes.writeUInt16LE(48, 18)
  bytes.writeUInt32LE(MAX_WRITE, 20)
  bytes.writeUInt32LE(1, 24) // nanoseconds
  bytes.writeUInt16LE(MAX_WRITE / 4096, 28)
  return bytes.length
}

/** fuse_setattr_in: FATTR bits in the order of the kernel's header. */
function attrChange(b: Buffer): AttrChange {
  const valid = b.readUInt32LE(0)
  const change: { -readonly [K in keyof AttrChange]: AttrChange[K] } = {}
  if (valid & 1) change.mode = b.readUInt32LE(68)
  if (valid & 2) change.uid = b.readUInt32LE(76)
  if (valid & 4) change.gid = b.readUInt32LE(80)
  if (valid & 8) change.size = u64(b, 16)
  if (valid & 16) change.atime = valid & 128 ? 'now' : timeAt(b, 32, 56)
  if (valid & 32) change.mtime = valid & 256 ? 'now' : timeAt(b, 40, 60)
  if (valid & 1024) change.ctime = timeAt(b, 48, 64)
  if (valid & 2048) change.killPriv = true
  return change
}

function timeAt(b: Buffer, at: number, nsAt: number): Time {
  return { seconds: i64(b, at), nanoseconds: b.readUInt32LE(nsAt) }
}

/** A value, and how much of it getxattr(2) or listxattr(2) has room for: 0 asks for the size alone. */
interface Sized {
  readonly value: Uint8Array
  readonly room: number
}

function sizedFor(r: Request): (value: Uint8Array) => Sized {
  const room = r.body.readUInt32LE(0)
  return (value) => ({ value, room })
}

function sizedReply({ value, room }: Sized, out: ReplyBuffer): number | Uint8Array {
  if (room === 0) return countReply(value.length, out)
  if (value.length > room) throw errno('ERANGE')
  return value
}

function then<T, U>(value: Awaitable<T>, make: (value: T) => U): Awaitable<U> {
  return value instanceof Promise ? value.then(make) : make(value)
}

function rename(fs: Filesystem, r: Request, flags: number, at: number): Awaitable<void> {
  const from = cstring(r.body, at)
  const to = cstring(r.body, at + from.length + 1)
  return fs.rename(r.caller, r.id, from, u64(r.body, 0) as NodeId, to, flags)
}

function symlink(fs: Filesystem, r: Request): Awaitable<Entry> {
  const name = cstring(r.body, 0)
  return fs.symlink(r.caller, r.id, name, cstring(r.body, name.length + 1))
}

function mknod(fs: Filesystem, r: Request): Awaitable<Entry> {
  const options = { mode: r.body.readUInt32LE(0), umask: r.body.readUInt32LE(8) }
  return fs.mknod(r.caller, r.id, cstring(r.body, 16), options, r.body.readUInt32LE(4))
}

function mkdir(fs: Filesystem, r: Request): Awaitable<Entry> {
  return fs.mkdir(r.caller, r.id, cstring(r.body, 8), { mode: r.body.readUInt32LE(0), umask: r.body.readUInt32LE(4) })
}

function createOptions(b: Buffer): CreateOptions {
  return { mode: b.readUInt32LE(4), umask: b.readUInt32LE(8) }
}

function write(fs: Filesystem, r: Request): Awaitable<number> {
  const length = r.body.readUInt32LE(16)
  const killPriv = (r.body.readUInt32LE(20) & 4) !== 0
  return fs.write(r.caller, r.id, u64(r.body, 8), r.body.subarray(40, 40 + length), { killPriv })
}

function setxattr(fs: Filesystem, r: Request): Awaitable<void> {
  const name = cstring(r.body, 16)
  const from = 16 + name.length + 1
  const value = r.body.subarray(from, from + r.body.readUInt32LE(0))
  return fs.setxattr(r.caller, r.id, name, value, r.body.readUInt32LE(4), (r.body.readUInt32LE(8) & 1) !== 0)
}

function copyFileRange(fs: Filesystem, r: Request): Awaitable<number> {
  const b = r.body
  return fs.copyFileRange(r.caller, r.id, u64(b, 8), u64(b, 16) as NodeId, u64(b, 32), u64(b, 40))
}

function forgetMany(fs: Filesystem, b: Buffer): void {
  for (let i = 0, count = b.readUInt32LE(0); i < count; i++) fs.forget(u64(b, 8 + i * 16) as NodeId, u64(b, 16 + i * 16))
}

/** The kernel keeps `trusted.` values from ordinary users itself, but leaves the list to us. */
function namesFor({ uid }: Caller): (names: readonly Uint8Array[]) => Uint8Array {
  return (names) => Buffer.concat(names.filter((name) => uid === 0 || !isTrusted(name)).flatMap((name) => [name, Buffer.of(0)]))
}

const TRUSTED = Buffer.from('trusted.')

function isTrusted(name: Uint8Array): boolean {
  return TRUSTED.equals(name.subarray(0, TRUSTED.length))
}

/** 64 bits. */
function numberReply(value: number, out: ReplyBuffer): number {
  putU64(out.take(8), 0, value)
  return 8
}

/** 32 bits, and 32 of padding. */
function countReply(count: number, out: ReplyBuffer): number {
  out.take(8).writeUInt32LE(count, 0)
  return 8
}

export const OPERATIONS = new Map<number, Operation<unknown>>([
  [OP.INIT, operation((_fs, r) => ({ minor: r.body.readUInt32LE(4), flags: r.body.readUInt32LE(12) }), initReply)],
  [OP.DESTROY, operation((fs) => fs.sync(), empty)],
  [OP.RELEASE, operation(() => undefined, empty)], // of what CREATE opened
  [OP.LOOKUP, operation(lookup, lookupReply)],
  [OP.FORGET, operation((fs, r) => fs.forget(r.id, u64(r.body, 0)), empty)],
  [OP.BATCH_FORGET, operation((fs, r) => forgetMany(fs, r.body), empty)],
  [OP.STATX, operation((fs, r) => fs.getattr(r.id), statxReply)],
  [OP.GETATTR, operation((fs, r) => fs.getattr(r.id), attrReply)],
  [OP.SETATTR, operation((fs, r) => fs.setattr(r.caller, r.id, attrChange(r.body)), attrReply)],
  [OP.READLINK, operation((fs, r) => fs.readlink(r.id), bytesAsTheyAre)],
  [OP.SYMLINK, operation(symlink, entryReply)],
  [OP.MKNOD, operation(mknod, entryReply)],
  [OP.MKDIR, operation(mkdir, entryReply)],
  [OP.UNLINK, operation((fs, r) => fs.unlink(r.caller, r.id, cstring(r.body, 0)), empty)],
  [OP.RMDIR, operation((fs, r) => fs.rmdir(r.caller, r.id, cstring(r.body, 0)), empty)],
  [OP.RENAME, operation((fs, r) => rename(fs, r, 0, 8), empty)],
  [OP.RENAME2, operation((fs, r) => rename(fs, r, r.body.readUInt32LE(8), 16), empty)],
  [OP.LINK, operation((fs, r) => fs.link(r.caller, u64(r.body, 0) as NodeId, r.id, cstring(r.body, 8)), entryReply)],
  [OP.CREATE, operation((fs, r) => fs.create(r.caller, r.id, cstring(r.body, 16), createOptions(r.body)), createdReply)],
  [OP.TMPFILE, operation((fs, r) => fs.tmpfile(r.caller, r.id, createOptions(r.body)), createdReply)],
  [OP.READ, operation((fs, r) => fs.read(r.id, u64(r.body, 8), r.body.readUInt32LE(16)), bytesAsTheyAre)],
  [OP.WRITE, operation(write, countReply)],
  [OP.STATFS, operation((fs) => fs.statfs(), statfsReply)],
  [OP.FSYNC, operation((fs, r) => fs.fsync(r.id, (r.body.readUInt32LE(8) & 1) !== 0), empty)],
  [OP.SYNCFS, operation((fs) => fs.sync(), empty)],
  [OP.SETXATTR, operation(setxattr, empty)],
  [OP.GETXATTR, operation((fs, r) => then(fs.getxattr(r.id, cstring(r.body, 8)), sizedFor(r)), sizedReply)],
  [OP.LISTXATTR, operation((fs, r) => then(then(fs.listxattr(r.id), namesFor(r.caller)), sizedFor(r)), sizedReply)],
  [OP.REMOVEXATTR, operation((fs, r) => fs.removexattr(r.caller, r.id, cstring(r.body, 0)), empty)],
  [OP.READDIR, operation((fs, r) => directoryReply(fs, r.id, u64(r.body, 8), r.body.readUInt32LE(16), false), bytesAsTheyAre)],
  [OP.READDIRPLUS, operation((fs, r) => directoryReply(fs, r.id, u64(r.body, 8), r.body.readUInt32LE(16), true), bytesAsTheyAre)],
  [OP.FSYNCDIR, operation((fs, r) => fs.fsyncdir(r.id), empty)],
  [OP.FALLOCATE, operation((fs, r) => fs.fallocate(r.caller, r.id, r.body.readUInt32LE(24), u64(r.body, 8), u64(r.body, 16)), empty)],
  [OP.LSEEK, operation((fs, r) => fs.lseek(r.id, u64(r.body, 8), r.body.readUInt32LE(16)), numberReply)],
  [OP.COPY_FILE_RANGE, operation(copyFileRange, countReply)],
])
