/**
 * Operations on open files and directories: read, write, allocate, list.
 * @packageDocumentation
 */
import type { Awaitable } from '../lib/brand.js'
import { fromBinaryString } from '../lib/bytes.js'
import { errno } from './errno.js'
import type { FileData } from './file-data.js'
import type { SealedFragment } from './sealed-fragment.js'
import {
  type DirEntry,
  FALLOC_KEEP_SIZE,
  FALLOC_PUNCH_HOLE,
  FALLOC_ZERO_RANGE,
  type NodeId,
} from './filesystem.js'
import { type Inode, inodeNumber } from './inode.js'
import { dropPrivileges } from './attributes.js'
import type { FsState } from './state.js'

export const MAX_FILE_BYTES = Number.MAX_SAFE_INTEGER
const SEEK_DATA = 3
const SEEK_HOLE = 4
const DAY_SECONDS = 86_400
/** Dirty bytes from which full fragments are sealed while the program still writes. */
const EAGER_BYTES = 16 * 1024 * 1024
/** Bytes of one copy_file_range at most. */
export const COPY_BYTES = 4 * 1024 * 1024

export class Files {
  readonly #fs: FsState
  #scratch = new Uint8Array(1024 * 1024)
  /** full fragments not sealed yet, oldest first */
  #full: { readonly data: FileData; readonly index: number }[] = []

  constructor(fs: FsState) {
    this.#fs = fs
  }

  /** The bytes are valid until the next call. */
  read(id: NodeId, offset: number, length: number): Uint8Array {
    const inode = this.#fs.table.get(id)
    const data = this.#fs.table.file(inode)
    const bytes = this.#room(Math.max(0, Math.min(inode.size - offset, length)))
    data.read(offset, bytes)
    if (length > 0) this.touchAccessed(inode)
    return bytes
  }

  #room(length: number): Uint8Array {
    if (this.#scratch.length < length) this.#scratch = new Uint8Array(length)
    return this.#scratch.subarray(0, length)
  }

  /** @throws Errno EFBIG past the largest file */
  write(id: NodeId, offset: number, data: Uint8Array, killPriv: boolean): Awaitable<number> {
    const inode = this.#fs.table.get(id)
    if (offset + data.length > MAX_FILE_BYTES) throw errno('EFBIG')
    const file = this.#fs.table.file(inode)
    this.#fs.checkWritable(inode)
    const { full, sealed } = file.write(offset, data)
    for (const index of full) this.#full.push({ data: file, index })
    const before = inode.size
    const end = offset + data.length
    if (end > before) inode.size = end
    if (killPriv) dropPrivileges(inode)
    this.#fs.touchModified(inode)
    if (this.#fs.meter.bytes > EAGER_BYTES) this.#sealFull()
    if (sealed.length === 0) return data.length
    return this.#fs.committer.put(sealed).then(
      () => data.length,
      (error: unknown) => {
        if (inode.size === end && before < end) this.truncate(inode, before)
        throw error
      },
    )
  }

  /** @throws Errno EFBIG, EINVAL */
  truncate(inode: Inode, size: number): void {
    if (size > MAX_FILE_BYTES) throw errno('EFBIG')
    const data = this.#fs.table.file(inode)
    this.#fs.checkWritable(inode)
    if (size < inode.size) data.truncate(size)
    inode.size = size
    this.#fs.touchModified(inode)
  }

  fallocate(id: NodeId, mode: number, offset: number, length: number, killPriv: boolean): void {
    const inode = this.#fs.table.get(id)
    const data = this.#fs.table.file(inode)
    this.#fs.checkWritable(inode)
    const end = offset + length
    const keep = (mode & FALLOC_KEEP_SIZE) !== 0
    const kind = mode & ~FALLOC_KEEP_SIZE
    if (kind !== 0 && kind !== FALLOC_PUNCH_HOLE && kind !== FALLOC_ZERO_RANGE) throw errno('EOPNOTSUPP')
    if (kind === FALLOC_PUNCH_HOLE && !keep) throw errno('EOPNOTSUPP')
    if (end > MAX_FILE_BYTES) throw errno('EFBIG')
    if (kind !== 0) data.punch(offset, Math.min(length, Math.max(0, inode.size - offset)))
    if (!keep && end > inode.size) inode.size = end
    if (killPriv) dropPrivileges(inode)
    this.#fs.touchModified(inode)
  }

