/**
 * The kernel's FUSE protocol, version 7: numbers and layouts. Source: include/uapi/linux/fuse.h
 * @packageDocumentation
 */
import type { Attr, Time } from '../vfs/filesystem.js'

export const OP = {
  LOOKUP: 1, FORGET: 2, GETATTR: 3, SETATTR: 4, READLINK: 5, SYMLINK: 6, MKNOD: 8, MKDIR: 9, UNLINK: 10, RMDIR: 11,
  RENAME: 12, LINK: 13, OPEN: 14, READ: 15, WRITE: 16, STATFS: 17, RELEASE: 18, FSYNC: 20, SETXATTR: 21, GETXATTR: 22,
  LISTXATTR: 23, REMOVEXATTR: 24, FLUSH: 25, INIT: 26, OPENDIR: 27, READDIR: 28, RELEASEDIR: 29, FSYNCDIR: 30,
  GETLK: 31, SETLK: 32, SETLKW: 33, ACCESS: 34, CREATE: 35, INTERRUPT: 36, DESTROY: 38, IOCTL: 39, POLL: 40,
  BATCH_FORGET: 42, FALLOCATE: 43, READDIRPLUS: 44, RENAME2: 45, LSEEK: 46, COPY_FILE_RANGE: 47, SYNCFS: 50, TMPFILE: 51, STATX: 52,
} as const

export const IN_HEADER_BYTES = 40
export const OUT_HEADER_BYTES = 16
export const ATTR_BYTES = 88
export const ENTRY_BYTES = 40 + ATTR_BYTES
export const MAX_WRITE = 1024 * 1024

/** What is asked of the kernel at INIT, where it offers it. */
export const INIT_FLAGS =
  (1 << 0) | // ASYNC_READ
  (1 << 4) | // EXPORT_SUPPORT
  (1 << 5) | // BIG_WRITES
  (1 << 6) | // DONT_MASK
  (1 << 13) | // DO_READDIRPLUS
  (1 << 14) | // READDIRPLUS_AUTO
  (1 << 15) | // ASYNC_DIO
  (1 << 17) | // NO_OPEN_SUPPORT
  (1 << 18) | // PARALLEL_DIROPS
  (1 << 20) | // POSIX_ACL
  (1 << 22) | // MAX_PAGES
  (1 << 23) | // CACHE_SYMLINKS
  (1 << 24) | // NO_OPENDIR_SUPPORT
  (1 << 25) | // EXPLICIT_INVAL_DATA
  (1 << 28) | // HANDLE_KILLPRIV_V2
  (1 << 29) // SETXATTR_EXT

const TWO_32 = 2 ** 32

/** Seconds the kernel may keep what it was told: nobody else changes an embedded space. */
export const VALID_SECONDS = 3600

/** @returns the number, at most 2^53 - 1 exactly; larger ones are rounded and refused by the filesystem */
export function u64(bytes: Buffer, at: number): number {
  return bytes.readUInt32LE(at + 4) * TWO_32 + bytes.readUInt32LE(at)
}

export function putU64(bytes: Buffer, at: number, value: number): void {
  bytes.writeUInt32LE(value % TWO_32, at)
  bytes.writeUInt32LE(Math.floor(value / TWO_32), at + 4)
}

export function i64(bytes: Buffer, at: number): number {
  return bytes.readInt32LE(at + 4) * TWO_32 + bytes.readUInt32LE(at)
}

export function putTime(bytes: Buffer, at: number, nsAt: number, { seconds, nanoseconds }: Time): void {
  const high = Math.floor(seconds / TWO_32)
  bytes.writeUInt32LE(seconds - high * TWO_32, at)
  bytes.writeInt32LE(high, at + 4)
  bytes.writeUInt32LE(nanoseconds, nsAt)
}

export function putAttr(bytes: Buffer, at: number, attr: Attr): void {
  putU64(bytes, at, attr.ino)
  putU64(bytes, at + 8, attr.size)
  putU64(bytes, at + 16, attr.blocks)
  putTime(bytes, at + 24, at + 48, attr.atime)
  putTime(bytes, at + 32, at + 52, attr.mtime)
  putTime(bytes, at + 40, at + 56, attr.ctime)
  bytes.writeUInt32LE(attr.mode, at + 60)
  bytes.writeUInt32LE(attr.nlink, at + 64)
  bytes.writeUInt32LE(attr.uid, at + 68)
  bytes.writeUInt32LE(attr.gid, at + 72)
  bytes.writeUInt32LE(attr.rdev, at + 76)
  bytes.writeUInt32LE(attr.blksize, at + 80)
  bytes.writeUInt32LE(0, at + 84)
}

/** Bytes of a name up to its NUL, copied: an operation may run again after the request's buffer was used anew. */
export function cstring(bytes: Buffer, at: number): Buffer {
  const end = bytes.indexOf(0, at)
  return Buffer.from(bytes.subarray(at, end < 0 ? bytes.length : end))
}
