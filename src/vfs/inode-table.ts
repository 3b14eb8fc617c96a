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
import { Generations } from './generations.js'
import { Inode } from './inode.js'
import type { Nodes } from './nodes.js'

/** Inodes whose data or entries stay loaded after their last use. */
const LOADED_MAX = 1000
/** Inodes that stay whole after their last use; of others that the kernel knows only what finds them again is kept. */
const WHOLE_MAX = 32_768

/** What is left of an inode that was not used for a while. */
class Parked {
  readonly id: NodeId
  readonly label: string
  readonly key: string
  lookups: number

  constructor({ id, label, key, lookups }: Inode) {
    this.id = id
    this.label = label
    this.key = key
    this.lookups = lookups
  }
}

export class InodeTable {
  readonly #nodes: Nodes
  readonly #meter: DirtyMeter
  readonly #byId = new Map<NodeId, Inode | Parked>()
  readonly #byLabel = new Map<string, Inode | Parked>()
  readonly #contents = new Generations<Inode>(LOADED_MAX, (inode) => this.#unload(inode))
  readonly #inodes = new Generations<Inode>(WHOLE_MAX, (inode) => this.#park(inode))
  #nextId = 1

  constructor(nodes: Nodes, meter: DirtyMeter) {
    this.#nodes = nodes
    this.#meter = meter
  }

  get size(): number {
    return this.#byId.size
  }

  /** @throws Errno ESTALE for an id that was never given out, or taken back; NeedBlocks; BrochError CORRUPT. */
  get(id: NodeId): Inode {
    const known = this.#byId.get(id)
    if (known === undefined) throw errno('ESTALE')
    return this.#whole(known)
  }

  /** Undefined when it is not among those the kernel or a commit needs. @throws NeedBlocks; BrochError CORRUPT. */
  loaded(label: string): Inode | undefined {
    const known = this.#byLabel.get(label)
    return known && this.#whole(known)
  }

  /** @throws NeedBlocks; BrochError CORRUPT when the tree does not have it. */
  load(label: string, key: string): Inode {
    const known = this.loaded(label)
    if (known !== undefined) return known
    const properties = this.#read(label, key) // before a number is taken: the first to be loaded is the root
    return this.#add(new Inode(this.#nextId++ as NodeId, label, key, properties, true))
  }

  /** Takes back lookups. Gives the inode when somebody must look whether it is to go. */
  forget(id: NodeId, count: number): Inode | undefined {
    const known = this.#byId.get(id)
    if (known === undefined) throw errno('ESTALE')
    known.lookups -= count
    if (known instanceof Inode) return known
    if (known.lookups <= 0) this.#remove(known)
    return undefined
  }

  #whole(known: Inode | Parked): Inode {
    if (known instanceof Inode) {
      this.#inodes.use(known)
      return known
    }
    const inode = new Inode(known.id, known.label, known.key, this.#read(known.label, known.key), true)
    inode.lookups = known.lookups
    return this.#add(inode)
  }

  #read(label: string, key: string): Properties {
    const ref: ObjectRef = { label: fromBinaryString(label) as Label, key: fromBinaryString(key) as BaseKey }
    return openProperties(this.#nodes.crypto, ref, this.#nodes.need(ref.label))
  }

  /** Only what the tree has just so, and somebody can come back to. */
  #park(inode: Inode): void {
    const isClean = !inode.dirty && !inode.stale && !inode.committing && inode.stored
    if (!isClean || inode.content !== undefined || inode.nlink === 0 || this.#byId.get(inode.id) !== inode) return
    if (inode.lookups <= 0) {
      this.#remove(inode)
      return
    }
    const parked = new Parked(inode)
    this.#byId.set(inode.id, parked)
    this.#byLabel.set(inode.label, parked)
  }

  create(properties: Properties, ref: ObjectRef = { label: randomLabel(this.#nodes.crypto), key: randomBaseKey(this.#nodes.crypto) }): Inode {
    return this.#add(new Inode(this.#nextId++ as NodeId, toBinaryString(ref.label), toBinaryString(ref.key), properties, false))
  }

  /** The entries of a directory. @throws Errno ENOTDIR; NeedBlocks; BrochError CORRUPT. */
  directory(inode: Inode): Directory {
    if (!inode.isDirectory) throw errno('ENOTDIR')
    this.#contents.use(inode)
    if (inode.content === undefined) {
      inode.content = Directory.decode(this.#nodes, openContent(this.#nodes.crypto, inode.ref, this.#nodes.need(inode.ref.label)))
    }
    return inode.content as Directory
  }

  /** The bytes of a regular file. @throws Errno EISDIR or EINVAL; NeedBlocks; BrochError CORRUPT. */
  file(inode: Inode): FileData {
    if (!inode.isFile) throw errno(inode.isDirectory ? 'EISDIR' : 'EINVAL')
    this.#contents.use(inode)
    if (inode.content === undefined) {
      const node = this.#nodes.need(inode.ref.label)
      const payload = openContent(this.#nodes.crypto, inode.ref, node)
      inode.content = FileData.decode(this.#nodes, this.#meter, payload, node.links, inode.allocated)
    }
    return inode.content as FileData
  }

  /** What is dirty keeps its content, and is counted again when it is committed; of what goes, it says which chunks go too. */
  #unload(inode: Inode): void {
    if (inode.dirty || inode.committing || inode.isGone || inode.content?.isDirty === true) return
    inode.content = undefined
  }

  /** A commit of it is in the tree. */
  settled(inode: Inode): void {
    if (inode.content !== undefined) this.#contents.use(inode)
    this.#inodes.use(inode)
    this.release(inode)
  }

  /** Lets go of an inode nobody uses and no commit needs. */
  release(inode: Inode): void {
    if (inode.lookups > 0 || inode.dirty || inode.stale || inode.committing) return
    this.#contents.forget(inode)
    this.#inodes.forget(inode)
    this.#remove(inode)
  }

  #remove({ id, label }: Inode | Parked): void {
    this.#byId.delete(id)
    this.#byLabel.delete(label)
  }

  #add(inode: Inode): Inode {
    this.#byId.set(inode.id, inode)
    this.#byLabel.set(inode.label, inode)
    this.#inodes.use(inode)
    return inode
  }
}
