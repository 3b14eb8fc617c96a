/**
 * fuse_entry_out: an inode as the kernel is told of it.
 * @packageDocumentation
 */
import type { Entry } from '../vfs/filesystem.js'
import { putAttr, putU64, VALID_SECONDS } from './protocol.js'

export function putEntry(reply: Buffer, at: number, { id, attr }: Entry): void {
  putU64(reply, at, id)
  putU64(reply, at + 8, 0)
  putU64(reply, at + 16, VALID_SECONDS)
  putU64(reply, at + 24, VALID_SECONDS)
  putU64(reply, at + 32, 0)
  putAttr(reply, at + 40, attr)
}
