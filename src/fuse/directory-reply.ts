/**
 * fuse_dirent and fuse_direntplus lists.
 * @packageDocumentation
 */
import type { DirEntry, Entry, Filesystem, NodeId } from '../vfs/filesystem.js'
import { putEntry } from './entry.js'
import { ENTRY_BYTES, putU64, u64 } from './protocol.js'

const DIRENT_BYTES = 24

/** As many entries after `cookie` as fit in `size` bytes. */
export function directoryReply(fs: Filesystem, id: NodeId, cookie: number, size: number, plus: boolean): Buffer | Promise<Buffer> {
  const reply = Buffer.alloc(size)
  let at = 0
  const take = (entry: DirEntry, found: Entry | undefined): boolean => {
    const start = at + (plus ? ENTRY_BYTES : 0)
    const end = start + ((DIRENT_BYTES + entry.name.length + 7) & ~7)
    if (end > size) return false
    if (plus && found !== undefined) putEntry(reply, at, found)
    putU64(reply, start, entry.ino)
    putU64(reply, start + 8, entry.cookie)
    reply.writeUInt32LE(entry.name.length, start + 16)
    reply.writeUInt32LE(entry.type, start + 20)
    reply.set(entry.name, start + DIRENT_BYTES)
    at = end
    return true
  }
  const done = plus ? fs.readdirplus(id, cookie, take) : fs.readdir(id, cookie, (entry) => take(entry, undefined))
  return done instanceof Promise ? done.then(() => reply.subarray(0, at)) : reply.subarray(0, at)
}

/** The inodes that a list of fuse_direntplus counts a lookup of. */
export function entriesIn(reply: Buffer): NodeId[] {
  const ids: NodeId[] = []
  for (let at = 0; at < reply.length; at += ENTRY_BYTES + ((DIRENT_BYTES + reply.readUInt32LE(at + ENTRY_BYTES + 16) + 7) & ~7)) {
    if (u64(reply, at) !== 0) ids.push(u64(reply, at) as NodeId)
  }
  return ids
}