  /** @throws Errno ENXIO past the end */
  lseek(id: NodeId, offset: number, whence: number): number {
    const inode = this.#fs.table.get(id)
    if (offset < 0 || offset >= inode.size) throw errno('ENXIO')
    const data = this.#fs.table.file(inode)
    if (whence === SEEK_HOLE) return data.seekHole(offset, inode.size)
    if (whence !== SEEK_DATA) throw errno('EINVAL')
    const found = data.seekData(offset, inode.size)
    if (found === undefined || found >= inode.size) throw errno('ENXIO')
    return found
  }

  copy(from: NodeId, fromOffset: number, to: NodeId, toOffset: number, length: number, killPriv: boolean): Awaitable<number> {
    const inode = this.#fs.table.get(from)
    const source = this.#fs.table.file(inode)
    const part = Math.min(length, COPY_BYTES, Math.max(0, inode.size - fromOffset))
    if (part === 0) return 0
    const bytes = this.#room(part)
    source.read(fromOffset, bytes)
    const target = this.#fs.table.get(to)
    if (target === inode && fromOffset < toOffset + part && toOffset < fromOffset + part) throw errno('EINVAL')
    return this.write(to, toOffset, bytes, killPriv)
  }

  /** relatime unless told otherwise: in memory at once, kept with the next commit. */
  touchAccessed(inode: Inode): void {
    if (this.#fs.readOnly || this.#fs.atime === 'noatime' || (this.#fs.noDirAtime && inode.isDirectory)) return
    const now = this.#fs.now()
    const due =
      this.#fs.atime === 'strictatime' ||
      !isAfter(inode.atime, inode.mtime) ||
      !isAfter(inode.atime, inode.ctime) ||
      now.seconds - inode.atime.seconds >= DAY_SECONDS
    if (!due) return
    inode.atime = now
    this.#fs.committer.markAccessed(inode)
  }

  #sealFull(): void {
    const batch: SealedFragment[] = []
    const queue = this.#full
    this.#full = []
    for (const { data, index } of queue) {
      const sealed = data.seal(index)
      if (sealed !== undefined) batch.push(sealed)
    }
    if (batch.length > 0) this.#fs.committer.putInBackground(batch)
  }
}

function isAfter(a: Inode['atime'], b: Inode['atime']): boolean {
  return a.seconds > b.seconds || (a.seconds === b.seconds && a.nanoseconds > b.nanoseconds)
}

/** Cookies 1 and 2 stand after `.` and `..`; an entry's cookie is its hash and its place among equal hashes. */
const FIRST_COOKIE = 32
const PER_HASH = 16

/** Entries of a listing from a cookie on. docs/format.md §7.5 */
export function* listing(fs: FsState, inode: Inode, cookie: number): Generator<DirEntry & { readonly key?: string; readonly label?: string }> {
  const directory = fs.table.directory(inode)
  if (inode.nlink === 0) return
  if (cookie < 1) yield { name: DOT, ino: inodeNumber(inode.label), type: inode.type, cookie: 1 }
  if (cookie < 2) yield { name: DOT_DOT, ino: inodeNumber(inode.parents[0]?.directory ?? inode.label), type: inode.type, cookie: 2 }
  let [hash, place] = [-1, 0]
  for (const entry of directory.from(Math.max(0, Math.floor((cookie - FIRST_COOKIE) / PER_HASH)))) {
    place = entry.hash === hash ? Math.min(place + 1, PER_HASH - 1) : 1
    hash = entry.hash
    const position = hash * PER_HASH + place + FIRST_COOKIE
    if (position <= cookie) continue
    const { label, key, type } = entry
    yield { name: fromBinaryString(entry.name), ino: inodeNumber(label), type, cookie: position, label, key }
  }
}

const DOT = new Uint8Array([46])
const DOT_DOT = new Uint8Array([46, 46])
