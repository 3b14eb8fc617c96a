/**
 * A directory's entries in memory: buckets of a linear hash, loaded as they are asked for. docs/format.md §7.5
 *
 * Every method that can throw NeedBlocks does so before it changes anything.
 * @packageDocumentation
 */
import {
  bucketOf,
  bucketsFrom,
  type DirectoryEntry,
  decodeBucket,
  decodeDirectoryContent,
  encodeDirectoryContent,
  hashName,
  LEAST_PER_BUCKET,
  MOST_PER_BUCKET,
  splitHash,
  splitStep,
} from '../cryptree/directory-content.js'
import type { Extension } from '../cryptree/extension.js'
import { derivedLabel, nameKey, type ObjectKey, randomObjectKey } from '../cryptree/keys.js'
import { openBucketNode, sealBucketNode } from '../cryptree/object-node.js'
import type { SymmetricKey } from '../crypto/crypto.js'
import { BrochError } from '../lib/error.js'
import { Bucket } from './bucket.js'
import type { NodeChange, Nodes } from './nodes.js'

/** Bytes of clean buckets kept in memory: about 300,000 entries. */
const KEPT_BYTES = 24 * 1024 * 1024

export class Directory {
  readonly #nodes: Nodes
  readonly #key: ObjectKey
  readonly #nameKey: SymmetricKey
  #bucketCount: number
  #entries: number
  #lastName = ''
  #lastHash = 0
  readonly #buckets = new Map<number, Bucket>()
  /** of what is packed */
  #bytes = 0
  readonly #dirty = new Set<number>()
  /** captured by a commit that is under way: the tree has older ones */
  readonly #inFlight = new Set<number>()
  /** has a node in the tree */
  readonly #removed = new Set<number>()

  /** fields of later versions */
  readonly ext: Extension

  private constructor(nodes: Nodes, key: ObjectKey, buckets: number, entries: number, ext: Extension) {
    this.ext = ext
    this.#nodes = nodes
    this.#key = key
    this.#nameKey = nameKey(nodes.crypto, key)
    this.#bucketCount = buckets
    this.#entries = entries
  }

  static create(nodes: Nodes): Directory {
    const directory = new Directory(nodes, randomObjectKey(nodes.crypto), 1, 0, undefined)
    directory.#buckets.set(1, Bucket.of([]))
    return directory
  }

  /** @param payload - of the content part */
  static decode(nodes: Nodes, payload: Uint8Array): Directory {
    const content = decodeDirectoryContent(payload)
    const directory = new Directory(nodes, content.key, content.buckets, content.entries, content.ext)
    if (content.inline !== null) directory.#buckets.set(1, Bucket.of(content.inline))
    return directory
  }

  get size(): number {
    return this.#entries
  }

  get isDirty(): boolean {
    return this.#dirty.size > 0 || this.#removed.size > 0
  }

  /** The last one is remembered: an operation on a name asks for its hash several times. */
  hash(name: string): number {
    if (name !== this.#lastName) {
      this.#lastHash = hashName(this.#nodes.crypto, this.#nameKey, name)
      this.#lastName = name
    }
    return this.#lastHash
  }

  get(name: string): DirectoryEntry | undefined {
    return this.#bucket(this.#bucketNumber(name)).get(name, () => this.hash(name))
  }

