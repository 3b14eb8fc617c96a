/**
 * Operations on names: lookup, create, link, unlink, rename. Loads come first, changes after (docs/decisions/0002).
 * @packageDocumentation
 */
import { isEntryName, NAME_MAX } from '../cryptree/entry-name.js'
import { randomObjectKey } from '../cryptree/keys.js'
import { toBinaryString } from '../lib/bytes.js'
import { isDamage } from '../lib/error.js'
import { ACL_ACCESS, ACL_DEFAULT, encodeAcl, inheritAcl, parseAcl } from './acl.js'
import { Directory } from './directory.js'
import { errno } from './errno.js'
import { FileData } from './file-data.js'
import { type Caller, type CreateOptions, type NodeId, RENAME_EXCHANGE, RENAME_NOREPLACE } from './filesystem.js'
import { hasOneNode, type Inode, TYPE } from './inode.js'
import type { Nodes } from './nodes.js'
import { type FsState, newProperties } from './state.js'

const S_ISGID = 0o2000
/** Links of one file: its inode lists them all, in one block beside its attributes. */
export const LINK_MAX = 5000
export const LINK_BYTES_MAX = 524_288
/** what a name costs besides itself */
const LINK_OVERHEAD = 40

/** @throws Errno ENAMETOOLONG, EINVAL */
export function toName(bytes: Uint8Array): string {
  if (bytes.length > NAME_MAX) throw errno('ENAMETOOLONG')
  const name = toBinaryString(bytes)
  if (!isEntryName(name)) throw errno('EINVAL')
  return name
}

export class Namespace {
  readonly #fs: FsState
  readonly #nodes: Nodes

  constructor(fs: FsState, nodes: Nodes) {
    this.#fs = fs
    this.#nodes = nodes
  }

  find(parent: NodeId, name: Uint8Array): Inode {
    if (name.length > NAME_MAX) throw errno('ENAMETOOLONG')
    return this.#child(this.#fs.table.get(parent), toBinaryString(name))
  }

