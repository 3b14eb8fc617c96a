/**
 * What each request of the kernel asks of the filesystem, and how the answer is laid out. Source: include/uapi/linux/fuse.h
 *
 * OPEN, OPENDIR and FLUSH are missing on purpose: a kernel that is told ENOSYS once asks no more
 * (docs/decisions/0004-no-handles.md).
 * @packageDocumentation
 */
import { Errno, errno } from '../vfs/errno.js'
import type { AttrChange, Caller, Entry, Filesystem, NodeId, Time } from '../vfs/filesystem.js'
import { putEntry } from './entry.js'
import { directoryReply } from './directory-reply.js'
import { ATTR_BYTES, cstring, ENTRY_BYTES, i64, INIT_FLAGS, MAX_WRITE, NO_REPLY, OP, putAttr, putU64, statfsReply, statxReply, u64, VALID_SECONDS } from './protocol.js'

const NONE = Buffer.alloc(0)
const FOPEN_KEEP_CACHE = 2
const MINOR = 40
export type Reply = Buffer | Uint8Array | undefined | typeof NO_REPLY

/** One request; `body` is valid only until the handler returns. */
export interface Request {
  readonly opcode: number
  readonly unique: string
  readonly id: NodeId
  readonly caller: Caller
  readonly body: Buffer
}

type Handler = (fs: Filesystem, r: Request) => Reply | Promise<Reply>

function then<T>(value: T | Promise<T>, make: (value: T) => Reply): Reply | Promise<Reply> {
  return value instanceof Promise ? value.then(make) : make(value)
}

const empty = (): Reply => NONE

function entryReply(entry: Entry, extra = 0): Buffer {
  const reply = Buffer.alloc(ENTRY_BYTES + extra)
  putEntry(reply, 0, entry)
  return reply
}

/** That a name is not there may be remembered like any other answer. */
const NOT_THERE = (() => {
  const reply = Buffer.alloc(ENTRY_BYTES)
  putU64(reply, 16, VALID_SECONDS)
  return reply
})()

function lookup(fs: Filesystem, r: Request): Reply | Promise<Reply> {
  try {
    const found = fs.lookup(r.id, cstring(r.body, 0))
    return found instanceof Promise ? found.then((entry) => entryReply(entry), notThere) : entryReply(found)
  } catch (error) {
    return notThere(error)
  }
}

function notThere(error: unknown): Reply {
  if (error instanceof Errno && error.code === 'ENOENT') return NOT_THERE
  throw error
}

function attrReply(attr: Entry['attr']): Buffer {
  const reply = Buffer.alloc(16 + ATTR_BYTES)
  putU64(reply, 0, VALID_SECONDS)
  putAttr(reply, 16, attr)
  return reply
}

/** Neither opening nor closing tells us anything: the kernel keeps what is open looked up. */
function openReply(flags: number): Buffer {
  const reply = Buffer.alloc(16)
  reply.writeUInt32LE(flags, 8)
  return reply
}

function createdReply(entry: Entry): Buffer {
  const reply = entryReply(entry, 16)
  openReply(FOPEN_KEEP_CACHE).copy(reply, ENTRY_BYTES)
  return reply
}

function initReply(body: Buffer): Buffer {
  const reply = Buffer.alloc(64)
  reply.writeUInt32LE(7, 0)
  reply.writeUInt32LE(Math.min(body.readUInt32LE(4), MINOR), 4)
  reply.writeUInt32LE(MAX_WRITE, 8) // read-ahead
  reply.writeUInt32LE(body.readUInt32LE(12) & INIT_FLAGS, 12)
  reply.writeUInt16LE(64, 16) // requests in the background
  reply.writeUInt16LE(48, 18)
  reply.writeUInt32LE(MAX_WRITE, 20)
  reply.writeUInt32LE(1, 24) // nanoseconds
  reply.writeUInt16LE(MAX_WRITE / 4096, 28)
  return reply
}