  /** Loads what `set` or `delete` of this name touches. */
  prepare(name: string): void {
    this.#bucket(this.#bucketNumber(name))
    if (this.#entries + 1 > MOST_PER_BUCKET * this.#bucketCount) this.#bucket(splitStep(this.#bucketCount).from)
    if (this.#canShrink()) {
      const { left, right } = splitStep(this.#bucketCount - 1)
      this.#bucket(left)
      this.#bucket(right)
    }
  }

  /** Adds an entry, or puts it in the place of one of the same name. */
  set(name: string, type: number, label: string, key: string): void {
    this.prepare(name)
    const hash = this.hash(name)
    const entries = this.#change(bucketOf(hash, this.#bucketCount))
    if (!entries.has(name)) this.#entries += 1
    entries.set(name, { name, hash, type, label, key })
    if (this.#entries > MOST_PER_BUCKET * this.#bucketCount) this.#split()
  }

  delete(name: string): void {
    this.prepare(name)
    if (!this.#change(this.#bucketNumber(name)).delete(name)) return
    this.#entries -= 1
    if (this.#canShrink()) this.#merge()
  }

  /** Entries from a hash on, in order of hash and name. Each bucket is loaded when it is reached. */
  *from(hash: number): Generator<DirectoryEntry> {
    for (const number of bucketsFrom(hash, this.#bucketCount)) {
      for (const entry of this.#bucket(number).sorted()) if (entry.hash >= hash) yield entry
    }
  }

  encodeContent(): Uint8Array {
    const inline = this.#bucketCount === 1 ? this.#bucket(1).sorted() : null
    return encodeDirectoryContent({ key: this.#key, buckets: this.#bucketCount, entries: this.#entries, inline, ext: this.ext })
  }

  /** What a commit writes besides the first node. Clean afterwards. */
  takeChanges(): NodeChange[] {
    const changes: NodeChange[] = []
    for (const number of this.#dirty) {
      if (number === 1) continue
      const label = derivedLabel(this.#nodes.crypto, this.#key, number)
      const bytes = this.#bucket(number).pack()
      this.#bytes += bytes.length
      this.#inFlight.add(number)
      changes.push({ label, block: sealBucketNode(this.#nodes.crypto, label, this.#key, bytes) })
    }
    for (const number of this.#removed) {
      changes.push({ label: derivedLabel(this.#nodes.crypto, this.#key, number), block: undefined })
    }
    this.#dirty.clear()
    this.#removed.clear()
    return changes
  }

  /** Past the bound the buckets loaded first go, if the tree has them as they are. */
  #makeRoom(): void {
    if (this.#inFlight.size > 0) return
    for (const [number, bucket] of this.#buckets) {
      if (this.#bytes <= KEPT_BYTES) return
      if (!this.#dirty.has(number)) this.#drop(number, bucket)
    }
  }

  #drop(number: number, bucket: Bucket | undefined): void {
    this.#bytes -= bucket?.cost ?? 0
    this.#buckets.delete(number)
  }

  /** The commit that captured it is in the tree. */
  shrink(): void {
    this.#inFlight.clear()
    this.#makeRoom()
  }

  /** Marks everything loaded as changed: a commit that held it failed. */
  touch(): void {
    this.#inFlight.clear()
    for (const [number, bucket] of this.#buckets) {
      this.#bytes -= bucket.cost
      bucket.open()
      this.#dirty.add(number)
    }
  }

  /** Labels of all nodes but the first; also those that the last commit left and the next would take out. */
  derivedLabels(): NodeChange[] {
    const numbers = new Set(this.#removed)
    if (this.#bucketCount > 1) for (const number of bucketsFrom(0, this.#bucketCount)) numbers.add(number)
    return Array.from(numbers, (number) => ({
      label: derivedLabel(this.#nodes.crypto, this.#key, number),
      block: undefined,
    }))
  }

  #bucketNumber(name: string): number {
    return this.#bucketCount === 1 ? 1 : bucketOf(this.hash(name), this.#bucketCount)
  }

  #bucket(number: number): Bucket {
    let bucket = this.#buckets.get(number)
    if (bucket === undefined) {
      const { crypto } = this.#nodes
      const label = derivedLabel(crypto, this.#key, number)
      const bytes = openBucketNode(crypto, label, this.#key, this.#nodes.need(label))
      const entries = decodeBucket(bytes)
      if (entries.some(({ hash }) => bucketOf(hash, this.#bucketCount) !== number)) {
        throw new BrochError('CORRUPT', 'a part of a directory holds names that belong elsewhere')
      }
      bucket = Bucket.packed(bytes)
      this.#makeRoom()
      this.#bytes += bucket.cost
      this.#buckets.set(number, bucket)
    }
    return bucket
  }

  #change(number: number): Map<string, DirectoryEntry> {
    const bucket = this.#bucket(number)
    this.#bytes -= bucket.cost
    this.#dirty.add(number)
    return bucket.open()
  }

  #canShrink(): boolean {
    return this.#bucketCount > 1 && this.#entries < LEAST_PER_BUCKET * this.#bucketCount
  }

  #split(): void {
    const { from, left, right } = splitStep(this.#bucketCount)
    const middle = splitHash(this.#bucketCount)
    const entries = this.#bucket(from).sorted()
    this.#replace([from], [
      [left, entries.filter((entry) => entry.hash < middle)],
      [right, entries.filter((entry) => entry.hash >= middle)],
    ])
    this.#bucketCount += 1
  }

  #merge(): void {
    const { from, left, right } = splitStep(this.#bucketCount - 1)
    this.#replace([left, right], [[from, [...this.#bucket(left).sorted(), ...this.#bucket(right).sorted()]]])
    this.#bucketCount -= 1
  }

  #replace(old: readonly number[], fresh: readonly (readonly [number, DirectoryEntry[]])[]): void {
    for (const number of old) {
      this.#drop(number, this.#buckets.get(number))
      this.#dirty.delete(number)
      if (number !== 1) this.#removed.add(number)
    }
    for (const [number, entries] of fresh) {
      this.#buckets.set(number, Bucket.of(entries))
      this.#dirty.add(number)
      this.#removed.delete(number)
    }
  }
}
