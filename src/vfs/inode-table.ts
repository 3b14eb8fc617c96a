/**
 * The inodes in memory, by node id and by label.
 * @packageDocumentation
 */
import { type BaseKey, randomBaseKey, randomLabel } from '../cryptree/keys.js'
import { type ObjectRef, openContent, openProperties } from '../cryptree/object-node.js'
import type { Properties } from '../cryptree/properties.js'
import { fromBinaryString, toBinaryString } from '../lib/bytes.js'
import type { Label } from '../store/label.js'
import { Directory } from './directory.js'
import { errno } from './errno.js'
import { FileData } from './file-data.js'
import type { DirtyMeter } from './sealed-fragment.js'
import type { NodeId } from './filesystem.js'
import { Inode } from './inode.js'
import type { Nodes } from './nodes.js'

/** Inodes whose data or entries stay loaded after their last use. */
const LOADED_MAX = 1000

export class InodeTable {
  readonly #nodes: Nodes
  readonly #meter: DirtyMeter
  readonly #byId = new Map<NodeId, Inode>()
  readonly #byLabel = new Map<string, Inode>()
  /** with content: used lately, and before that */
  #young = new Set<Inode>()
  #old = new Set<Inode>()
  #nextId = 1

  constructor(nodes: Nodes, meter: DirtyMeter) {
    this.#nodes = nodes
    this.#meter = meter
  }

  get size(): number {
    return this.#byId.size
  }

  /** @throws Errno ESTALE for an id that was never given out, or taken back. */
  get(id: NodeId): Inode {
    const inode = this.#byId.get(id)
    if (inode === undefined) throw errno('ESTALE')
    return inode
  }

  loaded(label: string): Inode | undefined {
    return this.#byLabel.get(label)
  }

  /** @throws NeedBlocks; BrochError CORRUPT when the tree does not have it. */
  load(label: string, key: string): Inode {
    const known = this.#byLabel.get(label)
    if (known !== undefined) return known
    const ref: ObjectRef = { label: fromBinaryString(label) as Label, key: fromBinaryString(key) as BaseKey }
    return this.#add(label, key, openProperties(this.#nodes.crypto, ref, this.#nodes.need(ref.label)), true)
  }

  create(properties: Properties, ref: ObjectRef = { label: randomLabel(this.#nodes.crypto), key: randomBaseKey(this.#nodes.crypto) }): Inode {
    return this.#add(toBinaryString(ref.label), toBinaryString(ref.key), properties, false)
  }

  /** The entries of a directory. @throws Errno ENOTDIR; NeedBlocks; BrochError CORRUPT. */
  directory(inode: Inode): Directory {
    if (!inode.isDirectory) throw errno('ENOTDIR')
    this.used(inode)
    if (inode.content === undefined) {
      inode.content = Directory.decode(this.#nodes, openContent(this.#nodes.crypto, inode.ref, this.#nodes.need(inode.ref.label)))
    }
    return inode.content as Directory
  }

  /** The bytes of a regular file. @throws Errno EISDIR or EINVAL; NeedBlocks; BrochError CORRUPT. */
  file(inode: Inode): FileData {
    if (!inode.isFile) throw errno(inode.isDirectory ? 'EISDIR' : 'EINVAL')
    this.used(inode)
    if (inode.content === undefined) {
      const node = this.#nodes.need(inode.ref.label)
      const payload = openContent(this.#nodes.crypto, inode.ref, node)
      inode.content = FileData.decode(this.#nodes, this.#meter, payload, node.links, inode.allocated)
    }
    return inode.content as FileData
  }

  /** Keeps the content of what was used lately. In two generations, each use being one look-up in a set. */
  used(inode: Inode): void {
    this.#young.add(inode)
    if (this.#young.size <= LOADED_MAX / 2) return
    const old = this.#old
    this.#old = this.#young
    this.#young = new Set()
    for (const idle of old) this.#unload(idle)
  }

  /** What is dirty keeps its content, and is counted again when it is committed; of what goes, it says which chunks go too. */
  #unload(inode: Inode): void {
    if (this.#old.has(inode) || inode.dirty || inode.isGone || inode.content?.isDirty === true) return
    inode.content = undefined
  }

  /** Lets go of an inode nobody uses and no commit needs. */
  release(inode: Inode): void {
    if (inode.lookups > 0 || inode.dirty || inode.stale) return
    this.#byId.delete(inode.id)
    this.#young.delete(inode)
    this.#old.delete(inode)
    this.#byLabel.delete(inode.label)
  }

  #add(label: string, key: string, properties: Properties, stored: boolean): Inode {
    const inode = new Inode(this.#nextId++ as NodeId, label, key, properties, stored)
    this.#byId.set(inode.id, inode)
    this.#byLabel.set(label, inode)
    return inode
  }
}
