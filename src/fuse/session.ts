/**
 * Requests of the kernel, answered by a Filesystem: at once where it answers at once.
 * @packageDocumentation
 */
import { ERRNO, errno } from '../vfs/errno.js'
import type { AttrChange, Caller, Entry, Filesystem, Handle, NodeId, Time } from '../vfs/filesystem.js'
import { putEntry, VALID_SECONDS } from './entry.js'
import { errnoOf } from './errno.js'
import { directoryReply } from './directory-reply.js'
import { lockReply, lockRequest } from './lock-messages.js'
import { ATTR_BYTES, cstring, ENTRY_BYTES, i64, IN_HEADER_BYTES, INIT_FLAGS, MAX_WRITE, OP, OUT_HEADER_BYTES, putAttr, putU64, statfsReply, u64 } from './protocol.js'

const NONE = Buffer.alloc(0)
const FOPEN_KEEP_CACHE = 2
const NO_REPLY = Symbol('no reply')
type Reply = Buffer | Uint8Array | undefined | typeof NO_REPLY

/** One request; `body` is valid only until the handler returns. */
export interface Request {
  readonly opcode: number
  readonly unique: string
  readonly id: NodeId
  readonly caller: Caller
  readonly body: Buffer
}

export interface SessionOptions {
  readonly send: (header: Buffer, data: Uint8Array) => void
  readonly onFault: (error: unknown) => void
}

type Handler = (fs: Filesystem, r: Request) => Reply | Promise<Reply>

export class Session {
  readonly #fs: Filesystem
  readonly #options: SessionOptions
  readonly #waiting = new Map<string, AbortController>()

  constructor(fs: Filesystem, options: SessionOptions) {
    this.#fs = fs
    this.#options = options
  }

  /** @param bytes - one whole request; not kept */
  receive(bytes: Buffer): void {
    const unique = bytes.toString('latin1', 8, 16)
    const request = {
      opcode: bytes.readUInt32LE(4),
      unique,
      id: u64(bytes, 16) as NodeId,
      caller: { uid: bytes.readUInt32LE(24), gid: bytes.readUInt32LE(28), pid: bytes.readUInt32LE(32) },
      body: bytes.subarray(IN_HEADER_BYTES),
    }
    try {
      const reply = this.#dispatch(request)
      if (reply instanceof Promise) this.#later(unique, reply)
      else this.#answer(unique, 0, reply)
    } catch (error) {
      this.#fail(unique, error)
    }
  }

  #dispatch(r: Request): Reply | Promise<Reply> {
    if (r.opcode === OP.INTERRUPT) {
      this.#waiting.get(r.body.toString('latin1', 0, 8))?.abort()
      return NO_REPLY
    }
    if (r.opcode === OP.SETLK || r.opcode === OP.SETLKW) return this.#setlk(r)
    const handler = HANDLERS.get(r.opcode)
    if (handler === undefined) return this.#refuse(r.unique, ERRNO.ENOSYS)
    return handler(this.#fs, r)
  }

  #setlk(r: Request): Reply | Promise<Reply> {
    const controller = new AbortController()
    const wait = r.opcode === OP.SETLKW
    const done = this.#fs.setlk(handleOf(r), { ...lockRequest(r.body), wait, signal: controller.signal })
    if (!(done instanceof Promise)) return NONE
    this.#waiting.set(r.unique, controller)
    return done.then(() => NONE).finally(() => this.#waiting.delete(r.unique))
  }

  #later(unique: string, reply: Promise<Reply>): void {
    reply.then(
      (value) => {
        this.#answer(unique, 0, value)
      },
      (error: unknown) => {
        this.#fail(unique, error)
      },
    )
  }

  #fail(unique: string, error: unknown): void {
    const code = errnoOf(error)
    if (code === ERRNO.EIO) this.#options.onFault(error)
    this.#answer(unique, code, NONE)
  }

  #refuse(unique: string, code: number): typeof NO_REPLY {
    this.#answer(unique, code, NONE)
    return NO_REPLY
  }

  #answer(unique: string, code: number, reply: Reply): void {
    if (reply === NO_REPLY) return
    const data = reply ?? NONE
    const header = Buffer.allocUnsafe(OUT_HEADER_BYTES)
    header.writeUInt32LE(OUT_HEADER_BYTES + data.length, 0)
    header.writeInt32LE(-code, 4)
    header.write(unique, 8, 'latin1')
    this.#options.send(header, data)
  }
}

function then<T>(value: T | Promise<T>, make: (value: T) => Reply): Reply | Promise<Reply> {
  return value instanceof Promise ? value.then(make) : make(value)
}

const empty = (): Reply => NONE
const handleOf = (r: Request): Handle => u64(r.body, 0) as Handle

