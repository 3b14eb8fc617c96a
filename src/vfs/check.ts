/**
 * Goes over a whole space, from its root directory and from its labels, and says what does not fit.
 *
 * Reads everything and changes nothing. What is checked is the state the tree had at the start; blocks that a later
 * commit frees under a check are no damage, so nobody should write meanwhile.
 * @packageDocumentation
 */
import { bucketsFrom, type DirectoryContent, type DirectoryEntry, decodeBucket, decodeDirectoryContent } from '../cryptree/directory-content.js'
import { type BaseKey, derivedLabel } from '../cryptree/keys.js'
import { type ObjectRef, openBucketNode, openContent, openProperties } from '../cryptree/object-node.js'
import type { ParentLink, Properties } from '../cryptree/properties.js'
import type { Crypto } from '../crypto/crypto.js'
import { fromBinaryString, toBinaryString } from '../lib/bytes.js'
import { BrochError, isDamage } from '../lib/error.js'
import { type Cid, NeedBlocks } from '../store/block.js'
import { CidSet } from '../store/garbage.js'
import type { Label } from '../store/label.js'
import type { NodeBlock } from '../store/node-block.js'
import type { Tree } from '../store/tree.js'
import { checkEntries } from './check-entries.js'
import { FileCheck } from './check-file.js'
import { type CheckProgress, type CheckReport, printableName, ReportDraft } from './check-report.js'
import { TYPE } from './inode.js'
import { type Orphan, orphansOf } from './orphans.js'

export interface CheckOptions {
  readonly tree: Tree
  readonly crypto: Crypto
  /** the root directory */
  readonly home: ObjectRef
  /** Every block that the store has: then those that nothing refers to are found. */
  readonly stored?: Iterable<Cid> | undefined
  /** Open every fragment of every file (the default), or only the nodes. */
  readonly data?: boolean | undefined
  /** Filled with what nothing refers to. It may go when the report is sound, and only then. */
  readonly waste?: Waste | undefined
  readonly signal?: AbortSignal | undefined
  readonly onProgress?: ((progress: CheckProgress) => void) | undefined
}

export interface Waste {
  /** of nodes that no name leads to */
  readonly labels: Label[]
  readonly blocks: Cid[]
}

/** @throws BrochError ABORTED; INTERNAL or IO of the store. What is damaged is reported, not thrown. */
export function checkSpace(options: CheckOptions): Promise<CheckReport> {
  return new SpaceCheck(options).run()
}

/** An object met: its way up, and what of its links was not seen yet. */
interface Met {
  readonly up: Met | undefined
  readonly name: string
  readonly type: number
  /** what it says of its links; absent when it does not open */
  readonly says?: { readonly nlink: number; readonly parents: number; readonly all?: readonly ParentLink[] }
  links: number
  subdirectories: number
}

const PAUSE_MS = 40

class SpaceCheck {
  readonly #options: CheckOptions
  readonly #draft = new ReportDraft()
  /** label -> node, of all labels that no object has claimed yet */
  readonly #unclaimed = new Map<string, Cid>()
  readonly #met = new Map<string, Met>()
  readonly #todo: { readonly met: Met; readonly ref: ObjectRef }[] = []
  /** labels of directories, to compare with what is below them */
  readonly #labels = new Map<Met, string>()
  readonly #reachable = new CidSet()
  readonly #owned = new CidSet()
  #orphans: readonly Orphan[] = []
  #nodesInAll = 0
  #lastPause = Date.now()

  constructor(options: CheckOptions) {
    this.#options = options
  }

  async run(): Promise<CheckReport> {
    const { tree, home } = this.#options
    if (tree.root !== undefined) {
      await this.#collectLabels(tree.root)
      await this.#meet(undefined, { name: '', hash: 0, type: TYPE.directory, label: toBinaryString(home.label), key: toBinaryString(home.key) })
      for (let next = this.#todo.pop(); next !== undefined; next = this.#todo.pop()) await this.#directory(next.met, next.ref)
      for (const orphan of this.#orphans) await this.#meetOrphan(orphan)
      this.#checkLinks()
      await this.#checkOrphans()
    }
    await this.#checkGarbage()
    return this.#draft.finish(tree.sequence)
  }

  /** Runs a synchronous reader until all it needs is there; undefined when that is damaged, which is reported. */
  async #attempt<T>(met: Met | undefined, what: string, step: () => T): Promise<T | undefined> {
    await this.#pause()
    for (;;) {
      try {
        return step()
      } catch (error) {
        if (!(error instanceof NeedBlocks)) return this.#unreadable(met, what, error)
        try {
          await this.#options.tree.fetch(error)
        } catch (cause) {
          return this.#unreadable(met, what, cause)
        }
      }
    }
  }

  /** The node under a label, which from now on belongs to `met`. */
  #node(label: Label): NodeBlock {
    const first = this.#unclaimed.delete(toBinaryString(label))
    const node = this.#options.tree.lookup(label)
    if (node === undefined) throw new BrochError('CORRUPT', 'a node that it refers to is not in the tree')
    return first ? this.#claim(node) : node
  }