  #child(parent: Inode, name: string): Inode {
    const entry = this.#fs.table.directory(parent).get(name)
    if (entry === undefined) throw errno('ENOENT')
    return this.#fs.table.load(entry.label, entry.key)
  }

  /** A new inode under a name. `finish` sets what its type needs before it is linked. */
  create(caller: Caller, parentId: NodeId, bytes: Uint8Array, type: number, options: CreateOptions, finish?: (inode: Inode) => void): Inode {
    const name = toName(bytes)
    const parent = this.#fs.table.get(parentId)
    const directory = this.#fs.table.directory(parent)
    this.#fs.checkWritable(parent)
    if (parent.nlink === 0) throw errno('ENOENT')
    if (directory.get(name) !== undefined) throw errno('EEXIST')
    directory.prepare(name)
    const inode = this.make(caller, parent, type, options)
    finish?.(inode)
    inode.parents = [{ directory: parent.label, name }]
    directory.set(name, type, inode.label, inode.key)
    if (type === TYPE.directory) parent.nlink += 1
    this.#fs.touchModified(parent)
    this.#fs.committer.mark(inode)
    return inode
  }

  /** An inode with owner, mode and ACL as its directory gives them; not linked yet. */
  make(caller: Caller, parent: Inode, type: number, options: CreateOptions): Inode {
    const isDirectory = type === TYPE.directory
    const value = parent.xattrs?.get(ACL_DEFAULT)
    const inherited =
      type === TYPE.symlink
        ? { mode: 0o777 }
        : inheritAcl(value === undefined ? undefined : parseAcl(value), options.mode & 0o7777, options.umask, isDirectory)
    const fromParent = (parent.mode & S_ISGID) !== 0
    const mode = inherited.mode | (fromParent && isDirectory ? S_ISGID : 0)
    const owner = { uid: caller.uid, gid: fromParent ? parent.gid : caller.gid }
    const inode = this.#fs.table.create(newProperties(type, mode, owner, this.#fs.now()))
    if ('accessAcl' in inherited) setAttribute(inode, ACL_ACCESS, encodeAcl(inherited.accessAcl))
    if ('defaultAcl' in inherited) setAttribute(inode, ACL_DEFAULT, encodeAcl(inherited.defaultAcl))
    if (isDirectory) inode.content = Directory.create(this.#nodes)
    else if (type === TYPE.file) inode.content = FileData.create(this.#nodes, this.#fs.meter)
    else inode.bareKey = randomObjectKey(this.#nodes.crypto)
    return inode
  }

  link(id: NodeId, parentId: NodeId, bytes: Uint8Array): Inode {
    const name = toName(bytes)
    const inode = this.#fs.table.get(id)
    const parent = this.#fs.table.get(parentId)
    const directory = this.#fs.table.directory(parent)
    this.#fs.checkWritable(inode, parent)
    if (inode.isDirectory) throw errno('EPERM')
    if (parent.nlink === 0) throw errno('ENOENT')
    if (directory.get(name) !== undefined) throw errno('EEXIST')
    if (inode.nlink >= LINK_MAX || !hasRoomFor(inode, name)) throw errno('EMLINK')
    directory.prepare(name)
    directory.set(name, inode.type, inode.label, inode.key)
    inode.parents.push({ directory: parent.label, name })
    inode.nlink += 1
    this.#fs.touchModified(parent)
    this.#fs.touchChanged(inode)
    return inode
  }

  remove(parentId: NodeId, bytes: Uint8Array, wantDirectory: boolean): void {
    const name = toName(bytes)
    const parent = this.#fs.table.get(parentId)
    const directory = this.#fs.table.directory(parent)
    const inode = this.#child(parent, name)
    if (wantDirectory) this.#checkEmpty(inode)
    else if (inode.isDirectory) throw errno('EISDIR')
    this.#prepareBurial(inode)
    this.#fs.checkWritable(parent, inode)
    directory.prepare(name)
    directory.delete(name)
    this.#unlinked(parent, inode, name)
    this.#fs.touchModified(parent)
    this.#fs.letGo(inode)
  }

  rename(fromId: NodeId, fromBytes: Uint8Array, toId: NodeId, toBytes: Uint8Array, flags: number): void {
    const [fromName, toNameText] = [toName(fromBytes), toName(toBytes)]
    const from = this.#fs.table.get(fromId)
    const to = this.#fs.table.get(toId)
    if ((flags & ~(RENAME_NOREPLACE | RENAME_EXCHANGE)) !== 0) throw errno('EINVAL')
    const inode = this.#child(from, fromName)
    const there = this.#fs.table.directory(to).get(toNameText)
    const target = there === undefined ? undefined : this.#fs.table.load(there.label, there.key)
    this.#fs.checkWritable(from, to, inode)
    if (to.nlink === 0) throw errno('ENOENT')
    if (target !== undefined && (flags & RENAME_NOREPLACE) !== 0) throw errno('EEXIST')
    this.#fs.table.directory(from).prepare(fromName)
    this.#fs.table.directory(to).prepare(toNameText)
    if (this.#isInside(to, inode)) throw errno('EINVAL')
    if ((flags & RENAME_EXCHANGE) !== 0) this.#exchange(from, fromName, inode, to, toNameText, target)
    else this.#move(from, fromName, inode, to, toNameText, target)
  }

  #move(from: Inode, name: string, inode: Inode, to: Inode, newName: string, target: Inode | undefined): void {
    if (target === inode) return
    if (!hasRoomFor(inode, newName)) throw errno('EMLINK')
    if (target !== undefined) {
      this.#checkReplaceable(inode, target)
      this.#prepareBurial(target)
      this.#fs.checkWritable(target)
      this.#unlinked(to, target, newName)
    }
    this.#fs.table.directory(from).delete(name)
    this.#fs.table.directory(to).set(newName, inode.type, inode.label, inode.key)
    relink(inode, { directory: from.label, name }, { directory: to.label, name: newName })
    if (inode.isDirectory) {
      from.nlink -= 1
      to.nlink += 1
    }
    this.#fs.touchModified(from)
    this.#fs.touchModified(to)
    this.#fs.touchChanged(inode)
    if (target !== undefined) this.#fs.letGo(target)
  }

  #exchange(from: Inode, name: string, inode: Inode, to: Inode, toName: string, other: Inode | undefined): void {
    if (other === undefined) throw errno('ENOENT')
    if (this.#isInside(from, other)) throw errno('EINVAL')
    if (other === inode) return
    this.#fs.table.directory(from).set(name, other.type, other.label, other.key)
    this.#fs.table.directory(to).set(toName, inode.type, inode.label, inode.key)
    relink(inode, { directory: from.label, name }, { directory: to.label, name: toName })
    relink(other, { directory: to.label, name: toName }, { directory: from.label, name })
    from.nlink += Number(other.isDirectory) - Number(inode.isDirectory)
    to.nlink += Number(inode.isDirectory) - Number(other.isDirectory)
    for (const parent of [from, to]) this.#fs.touchModified(parent)
    for (const moved of [inode, other]) this.#fs.touchChanged(moved)
  }

  #checkReplaceable(inode: Inode, target: Inode): void {
    if (inode.isDirectory) this.#checkEmpty(target)
    else if (target.isDirectory) throw errno('EISDIR')
  }

  #checkEmpty(inode: Inode): void {
    if (this.#fs.table.directory(inode).size > 0) throw errno('ENOTEMPTY')
  }

  /** A file's chunk list is needed when its last name goes, to free what it has. A damaged one can be deleted all the same. */
  #prepareBurial(inode: Inode): void {
    if (!inode.isFile || inode.nlink !== 1 || hasOneNode(inode)) return
    try {
      this.#fs.table.file(inode)
    } catch (error) {
      if (!isDamage(error)) throw error
    }
  }

  #unlinked(parent: Inode, inode: Inode, name: string): void {
    inode.parents = inode.parents.filter((link) => link.name !== name || link.directory !== parent.label)
    if (inode.isDirectory) {
      inode.nlink = 0
      parent.nlink -= 1
    } else inode.nlink -= 1
    this.#fs.touchChanged(inode)
  }

  /** True when `directory` is `ancestor` or lies below it, as far as inodes in memory tell (the kernel checks too). */
  #isInside(directory: Inode, ancestor: Inode): boolean {
    if (!ancestor.isDirectory) return false
    for (let at: Inode | undefined = directory; at !== undefined; ) {
      if (at === ancestor) return true
      const up: string | undefined = at.parents[0]?.directory
      at = up === undefined ? undefined : this.#fs.table.loaded(up)
    }
    return false
  }
}

function hasRoomFor({ parents }: Inode, name: string): boolean {
  if (parents.length < LINK_BYTES_MAX / (NAME_MAX + LINK_OVERHEAD)) return true
  return parents.reduce((sum, link) => sum + link.name.length + LINK_OVERHEAD, name.length + LINK_OVERHEAD) <= LINK_BYTES_MAX
}

function relink(inode: Inode, old: { directory: string; name: string }, fresh: { directory: string; name: string }): void {
  inode.parents = [...inode.parents.filter((link) => link.name !== old.name || link.directory !== old.directory), fresh]
}

export function setAttribute(inode: Inode, name: string, value: Uint8Array): void {
  inode.xattrs ??= new Map()
  inode.xattrs.set(name, value)
}
