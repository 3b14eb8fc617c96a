/**
 * fuse_statx_out and fuse_statfs_out.
 * @packageDocumentation
 */
import type { Attr, Statfs } from '../vfs/filesystem.js'
import { putTime, putU64, VALID_SECONDS } from './protocol.js'
import type { ReplyBuffer } from './reply-buffer.js'

const STATX_BASIC_STATS = 0x7ff
const STATX_BTIME = 0x800

/** fuse_statx_out: all that stat(2) tells, and the time of birth. */
export function statxReply(attr: Attr, out: ReplyBuffer): number {
  const reply = out.take(288)
  putU64(reply, 0, VALID_SECONDS)
  const at = 32
  reply.writeUInt32LE(STATX_BASIC_STATS | STATX_BTIME, at)
  ;[attr.blksize, 0, 0, attr.nlink, attr.uid, attr.gid, attr.mode].forEach((value, i) => reply.writeUInt32LE(value, at + 4 + i * 4))
  ;[attr.ino, attr.size, attr.blocks].forEach((value, i) => putU64(reply, at + 32 + i * 8, value))
  ;[attr.atime, attr.btime, attr.ctime, attr.mtime].forEach((time, i) => putTime(reply, at + 64 + i * 16, at + 72 + i * 16, time))
  // the old 32 bits of a device number, taken apart
  reply.writeUInt32LE((attr.rdev >>> 8) & 0xfff, at + 128)
  reply.writeUInt32LE((attr.rdev & 0xff) | ((attr.rdev >>> 12) & 0xfff00), at + 132)
  return reply.length
}

export function statfsReply(s: Statfs, out: ReplyBuffer): number {
  const reply = out.take(80)
  ;[s.blocks, s.blocksFree, s.blocksAvailable, s.files, s.filesFree].forEach((value, i) => putU64(reply, i * 8, value))
  ;[s.blockSize, s.nameMax, s.blockSize].forEach((value, i) => reply.writeUInt32LE(value, 40 + i * 4))
  return reply.length
}
