/**
 * The filesystem of a space: every operation is one synchronous step over inodes in memory, run again when a block
 * was not at hand (docs/decisions/0002).
 * @packageDocumentation
 */
import type { Awaitable } from '../lib/brand.js'
import { BrochError } from '../lib/error.js'
import { NeedBlocks } from '../store/block.js'
import { type Alarm, Alarms } from './alarms.js'
import * as attributes from './attributes.js'
import { Committer } from './committer.js'
import { errno } from './errno.js'
import type { DirtyMeter } from './sealed-fragment.js'
import { COPY_BYTES, Files, listing, MAX_FILE_BYTES } from './files.js'
import * as F from './filesystem.js'
import type { FilesystemOptions } from './filesystem-options.js'
import type { Inode } from './inode.js'
import { TYPE } from './inode.js'
import { InodeTable } from './inode-table.js'
import { Namespace } from './namespace.js'
import { Nodes } from './nodes.js'
import { freeOrphans, loadRoot } from './root-inode.js'
import { reserveOf, SpaceGuard } from './space-guard.js'
import { attrOf, BLOCK_BYTES, FsState } from './state.js'

/** What a commit writes for an inode without its data, about: node, directory entry, its share of the CHAMP. */
const INODE_BYTES = 4096
/** A small integer: infinity would make a boxed number of this field in every inode. */
const NEVER_FORGOTTEN = 2 ** 30
/** Past this writers wait for a commit: what is dirty is in memory alone. */
export const MAX_DIRTY_BYTES = 96 * 1024 * 1024
export const MAX_DIRTY_INODES = 10_000

export class BrochFilesystem implements F.Filesystem {
  readonly #fs: FsState
  readonly #names: Namespace
  readonly #files: Files
  readonly #options: FilesystemOptions
  readonly #space: SpaceGuard
  readonly #alarms = new Alarms()
  #timer: ReturnType<typeof setInterval> | undefined