function entryReply(entry: Entry, extra = 0): Buffer {
  const reply = Buffer.alloc(ENTRY_BYTES + extra)
  putEntry(reply, 0, entry)
  return reply
}

function attrReply(attr: Entry['attr']): Buffer {
  const reply = Buffer.alloc(16 + ATTR_BYTES)
  putU64(reply, 0, VALID_SECONDS)
  putAttr(reply, 16, attr)
  return reply
}

function openReply(handle: Handle, flags: number): Buffer {
  const reply = Buffer.alloc(16)
  putU64(reply, 0, handle)
  reply.writeUInt32LE(flags, 8)
  return reply
}

function createdReply({ entry, handle }: { entry: Entry; handle: Handle }): Buffer {
  const reply = entryReply(entry, 16)
  openReply(handle, FOPEN_KEEP_CACHE).copy(reply, ENTRY_BYTES)
  return reply
}

function initReply(body: Buffer): Buffer {
  const reply = Buffer.alloc(64)
  reply.writeUInt32LE(7, 0)
  reply.writeUInt32LE(Math.min(body.readUInt32LE(4), 38), 4)
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
  return { flags: b.readUInt32LE(0), mode: b.readUInt32LE(4), umask: b.readUInt32LE(8) }
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

const HANDLERS = new Map<number, Handler>([
  [OP.INIT, (_fs, r) => initReply(r.body)],
  [OP.DESTROY, empty],
  [OP.LOOKUP, (fs, r) => then(fs.lookup(r.id, cstring(r.body, 0)), entryReply)],
  [OP.FORGET, (fs, r) => (fs.forget(r.id, u64(r.body, 0)), NO_REPLY)],
  [OP.BATCH_FORGET, (fs, r) => forgetMany(fs, r.body)],
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
  [OP.OPEN, (fs, r) => then(fs.open(r.caller, r.id, { flags: r.body.readUInt32LE(0), killPriv: (r.body.readUInt32LE(4) & 1) !== 0 }), (h) => openReply(h, FOPEN_KEEP_CACHE))],
  [OP.CREATE, (fs, r) => then(fs.create(r.caller, r.id, cstring(r.body, 16), createOptions(r.body)), createdReply)],
  [OP.TMPFILE, (fs, r) => then(fs.tmpfile(r.caller, r.id, createOptions(r.body)), createdReply)],
  [OP.READ, (fs, r) => fs.read(handleOf(r), u64(r.body, 8), r.body.readUInt32LE(16))],
  [OP.WRITE, (fs, r) => {
    const length = r.body.readUInt32LE(16)
    const killPriv = (r.body.readUInt32LE(20) & 4) !== 0
    return then(fs.write(r.caller, handleOf(r), u64(r.body, 8), r.body.subarray(40, 40 + length), { killPriv }), written)
  }],
  [OP.STATFS, (fs) => then(fs.statfs(), statfsReply)],
  [OP.RELEASE, (fs, r) => then(fs.release(handleOf(r), (r.body.readUInt32LE(12) & 2) !== 0 ? r.body.toString('hex', 16, 24) : undefined), empty)],
  [OP.FLUSH, (fs, r) => then(fs.flush(handleOf(r), r.body.toString('hex', 16, 24)), empty)],
  [OP.FSYNC, (fs, r) => then(fs.fsync(handleOf(r), (r.body.readUInt32LE(8) & 1) !== 0), empty)],
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
  [OP.OPENDIR, (fs, r) => then(fs.opendir(r.id), (h) => openReply(h, 0))],
  [OP.READDIR, (fs, r) => directoryReply(fs, handleOf(r), u64(r.body, 8), r.body.readUInt32LE(16), false)],
  [OP.READDIRPLUS, (fs, r) => directoryReply(fs, handleOf(r), u64(r.body, 8), r.body.readUInt32LE(16), true)],
  [OP.RELEASEDIR, (fs, r) => then(fs.releasedir(handleOf(r)), empty)],
  [OP.FSYNCDIR, (fs, r) => then(fs.fsyncdir(handleOf(r)), empty)],
  [OP.GETLK, (fs, r) => then(fs.getlk(handleOf(r), { ...lockRequest(r.body), wait: false }), (lock) => lockReply(lock))],
  [OP.FALLOCATE, (fs, r) => then(fs.fallocate(r.caller, handleOf(r), r.body.readUInt32LE(24), u64(r.body, 8), u64(r.body, 16)), empty)],
  [OP.LSEEK, (fs, r) => then(fs.lseek(handleOf(r), u64(r.body, 8), r.body.readUInt32LE(16)), numberReply)],
  [OP.COPY_FILE_RANGE, (fs, r) => then(fs.copyFileRange(r.caller, handleOf(r), u64(r.body, 8), u64(r.body, 24) as Handle, u64(r.body, 32), u64(r.body, 40)), written)],
])
