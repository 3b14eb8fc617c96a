/**
 * What all operations share: inodes, clock, committer.
 * @packageDocumentation
 */
import type { Properties, TimeStamp } from '../cryptree/properties.js'
import { hasCriticalField } from '../cryptree/extension.js'
import type { Committer } from './committer.js'
import { errno } from './errno.js'
import type { DirtyMeter } from './sealed-fragment.js'
import type { Attr, Caller, Entry } from './filesystem.js'
import { type Inode, inodeNumber } from './inode.js'
import type { InodeTable } from './inode-table.js'

export const BLOCK_BYTES = 4096

export type AtimePolicy = 'relatime' | 'noatime' | 'strictatime'

export class FsState {
  readonly table: InodeTable
  readonly committer: Committer
  readonly meter: DirtyMeter
  readonly now: () => TimeStamp
  readonly atime: AtimePolicy
  readonly noDirAtime: boolean
  readonly root: Inode
  readonly readOnly: boolean

  constructor(parts: Pick<FsState, 'table' | 'committer' | 'meter' | 'now' | 'atime' | 'noDirAtime' | 'root' | 'readOnly'>) {
    this.table = parts.table
    this.committer = parts.committer
    this.meter = parts.meter
    this.now = parts.now
    this.atime = parts.atime
    this.noDirAtime = parts.noDirAtime
    this.root = parts.root
    this.readOnly = parts.readOnly
  }

  /** @throws Errno EROFS when nothing may be changed here; of contents, what is loaded is asked. */
  checkWritable(...inodes: readonly Inode[]): void {
    if (this.readOnly) throw errno('EROFS')
    for (const inode of inodes) if (hasCriticalField(inode.ext) || hasCriticalField(inode.content?.ext)) throw errno('EROFS')
  }

  /** Contents or entries changed. */
  touchModified(inode: Inode): void {
    inode.mtime = inode.ctime = this.now()
    this.committer.mark(inode)
  }

  /** Anything else of the inode changed. */
  touchChanged(inode: Inode): void {
    inode.ctime = this.now()
    this.committer.mark(inode)
  }

  /** After a reference was given back: frees the inode, and its nodes when it has no name left. */
  letGo(inode: Inode): void {
    if (inode.isGone) this.committer.bury(inode)
    this.table.release(inode)
  }

  entry(inode: Inode): Entry {
    inode.lookups += 1
    return { id: inode.id, attr: attrOf(inode) }
  }
}

export function attrOf(inode: Inode): Attr {
  const allocated = inode.content !== undefined && 'allocated' in inode.content ? inode.content.allocated : inode.allocated
  return {
    ino: inodeNumber(inode.label),
    size: inode.size,
    blocks: Math.ceil(allocated / BLOCK_BYTES) * (BLOCK_BYTES / 512),
    atime: inode.atime,
    mtime: inode.mtime,
    ctime: inode.ctime,
    btime: inode.btime,
    mode: (inode.type << 12) | inode.mode,
    nlink: inode.nlink,
    uid: inode.uid,
    gid: inode.gid,
    rdev: inode.rdev,
    blksize: BLOCK_BYTES,
  }
}

export function newProperties(type: number, mode: number, caller: Pick<Caller, 'uid' | 'gid'>, now: TimeStamp): Properties {
  return {
    type,
    mode,
    uid: caller.uid,
    gid: caller.gid,
    size: 0,
    allocated: 0,
    nlink: type === 4 ? 2 : 1,
    rdev: 0,
    atime: now,
    mtime: now,
    ctime: now,
    btime: now,
    target: null,
    xattrs: undefined,
    parents: [],
    ext: undefined,
  }
}
