/**
 * fuse_lk_in and fuse_lk_out.
 * @packageDocumentation
 */
import type { Lock, LockRequest } from '../vfs/filesystem.js'
import { putU64, u64 } from './protocol.js'

const TYPES = ['read', 'write', 'unlock'] as const
const LAST = Number.MAX_SAFE_INTEGER
const FUSE_LK_FLOCK = 1

export function lockRequest(b: Buffer): Omit<LockRequest, 'wait' | 'signal'> {
  return {
    owner: b.toString('hex', 8, 16),
    start: u64(b, 16),
    end: Math.min(LAST, u64(b, 24)),
    type: TYPES[b.readUInt32LE(32)] ?? 'unlock',
    pid: b.readUInt32LE(36),
    flock: (b.readUInt32LE(40) & FUSE_LK_FLOCK) !== 0,
  }
}

export function lockReply(lock: Lock | undefined): Buffer {
  const reply = Buffer.alloc(24)
  putU64(reply, 0, lock?.start ?? 0)
  if (lock === undefined || lock.end === LAST) reply.write('ffffffffffffff7f', 8, 'hex')
  else putU64(reply, 8, lock.end)
  reply.writeUInt32LE(TYPES.indexOf(lock?.type ?? 'unlock'), 16)
  reply.writeUInt32LE(lock?.pid ?? 0, 20)
  return reply
}