  #claim(node: NodeBlock): NodeBlock {
    this.#draft.counts.nodes += 1
    this.#own(node.links)
    return node
  }

  #own(links: readonly Cid[]): void {
    for (const link of links) {
      if (this.#owned.has(link)) this.#draft.problem('shared-block', '', 'two nodes refer to one fragment; deleting one would take it from the other')
      this.#owned.add(link)
      this.#reachable.add(link)
    }
  }

  #path(met: Met | undefined): string {
    const parts: string[] = []
    for (let at = met; at?.up !== undefined; at = at.up) parts.unshift(printableName(at.name))
    return `/${parts.join('/')}`
  }

  #unreadable(met: Met | undefined, what: string, error: unknown): undefined {
    if (!isDamage(error)) throw error
    this.#draft.problem('unreadable', this.#path(met), `${what}: ${error.message}`)
    return undefined
  }

  async #collectLabels(root: Cid): Promise<void> {
    this.#reachable.add(root)
    try {
      for await (const { label, value } of this.#options.tree.walk((cid) => this.#reachable.add(cid))) {
        this.#unclaimed.set(toBinaryString(label), value.slice() as Cid)
        this.#reachable.add(value)
        await this.#pause()
      }
    } catch (error) {
      this.#unreadable(undefined, 'a part of the map of all labels', error)
    }
    this.#nodesInAll = this.#unclaimed.size
  }

  /** A name was found that leads to an object. */
  async #meet(up: Met | undefined, entry: DirectoryEntry): Promise<void> {
    const known = this.#met.get(entry.label)
    if (known !== undefined) return this.#again(known, up, entry)
    const { name, type } = entry
    if (up !== undefined && type === TYPE.directory) up.subdirectories += 1
    const ref: ObjectRef = { label: fromBinaryString(entry.label) as Label, key: fromBinaryString(entry.key) as BaseKey }
    const closed: Met = { up, name, type, links: 1, subdirectories: 0 }
    const node = await this.#attempt(closed, 'the object', () => this.#node(ref.label))
    const properties = node && (await this.#attempt(closed, 'properties', () => openProperties(this.#options.crypto, ref, node)))
    if (node === undefined || properties === undefined) {
      this.#met.set(entry.label, closed)
      return
    }
    const { nlink, parents } = properties
    const met: Met = { ...closed, says: { nlink, parents: parents.length, ...(parents.length > 1 && { all: parents }) } }
    this.#met.set(entry.label, met)
    if (up === undefined) this.#orphans = orphansOf(properties.ext)
    this.#checkLink(met, up, entry, parents)
    if (properties.type !== type) this.#draft.problem('type', this.#path(met), `its directory says type ${type}, itself ${properties.type}`)
    await this.#contents(met, ref, node, properties)
  }

  /** Deleted while it was open, and to be freed at the next start. */
  async #meetOrphan({ label, key }: Orphan): Promise<void> {
    if (this.#met.has(label) || !this.#unclaimed.has(label)) return
    const ref: ObjectRef = { label: fromBinaryString(label) as Label, key: fromBinaryString(key) as BaseKey }
    const met: Met = { up: undefined, name: '', type: 0, links: 0, subdirectories: 0 }
    const node = await this.#attempt(met, 'a deleted object', () => this.#node(ref.label))
    const properties = node && (await this.#attempt(met, 'a deleted object', () => openProperties(this.#options.crypto, ref, node)))
    if (node === undefined || properties === undefined) return
    this.#draft.counts.deleted += 1
    if (properties.nlink !== 0) this.#draft.problem('link-count', '', `a deleted object says ${properties.nlink} links`)
    if (properties.type === TYPE.directory) await this.#directory(met, ref)
    else await this.#contents(met, ref, node, properties)
  }

  async #contents(met: Met, ref: ObjectRef, node: NodeBlock, properties: Properties): Promise<void> {
    const { counts } = this.#draft
    if (properties.type === TYPE.directory) {
      counts.directories += 1
      this.#todo.push({ met, ref })
    } else if (properties.type === TYPE.file) {
      counts.files += 1
      await this.#fileCheck(met).run(ref, node, properties)
    } else {
      counts.others += 1
      await this.#special(met, ref, node, properties)
    }
  }

  #again(known: Met, up: Met | undefined, entry: DirectoryEntry): void {
    const here = this.#path({ ...known, up, name: entry.name })
    if (known.type === TYPE.directory) {
      this.#draft.problem('cycle', here, `a second name of the directory ${this.#path(known)}`)
      return
    }
    known.links += 1
    this.#checkLink({ ...known, up, name: entry.name }, up, entry, known.says?.all ?? [])
    if (known.type !== entry.type) this.#draft.problem('type', here, `its directory says type ${entry.type}, another ${known.type}`)
  }

  #checkLink(met: Met, up: Met | undefined, { name }: DirectoryEntry, parents: readonly ParentLink[]): void {
    if (up === undefined || met.says === undefined) return
    const above = this.#labels.get(up)
    const listed = parents.some((link) => link.name === name && link.directory === above)
    if (!listed) this.#draft.problem('parents', this.#path(met), 'it does not list this name among its own')
  }

  async #directory(met: Met, ref: ObjectRef): Promise<void> {
    const { crypto } = this.#options
    this.#labels.set(met, toBinaryString(ref.label))
    const content = await this.#attempt(met, 'entries', () => decodeDirectoryContent(openContent(crypto, ref, this.#node(ref.label))))
    if (content === undefined) return
    let entries = 0
    let whole = true
    for (const number of this.#bucketNumbers(met, content)) {
      const bucket = content.inline ?? (await this.#attempt(met, 'a part of its entries', () => this.#bucket(content, number)))
      if (bucket === undefined) whole = false
      else {
        checkEntries(crypto, content, number, bucket, (what) => this.#draft.problem('entry', this.#path(met), what))
        entries += bucket.length
        for (const entry of bucket) await this.#meet(met, entry)
      }
    }
    this.#draft.counts.entries += entries
    if (whole && entries !== content.entries) this.#draft.problem('entry-count', this.#path(met), `it says ${content.entries} entries and has ${entries}`)
  }

  #bucketNumbers(met: Met, content: DirectoryContent): Iterable<number> {
    if (content.inline !== null) return [1]
    if (content.buckets <= this.#nodesInAll) return bucketsFrom(0, content.buckets)
    this.#draft.problem('unreadable', this.#path(met), 'it says it has more parts than the space')
    return []
  }

  #bucket(content: DirectoryContent, number: number): DirectoryEntry[] {
    const label = derivedLabel(this.#options.crypto, content.key, number)
    return decodeBucket(openBucketNode(this.#options.crypto, label, content.key, this.#node(label)))
  }

  #fileCheck(met: Met): FileCheck {
    const { tree, crypto, data = true } = this.#options
    return new FileCheck({
      tree,
      crypto,
      data,
      counts: this.#draft.counts,
      nodesInAll: this.#nodesInAll,
      node: (label) => this.#node(label),
      attempt: (what, step) => this.#attempt(met, what, step),
      problem: (kind, what) => this.#draft.problem(kind, this.#path(met), what),
    })
  }

  async #special(met: Met, ref: ObjectRef, node: NodeBlock, properties: Properties): Promise<void> {
    await this.#attempt(met, 'content', () => openContent(this.#options.crypto, ref, node))
    const size = properties.type === TYPE.symlink ? (properties.target?.length ?? -1) : 0
    if (properties.size !== size) this.#draft.problem('size', this.#path(met), `it says ${properties.size} bytes and has ${size}`)
  }

  #checkLinks(): void {
    for (const met of this.#met.values()) {
      if (met.says === undefined) continue
      const { nlink, parents } = met.says
      const links = met.type === TYPE.directory ? 2 + met.subdirectories : met.links
      if (nlink !== links) this.#draft.problem('link-count', this.#path(met), `it says ${nlink} links and has ${links}`)
      const names = met.up === undefined ? 0 : met.links
      if (parents !== names) this.#draft.problem('parents', this.#path(met), `it lists ${parents} names of its own and has ${names}`)
    }
  }

  async #checkOrphans(): Promise<void> {
    const { size } = this.#unclaimed
    for (const key of this.#unclaimed.keys()) {
      const label = fromBinaryString(key) as Label
      await this.#attempt(undefined, 'a node that no name leads to', () => this.#own(this.#options.tree.lookup(label)?.links ?? []))
      this.#options.waste?.labels.push(label)
    }
    if (size > 0) this.#draft.problem('orphan', '', `${size} nodes that no name leads to${this.#afterDamage()}`)
  }

  async #checkGarbage(): Promise<void> {
    this.#draft.counts.blocks = this.#reachable.size
    let garbage = 0
    for (const cid of this.#options.stored ?? []) {
      await this.#pause()
      if (this.#reachable.has(cid)) continue
      garbage += 1
      this.#options.waste?.blocks.push(cid)
    }
    if (garbage > 0) this.#draft.problem('garbage', '', `${garbage} blocks that nothing refers to${this.#afterDamage()}`)
  }

  /** What damaged objects refer to is not known. */
  #afterDamage(): string {
    return this.#draft.isSound ? '' : '; some may belong to what is damaged'
  }

  /** Lets others run now and then, and stops when asked to. */
  async #pause(): Promise<void> {
    if (this.#options.signal?.aborted === true) throw new BrochError('ABORTED', 'the check was stopped')
    if (Date.now() - this.#lastPause < PAUSE_MS) return
    this.#options.onProgress?.({ nodes: this.#draft.counts.nodes, nodesInAll: this.#nodesInAll, bytes: this.#draft.counts.bytes })
    await new Promise((resume) => setTimeout(resume, 0))
    this.#lastPause = Date.now()
  }
}
