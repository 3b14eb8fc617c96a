/**
 * What a kernel (or a test, or WebDAV) asks of a filesystem: the operations of the manual pages, by inode.
 *
 * Names are bytes. Every operation may answer at once or later; it throws, or rejects with, an `Errno` for an
 * ordinary refusal and a BrochError for a failure. Permission bits are the caller's business (the kernel checks them
 * with `default_permissions`); what only the filesystem can do (setgid inheritance, clearing setuid, ACL masks) is done here.
 * @packageDocumentation
 */
import type { Awaitable, Brand } from '../lib/brand.js'

/**
 * Names an inode from its first lookup until the last is taken back. 1 is the root; none is used twice in a mount.
 * There are no handles: who has a file open holds a lookup of it, and a file without a name lives as long as that.
 */
export type NodeId = Brand<number, 'NodeId'>

export const ROOT_ID = 1 as NodeId

/** Who asks. */
export interface Caller {
  readonly uid: number
  readonly gid: number
  readonly pid: number
}

/** Seconds (signed, whole) and nanoseconds (0 to 999,999,999). */
export interface Time {
  readonly seconds: number
  readonly nanoseconds: number
}

/** As stat(2). `mode` holds the file type too. */
export interface Attr {
  readonly ino: number // stable across mounts, at most 2^53 - 1
  readonly size: number
  readonly blocks: number // of 512 bytes, allocated
  readonly atime: Time
  readonly mtime: Time
  readonly ctime: Time
  readonly btime: Time
  readonly mode: number
  readonly nlink: number
  readonly uid: number
  readonly gid: number
  readonly rdev: number // as the kernel encodes it in 32 bits
  readonly blksize: number
}

/** A found or new inode. Each one given out is a lookup that `forget` takes back. */
export interface Entry {
  readonly id: NodeId
  readonly attr: Attr
}

export type TimeChange = Time | 'now'

/** What setattr is to change; absent fields stay. */
export interface AttrChange {
  readonly mode?: number
  readonly uid?: number
  readonly gid?: number
  readonly size?: number
  readonly atime?: TimeChange
  readonly mtime?: TimeChange
  readonly ctime?: Time
  /** Clear setuid and setgid as a write by a user without CAP_FSETID does (FATTR_KILL_SUIDGID). */
  readonly killPriv?: boolean
}

export interface CreateOptions {
  readonly mode: number // type bits may be absent: a regular file then
  readonly umask: number
}

/** One entry of a listing. */
export interface DirEntry {
  readonly name: Uint8Array
  readonly ino: number
  readonly type: number // DT_*: mode >> 12
  /** Position after this entry: give it to the next readdir. Survives changes of the directory. */
  readonly cookie: number
}

/** Takes one entry; false when it did not fit (it is then given again next time). */
export type DirSink = (entry: DirEntry) => boolean
/** As DirSink, with the inode looked up; undefined for `.` and `..`, which count no lookup. */
export type DirPlusSink = (entry: DirEntry, found: Entry | undefined) => boolean

export interface Statfs {
  readonly blockSize: number
  readonly blocks: number
  readonly blocksFree: number
  readonly blocksAvailable: number
  readonly files: number
  readonly filesFree: number
  readonly nameMax: number
}

export interface WriteOptions {
  /** Clear setuid/setgid (FUSE_WRITE_KILL_SUIDGID). */
  readonly killPriv: boolean
}

/** Told when something changed behind the kernel's back (another device). */
export interface Watcher {
  invalidateInode(id: NodeId): void
  invalidateEntry(parent: NodeId, name: Uint8Array): void
}

export const RENAME_NOREPLACE = 1
export const RENAME_EXCHANGE = 2
export const XATTR_CREATE = 1
export const XATTR_REPLACE = 2
export const FALLOC_KEEP_SIZE = 0x01
export const FALLOC_PUNCH_HOLE = 0x02
export const FALLOC_ZERO_RANGE = 0x10

export interface Filesystem {
  lookup(parent: NodeId, name: Uint8Array): Awaitable<Entry>
  /** Takes back `count` lookups. */
  forget(id: NodeId, count: number): void
  getattr(id: NodeId): Awaitable<Attr>
  setattr(caller: Caller, id: NodeId, change: AttrChange): Awaitable<Attr>
  readlink(id: NodeId): Awaitable<Uint8Array>

  create(caller: Caller, parent: NodeId, name: Uint8Array, options: CreateOptions): Awaitable<Entry>
  /** A file without a name (O_TMPFILE). */
  tmpfile(caller: Caller, parent: NodeId, options: CreateOptions): Awaitable<Entry>
  mknod(caller: Caller, parent: NodeId, name: Uint8Array, options: CreateOptions, rdev: number): Awaitable<Entry>
  mkdir(caller: Caller, parent: NodeId, name: Uint8Array, options: CreateOptions): Awaitable<Entry>
  symlink(caller: Caller, parent: NodeId, name: Uint8Array, target: Uint8Array): Awaitable<Entry>
  link(caller: Caller, id: NodeId, parent: NodeId, name: Uint8Array): Awaitable<Entry>
  unlink(caller: Caller, parent: NodeId, name: Uint8Array): Awaitable<void>
  rmdir(caller: Caller, parent: NodeId, name: Uint8Array): Awaitable<void>
  rename(caller: Caller, from: NodeId, name: Uint8Array, to: NodeId, toName: Uint8Array, flags: number): Awaitable<void>

  /** At most `length` bytes; fewer only at the end of the file. The bytes are valid until the next call. */
  read(id: NodeId, offset: number, length: number): Awaitable<Uint8Array>
  /** `data` is valid only during the call: what is kept is copied before it returns. */
  write(caller: Caller, id: NodeId, offset: number, data: Uint8Array, options: WriteOptions): Awaitable<number>
  fsync(id: NodeId, dataOnly: boolean): Awaitable<void>
  fallocate(caller: Caller, id: NodeId, mode: number, offset: number, length: number): Awaitable<void>
  /** SEEK_DATA (3) and SEEK_HOLE (4). */
  lseek(id: NodeId, offset: number, whence: number): Awaitable<number>
  copyFileRange(caller: Caller, from: NodeId, fromOffset: number, to: NodeId, toOffset: number, length: number): Awaitable<number>

  /** From the position `cookie` (0 is the start), `.` and `..` first, until the sink refuses or the end. */
  readdir(id: NodeId, cookie: number, sink: DirSink): Awaitable<void>
  readdirplus(id: NodeId, cookie: number, sink: DirPlusSink): Awaitable<void>
  fsyncdir(id: NodeId): Awaitable<void>

  getxattr(id: NodeId, name: Uint8Array): Awaitable<Uint8Array>
  listxattr(id: NodeId): Awaitable<readonly Uint8Array[]>
  setxattr(caller: Caller, id: NodeId, name: Uint8Array, value: Uint8Array, flags: number, killSgid: boolean): Awaitable<void>
  removexattr(caller: Caller, id: NodeId, name: Uint8Array): Awaitable<void>

  statfs(): Awaitable<Statfs>
  /** Everything acknowledged is durable when this resolves. */
  sync(): Awaitable<void>
  watch(watcher: Watcher): void
}