/** fuse_setattr_in: FATTR bits in the order of the kernel's header. */
function attrChange(b: Buffer): AttrChange {
  const valid = b.readUInt32LE(0)
  const time = (at: number, nsAt: number): Time => ({ seconds: i64(b, at), nanoseconds: b.readUInt32LE(nsAt) })
  return {
    ...(valid & 1 ? { mode: b.readUInt32LE(68) } : {}),
    ...(valid & 2 ? { uid: b.readUInt32LE(76) } : {}),
    ...(valid & 4 ? { gid: b.readUInt32LE(80) } : {}),
    ...(valid & 8 ? { size: u64(b, 16) } : {}),
    ...(valid & 16 ? { atime: valid & 128 ? 'now' : time(32, 56) } : {}),
    ...(valid & 32 ? { mtime: valid & 256 ? 'now' : time(40, 60) } : {}),
    ...(valid & 1024 ? { ctime: time(48, 64) } : {}),
    ...(valid & 2048 ? { killPriv: true } : {}),
  }
}

/** What getxattr(2) and listxattr(2) want: the size alone, or the value if it fits. */
function sized(value: Uint8Array, size: number): Reply {
  if (size === 0) {
    const reply = Buffer.alloc(8)
    reply.writeUInt32LE(value.length, 0)
    return reply
  }
  if (value.length > size) throw errno('ERANGE')
  return value
}

/** The body is gone when an answer comes later: its size is read now. */
function sizedFor(r: Request): (value: Uint8Array) => Reply {
  const size = r.body.readUInt32LE(0)
  return (value) => sized(value, size)
}

function namesFor(r: Request): (names: readonly Uint8Array[]) => Reply {
  const fit = sizedFor(r)
  return (names) => fit(joined(names))
}

function rename(fs: Filesystem, r: Request, flags: number, at: number): Reply | Promise<Reply> {
  const from = cstring(r.body, at)
  const to = cstring(r.body, at + from.length + 1)
  return then(fs.rename(r.caller, r.id, from, u64(r.body, 0) as NodeId, to, flags), empty)
}

function createOptions(b: Buffer) {
  return { mode: b.readUInt32LE(4), umask: b.readUInt32LE(8) }
}

function forgetMany(fs: Filesystem, b: Buffer): Reply {
  for (let i = 0, count = b.readUInt32LE(0); i < count; i++) fs.forget(u64(b, 8 + i * 16) as NodeId, u64(b, 16 + i * 16))
  return NO_REPLY
}

function joined(names: readonly Uint8Array[]): Buffer {
  return Buffer.concat(names.flatMap((name) => [name, Buffer.of(0)]))
}

function numberReply(value: number): Buffer {
  const reply = Buffer.alloc(8)
  putU64(reply, 0, value)
  return reply
}

function written(count: number): Buffer {
  const reply = Buffer.alloc(8)
  reply.writeUInt32LE(count, 0)
  return reply
}

