/**
 * An inode in memory: its properties, and its data or entries once somebody asked for them.
 * @packageDocumentation
 */
import { CHUNK_BYTES } from '../cryptree/file-content.js'
import type { BaseKey, ObjectKey } from '../cryptree/keys.js'
import type { ObjectRef } from '../cryptree/object-node.js'
import type { ParentLink, Properties, TimeStamp } from '../cryptree/properties.js'
import { fromBinaryString } from '../lib/bytes.js'
import type { Value } from '../lib/dag-cbor-value.js'
import type { Label } from '../store/label.js'
import type { Directory } from './directory.js'
import type { FileData } from './file-data.js'
import type { NodeId } from './filesystem.js'

export const TYPE = { fifo: 1, charDevice: 2, directory: 4, blockDevice: 6, file: 8, symlink: 10, socket: 12 } as const

/** Hundreds of thousands are held at once: strings for bytes, and nothing that was not asked for. */
export class Inode {
  readonly id: NodeId
  /** binary strings */
  readonly label: string
  readonly key: string
  readonly type: number
  mode: number
  uid: number
  gid: number
  size: number
  allocated: number
  nlink: number
  rdev: number
  atime: TimeStamp
  mtime: TimeStamp
  ctime: TimeStamp
  btime: TimeStamp
  target: Uint8Array | null
  xattrs: Map<string, Uint8Array> | undefined
  parents: ParentLink[]
  ext: ReadonlyMap<string, Value> | undefined

  content: FileData | Directory | undefined
  /** of symlinks and special files, which have no content object; set on new ones only */
  bareKey: ObjectKey | undefined
  /** how often it was looked up; an open file is one that the kernel has looked up */
  lookups = 0
  /** has a node in the committed or committing tree */
  stored: boolean
  dirty = false
  /** Captured by a commit that is under way: until that ends the tree has an older one. */
  committing = false
  /** its atime changed: goes with the next commit, causes none */
  stale = false

  constructor(id: NodeId, label: string, key: string, properties: Properties, stored: boolean) {
    this.id = id
    this.label = label
    this.key = key
    this.stored = stored
    this.type = properties.type
    this.mode = properties.mode
    this.uid = properties.uid
    this.gid = properties.gid
    this.size = properties.size
    this.allocated = properties.allocated
    this.nlink = properties.nlink
    this.rdev = properties.rdev
    this.atime = properties.atime
    this.mtime = properties.mtime
    this.ctime = properties.ctime
    this.btime = properties.btime
    this.target = properties.target
    this.xattrs = properties.xattrs === undefined ? undefined : new Map(properties.xattrs)
    this.parents = [...properties.parents]
    this.ext = properties.ext
  }

  get ref(): ObjectRef {
    return { label: fromBinaryString(this.label) as Label, key: fromBinaryString(this.key) as BaseKey }
  }

  get isDirectory(): boolean {
    return this.type === TYPE.directory
  }

  get isFile(): boolean {
    return this.type === TYPE.file
  }

  /** Nobody can reach it any more. */
  get isGone(): boolean {
    return this.nlink === 0 && this.lookups === 0
  }
}

/** True for a file whose content need not be loaded to know what goes with it: it has no chunk past the first. */
export function hasOneNode(inode: Inode): boolean {
  return inode.isFile && inode.content === undefined && inode.size <= CHUNK_BYTES
}

/** st_ino: 53 bits of the label, so that it stays over mounts without being kept. */
export function inodeNumber(label: string): number {
  let number = 0
  for (let i = 0; i < 6; i++) number = number * 256 + label.charCodeAt(i)
  return number * 32 + (label.charCodeAt(6) & 31)
}