  private constructor(options: FilesystemOptions, fs: FsState, nodes: Nodes) {
    this.#options = options
    this.#fs = fs
    this.#names = new Namespace(fs, nodes)
    this.#files = new Files(fs)
    this.#space = new SpaceGuard(options.blocks, () => this.#dirtyBytes)
    if (options.commitSeconds === undefined) return
    this.#timer = setInterval(() => {
      if (this.dirty.inodes > 0) this.commit().catch(() => undefined) // an alarm tells
    }, options.commitSeconds * 1000)
  }

  /** Opens a space, or begins an empty one when the tree is empty. @throws BrochError of store and format. */
  static async open(options: FilesystemOptions): Promise<BrochFilesystem> {
    const { tree, blocks, crypto, secretKey } = options
    const nodes = new Nodes(crypto, tree)
    const meter: DirtyMeter = { bytes: 0 }
    const table = new InodeTable(nodes, meter)
    const root = await loadRoot(options, table, nodes)
    root.lookups = NEVER_FORGOTTEN
    const { yieldTurn = () => new Promise<void>((resolve) => setTimeout(resolve, 0)) } = options
    const committer = new Committer({ tree, blocks, nodes, table, meter, root, secretKey, yieldTurn })
    if (!root.stored) committer.mark(root)
    const { now, atime = 'relatime', noDirAtime = false, readOnly = false } = options
    if (!readOnly) await freeOrphans(options, table, committer, root)
    return new BrochFilesystem(options, new FsState({ table, committer, meter, now, atime, noDirAtime, root, readOnly }), nodes)
  }

  lookup(parent: F.NodeId, name: Uint8Array): Awaitable<F.Entry> {
    return this.#run(() => this.#fs.entry(this.#names.find(parent, name)))
  }

  forget(id: F.NodeId, count: number): void {
    if (id === this.#fs.root.id) return
    const inode = this.#fs.table.forget(id, count)
    if (inode !== undefined) this.#fs.letGo(inode)
  }

  getattr(id: F.NodeId): Awaitable<F.Attr> {
    return this.#run(() => attrOf(this.#fs.table.get(id)))
  }

  setattr(_caller: F.Caller, id: F.NodeId, change: F.AttrChange): Awaitable<F.Attr> {
    return this.#change(() => {
      const inode = this.#fs.table.get(id)
      this.#fs.checkWritable(inode)
      if (change.size !== undefined) this.#files.truncate(inode, change.size)
      attributes.changeAttributes(this.#fs, inode, change)
      return attrOf(inode)
    })
  }

  readlink(id: F.NodeId): Awaitable<Uint8Array> {
    return this.#run(() => {
      const { target } = this.#fs.table.get(id)
      if (target === null) throw errno('EINVAL')
      return target
    })
  }

  create(caller: F.Caller, parent: F.NodeId, name: Uint8Array, options: F.CreateOptions): Awaitable<F.Entry> {
    return this.#grow(INODE_BYTES, () => this.#fs.entry(this.#names.create(caller, parent, name, TYPE.file, options)))
  }

  tmpfile(caller: F.Caller, parent: F.NodeId, options: F.CreateOptions): Awaitable<F.Entry> {
    return this.#grow(INODE_BYTES, () => {
      const directory = this.#fs.table.get(parent)
      this.#fs.checkWritable(directory)
      const inode = this.#names.make(caller, directory, TYPE.file, options)
      inode.nlink = 0
      return this.#fs.entry(inode)
    })
  }

  mknod(caller: F.Caller, parent: F.NodeId, name: Uint8Array, options: F.CreateOptions, rdev: number): Awaitable<F.Entry> {
    return this.#grow(INODE_BYTES, () => {
      const type = options.mode >> 12 === 0 ? TYPE.file : options.mode >> 12
      const inode = this.#names.create(caller, parent, name, type, options, (made) => {
        made.rdev = rdev
      })
      return this.#fs.entry(inode)
    })
  }

  mkdir(caller: F.Caller, parent: F.NodeId, name: Uint8Array, options: F.CreateOptions): Awaitable<F.Entry> {
    return this.#grow(INODE_BYTES, () => this.#fs.entry(this.#names.create(caller, parent, name, TYPE.directory, options)))
  }

  symlink(caller: F.Caller, parent: F.NodeId, name: Uint8Array, target: Uint8Array): Awaitable<F.Entry> {
    const copy = new Uint8Array(target) // a Buffer's slice would be a view
    return this.#grow(INODE_BYTES, () => {
      const inode = this.#names.create(caller, parent, name, TYPE.symlink, { mode: 0o777, umask: 0 }, (made) => {
        made.target = copy
        made.size = copy.length
      })
      return this.#fs.entry(inode)
    })
  }

  link(_caller: F.Caller, id: F.NodeId, parent: F.NodeId, name: Uint8Array): Awaitable<F.Entry> {
    return this.#grow(INODE_BYTES, () => this.#fs.entry(this.#names.link(id, parent, name)))
  }

  unlink(_caller: F.Caller, parent: F.NodeId, name: Uint8Array): Awaitable<void> {
    return this.#change(() => this.#names.remove(parent, name, false))
  }

  rmdir(_caller: F.Caller, parent: F.NodeId, name: Uint8Array): Awaitable<void> {
    return this.#change(() => this.#names.remove(parent, name, true))
  }

  rename(_caller: F.Caller, from: F.NodeId, name: Uint8Array, to: F.NodeId, toName: Uint8Array, flags: number): Awaitable<void> {
    return this.#change(() => this.#names.rename(from, name, to, toName, flags))
  }

  read(id: F.NodeId, offset: number, length: number): Awaitable<Uint8Array> {
    let later = false
    return this.#run(
      () => (later ? this.#files.read(id, offset, length).slice() : this.#files.read(id, offset, length)),
      () => {
        later = true
      },
    )
  }

  write(_caller: F.Caller, id: F.NodeId, offset: number, data: Uint8Array, options: F.WriteOptions): Awaitable<number> {
    let bytes = data
    return this.#grow(
      data.length,
      () => this.#files.write(id, offset, bytes, options.killPriv),
      () => {
        bytes = new Uint8Array(data)
      },
    )
  }

  fsync(id: F.NodeId): Awaitable<void> {
    const check = (): void => {
      const stuck = this.#fs.committer.whyStuck(this.#fs.table.get(id))
      if (stuck !== undefined) throw stuck
    }
    return this.commit().then(() => this.#run(check))
  }

  fallocate(caller: F.Caller, id: F.NodeId, mode: number, offset: number, length: number): Awaitable<void> {
    const allocates = (mode & ~F.FALLOC_KEEP_SIZE) === 0
    const wanted = allocates && offset + length <= MAX_FILE_BYTES ? length : 0 // past the largest file it is refused as such
    return this.#grow(wanted, () => this.#files.fallocate(id, mode, offset, length, mayNotKeep(caller)))
  }

  lseek(id: F.NodeId, offset: number, whence: number): Awaitable<number> {
    return this.#run(() => this.#files.lseek(id, offset, whence))
  }

  copyFileRange(caller: F.Caller, from: F.NodeId, fromOffset: number, to: F.NodeId, toOffset: number, length: number): Awaitable<number> {
    return this.#grow(Math.min(length, COPY_BYTES), () => this.#files.copy(from, fromOffset, to, toOffset, length, mayNotKeep(caller)))
  }

  readdir(id: F.NodeId, cookie: number, sink: F.DirSink): Awaitable<void> {
    return this.#list(id, cookie, (entry) => sink(entry))
  }

  readdirplus(id: F.NodeId, cookie: number, sink: F.DirPlusSink): Awaitable<void> {
    return this.#list(id, cookie, (entry, inode) => {
      if (inode === undefined) return sink(entry, undefined)
      const taken = sink(entry, { id: inode.id, attr: attrOf(inode) })
      if (taken) inode.lookups += 1
      else this.#fs.letGo(inode)
      return taken
    }, true)
  }

  fsyncdir(id: F.NodeId): Awaitable<void> {
    return this.fsync(id)
  }

  getxattr(id: F.NodeId, name: Uint8Array): Awaitable<Uint8Array> {
    return this.#run(() => attributes.getAttribute(this.#fs.table.get(id), name))
  }

  listxattr(id: F.NodeId): Awaitable<readonly Uint8Array[]> {
    return this.#run(() => attributes.listAttributes(this.#fs.table.get(id)))
  }

  setxattr(_caller: F.Caller, id: F.NodeId, name: Uint8Array, value: Uint8Array, flags: number, killSgid: boolean): Awaitable<void> {
    const copy = new Uint8Array(value)
    return this.#grow(copy.length, () => attributes.changeAttribute(this.#fs, this.#fs.table.get(id), name, copy, flags, killSgid))
  }

  removexattr(_caller: F.Caller, id: F.NodeId, name: Uint8Array): Awaitable<void> {
    return this.#change(() => attributes.removeAttribute(this.#fs, this.#fs.table.get(id), name))
  }

  async statfs(): Promise<F.Statfs> {
    const usage = await this.#options.blocks.usage()
    const left = Math.max(0, usage.freeBytes - this.#dirtyBytes)
    const free = Math.floor(left / BLOCK_BYTES)
    return {
      blockSize: BLOCK_BYTES,
      blocks: Math.floor(usage.totalBytes / BLOCK_BYTES),
      blocksFree: free,
      blocksAvailable: Math.floor(Math.max(0, left - reserveOf(usage)) / BLOCK_BYTES),
      files: usage.blocks + free,
      filesFree: free,
      nameMax: 255,
    }
  }

  sync(): Awaitable<void> {
    return this.commit()
  }

  watch(): void {
    // nothing changes behind the kernel's back while the store is embedded
  }

  /** Resolves when everything acknowledged is durable. */
  async commit(): Promise<void> {
    try {
      await this.#fs.committer.commit()
      for (const error of this.#fs.committer.stuck) this.#noted(error)
    } catch (error) {
      throw this.#noted(error)
    }
  }

  /** Commits for the last time. @throws BrochError CORRUPT when files on damaged blocks could not be committed. */
  async close(): Promise<void> {
    clearInterval(this.#timer)
    this.#fs.committer.markAllAccessed()
    await this.commit()
    const { stuck } = this.#fs.committer
    if (stuck.length > 0) throw new BrochError('CORRUPT', `the last changes of ${stuck.length} files are lost, because blocks under them are damaged`, { cause: stuck[0] })
  }

  /** Notes what somebody else found wrong with the store. */
  note(error: BrochError): void {
    this.#noted(error)
  }

  /** What went wrong with store or integrity since the start. */
  get alarms(): readonly Alarm[] {
    return this.#alarms.list()
  }

  get dirty(): { readonly bytes: number; readonly inodes: number } {
    return { bytes: this.#fs.meter.bytes, inodes: this.#fs.committer.dirtyInodes }
  }

  #list(id: F.NodeId, cookie: number, take: (entry: F.DirEntry, inode: Inode | undefined) => boolean, plus = false): Awaitable<void> {
    let position = cookie
    // a retry goes on after what the sink has taken already
    return this.#run(() => {
      const inode = this.#fs.table.get(id)
      for (const entry of listing(this.#fs, inode, position)) {
        const found = plus && entry.label !== undefined ? this.#fs.table.load(entry.label, entry.key as string) : undefined
        if (!take(entry, found)) return
        position = entry.cookie
      }
      if (cookie === 0) this.#files.touchAccessed(inode)
    })
  }

  /**
   * As `#change`, for what takes room: past the bound of dirty bytes it waits for a commit, and what the store has no
   * room for is refused with ENOSPC.
   * @param bytes - that the store will have to take, about
   */
  #grow<T>(bytes: number, operation: () => Awaitable<T>, keep?: () => void): Awaitable<T> {
    if (!this.#isFull && this.#space.admits(bytes)) return this.#change(operation, keep)
    keep?.()
    return this.#whenRoom(bytes).then(() => this.#change(operation))
  }

  async #whenRoom(bytes: number): Promise<void> {
    if (this.#isFull) await this.commit()
    await this.#space.look(bytes)
  }

  get #isFull(): boolean {
    return this.#fs.meter.bytes >= (this.#options.maxDirtyBytes ?? MAX_DIRTY_BYTES)
  }

  get #dirtyBytes(): number {
    return this.#fs.meter.bytes + this.#fs.committer.dirtyInodes * INODE_BYTES
  }

  /** As `#run`, and begins a commit when much has gathered. */
  #change<T>(operation: () => Awaitable<T>, keep?: () => void): Awaitable<T> {
    const result = this.#run(operation, keep)
    if (this.#fs.committer.dirtyInodes > (this.#options.maxDirtyInodes ?? MAX_DIRTY_INODES)) this.commit().catch(() => undefined)
    return result
  }

  /** @param keep - called before waiting, to copy what is only borrowed for the call */
  #run<T>(operation: () => Awaitable<T>, keep?: () => void): Awaitable<T> {
    try {
      return operation()
    } catch (error) {
      if (!(error instanceof NeedBlocks)) throw this.#noted(error)
      keep?.()
      return this.#again(operation, error)
    }
  }

  async #again<T>(operation: () => Awaitable<T>, first: NeedBlocks): Promise<T> {
    let need = first
    for (;;) {
      try {
        await this.#options.tree.fetch(need)
        return await operation()
      } catch (error) {
        if (!(error instanceof NeedBlocks)) throw this.#noted(error)
        need = error
      }
    }
  }

  #noted(error: unknown): unknown {
    this.#alarms.note(error, this.#options.now())
    return error
  }
}

/** The kernel says nothing of CAP_FSETID for these calls; as a rule it goes with being root. */
function mayNotKeep(caller: F.Caller): boolean {
  return caller.uid !== 0
}