export const HANDLERS = new Map<number, Handler>([
  [OP.INIT, (_fs, r) => initReply(r.body)],
  [OP.DESTROY, empty],
  [OP.RELEASE, empty], // of what CREATE opened
  [OP.LOOKUP, (fs, r) => lookup(fs, r)],
  [OP.FORGET, (fs, r) => (fs.forget(r.id, u64(r.body, 0)), NO_REPLY)],
  [OP.BATCH_FORGET, (fs, r) => forgetMany(fs, r.body)],
  [OP.STATX, (fs, r) => then(fs.getattr(r.id), statxReply)],
  [OP.GETATTR, (fs, r) => then(fs.getattr(r.id), attrReply)],
  [OP.SETATTR, (fs, r) => then(fs.setattr(r.caller, r.id, attrChange(r.body)), attrReply)],
  [OP.READLINK, (fs, r) => fs.readlink(r.id)],
  [OP.SYMLINK, (fs, r) => {
    const name = cstring(r.body, 0)
    return then(fs.symlink(r.caller, r.id, name, cstring(r.body, name.length + 1)), entryReply)
  }],
  [OP.MKNOD, (fs, r) => then(fs.mknod(r.caller, r.id, cstring(r.body, 16), { mode: r.body.readUInt32LE(0), umask: r.body.readUInt32LE(8) }, r.body.readUInt32LE(4)), entryReply)],
  [OP.MKDIR, (fs, r) => then(fs.mkdir(r.caller, r.id, cstring(r.body, 8), { mode: r.body.readUInt32LE(0), umask: r.body.readUInt32LE(4) }), entryReply)],
  [OP.UNLINK, (fs, r) => then(fs.unlink(r.caller, r.id, cstring(r.body, 0)), empty)],
  [OP.RMDIR, (fs, r) => then(fs.rmdir(r.caller, r.id, cstring(r.body, 0)), empty)],
  [OP.RENAME, (fs, r) => rename(fs, r, 0, 8)],
  [OP.RENAME2, (fs, r) => rename(fs, r, r.body.readUInt32LE(8), 16)],
  [OP.LINK, (fs, r) => then(fs.link(r.caller, u64(r.body, 0) as NodeId, r.id, cstring(r.body, 8)), entryReply)],
  [OP.CREATE, (fs, r) => then(fs.create(r.caller, r.id, cstring(r.body, 16), createOptions(r.body)), createdReply)],
  [OP.TMPFILE, (fs, r) => then(fs.tmpfile(r.caller, r.id, createOptions(r.body)), createdReply)],
  [OP.READ, (fs, r) => fs.read(r.id, u64(r.body, 8), r.body.readUInt32LE(16))],
  [OP.WRITE, (fs, r) => {
    const length = r.body.readUInt32LE(16)
    const killPriv = (r.body.readUInt32LE(20) & 4) !== 0
    return then(fs.write(r.caller, r.id, u64(r.body, 8), r.body.subarray(40, 40 + length), { killPriv }), written)
  }],
  [OP.STATFS, (fs) => then(fs.statfs(), statfsReply)],
  [OP.FSYNC, (fs, r) => then(fs.fsync(r.id, (r.body.readUInt32LE(8) & 1) !== 0), empty)],
  [OP.SYNCFS, (fs) => then(fs.sync(), empty)],
  [OP.SETXATTR, (fs, r) => {
    const name = cstring(r.body, 16)
    const from = 16 + name.length + 1
    const value = r.body.subarray(from, from + r.body.readUInt32LE(0))
    return then(fs.setxattr(r.caller, r.id, name, value, r.body.readUInt32LE(4), (r.body.readUInt32LE(8) & 1) !== 0), empty)
  }],
  [OP.GETXATTR, (fs, r) => then(fs.getxattr(r.id, cstring(r.body, 8)), sizedFor(r))],
  [OP.LISTXATTR, (fs, r) => then(fs.listxattr(r.id), namesFor(r))],
  [OP.REMOVEXATTR, (fs, r) => then(fs.removexattr(r.caller, r.id, cstring(r.body, 0)), empty)],
  [OP.READDIR, (fs, r) => directoryReply(fs, r.id, u64(r.body, 8), r.body.readUInt32LE(16), false)],
  [OP.READDIRPLUS, (fs, r) => directoryReply(fs, r.id, u64(r.body, 8), r.body.readUInt32LE(16), true)],
  [OP.FSYNCDIR, (fs, r) => then(fs.fsyncdir(r.id), empty)],
  [OP.FALLOCATE, (fs, r) => then(fs.fallocate(r.caller, r.id, r.body.readUInt32LE(24), u64(r.body, 8), u64(r.body, 16)), empty)],
  [OP.LSEEK, (fs, r) => then(fs.lseek(r.id, u64(r.body, 8), r.body.readUInt32LE(16)), numberReply)],
  [OP.COPY_FILE_RANGE, (fs, r) => then(fs.copyFileRange(r.caller, r.id, u64(r.body, 8), u64(r.body, 16) as NodeId, u64(r.body, 32), u64(r.body, 40)), written)],
])
