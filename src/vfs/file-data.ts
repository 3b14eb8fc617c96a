/**
 * A file's bytes: fragments in the store under what was written since. docs/format.md §7.4
 *
 * Every method that can throw NeedBlocks does so before it changes anything.
 * @packageDocumentation
 */
import { ChunkSet } from '../cryptree/chunk-set.js'
import type { Extension } from '../cryptree/extension.js'
import {
  CHUNK_BYTES,
  decodeFileContent,
  encodeFileContent,
  FRAGMENT_BYTES,
  FRAGMENTS_PER_CHUNK,
  type Fragment,
  INLINE_MAX,
  linksOf,
} from '../cryptree/file-content.js'
import { dataKey, derivedLabel, type ObjectKey, randomObjectKey } from '../cryptree/keys.js'
import { openChunkNode, sealChunkNode } from '../cryptree/object-node.js'
import { NONCE_BYTES, type Nonce, type SymmetricKey } from '../crypto/crypto.js'
import type { Block, Cid } from '../store/block.js'
import { cidKey, makeCid } from '../store/cid.js'
import { errno } from './errno.js'
import { type Base, shortened, spans, type Table, toFragments, toTable } from './fragment-table.js'
import type { NodeChange, Nodes } from './nodes.js'
import { MAX_PIECES, Overlay } from './overlay.js'
import { type DirtyMeter, padded, recycle, type SealedFragment, sealedBuffer, type Written } from './sealed-fragment.js'

const KEPT_CHUNKS = 64
/** Offset from which whole fragments are sealed at once: a file so large is seldom written over before it is committed. */
const SEALED_FROM = 4 * 1024 * 1024

export class FileData {
  readonly #nodes: Nodes
  readonly #meter: DirtyMeter
  readonly #key: ObjectKey
  #dataKeyOrNone: SymmetricKey | undefined
  readonly #tables = new Map<number, Table>()
  readonly #chunks: ChunkSet
  /** fields of later versions */
  readonly ext: Extension
  readonly #dirtyChunks = new Set<number>()
  readonly #overlays = new Map<number, Overlay>()
  /** sealed before the commit that will refer to them */
  readonly #loose = new Map<string, Cid>()
  /** bytes in fragments, before padding */
  allocated: number

  private constructor(nodes: Nodes, meter: DirtyMeter, key: ObjectKey, chunks: ChunkSet, allocated: number, ext: Extension) {
    this.ext = ext
    this.#nodes = nodes
    this.#meter = meter
    this.#key = key
    this.#chunks = chunks
    this.allocated = allocated
  }

  static create(nodes: Nodes, meter: DirtyMeter): FileData {
    const data = new FileData(nodes, meter, randomObjectKey(nodes.crypto), new ChunkSet(), 0, undefined)
    data.#tables.set(0, [])
    return data
  }

  static decode(nodes: Nodes, meter: DirtyMeter, payload: Uint8Array, links: readonly Cid[], allocated: number): FileData {
    const content = decodeFileContent(payload, links)
    const data = new FileData(nodes, meter, content.key, content.chunks, allocated, content.ext)
    const table = toTable(content.table)
    if (content.inline !== null && content.inline.length > 0) table[0] = { length: content.inline.length, plain: content.inline }
    data.#tables.set(0, table)
    return data
  }

  /** Derived when it is first wanted: a small file has none. */
  get #dataKey(): SymmetricKey {
    this.#dataKeyOrNone ??= dataKey(this.#nodes.crypto, this.#key)
    return this.#dataKeyOrNone
  }

  get isDirty(): boolean {
    return this.#dirtyChunks.size > 0 || this.#overlays.size > 0
  }

  /** Fills `out` from `offset` on; holes are zeros. The caller has cut the range to the file's size. */
  read(offset: number, out: Uint8Array): void {
    for (const span of spans(offset, out.length)) {
      this.#readFragment(span.index, span.start, out.subarray(span.at, span.at + span.length))
    }
  }

  /** Loads the tables that a change of the range touches. */
  prepare(offset: number, length: number): void {
    for (const span of spans(offset, Math.max(1, length))) this.#base(span.index)
  }

  /**
   * What of the data is a whole fragment of a large file is sealed as it comes; the rest is kept until it is sealed.
   * @throws Errno EFBIG when a node has no room to list more chunks.
   */
  write(offset: number, data: Uint8Array): Written {
    this.prepare(offset, data.length)
    if (this.#chunks.isFull && !this.#chunks.has(Math.floor((offset + data.length - 1) / CHUNK_BYTES))) throw errno('EFBIG')
    const full: number[] = []
    const sealed: SealedFragment[] = []
    for (const span of spans(offset, data.length)) {
      if (span.length === FRAGMENT_BYTES && offset >= SEALED_FROM && this.#isStored(span.index)) {
        sealed.push(this.#sealWhole(span.index, data.subarray(span.at, span.at + span.length)))
        continue
      }
      const overlay = this.#overlay(span.index)
      const before = overlay.bytes
      this.#resize(span.index, () => overlay.write(span.start, data.subarray(span.at, span.at + span.length)))
      this.#meter.bytes += overlay.bytes - before
      if (overlay.pieces > MAX_PIECES) this.#fill(span.index)
      if (overlay.isFull) full.push(span.index)
    }
    return { full, sealed }
  }

  /** Forgets everything from `size` on. */
  truncate(size: number): void {
    const index = Math.floor(size / FRAGMENT_BYTES)
    const boundary = Math.floor(index / FRAGMENTS_PER_CHUNK)
    const beyond = [...this.#chunks.between(boundary + 1)]
    if (size > 0) for (const chunk of [boundary, ...beyond]) this.#table(chunk)
    for (const fragment of [...this.#overlays.keys()]) {
      if (size === 0) this.#dropOverlay(fragment)
      else if (fragment > index) this.#drop(fragment)
    }
    for (const chunk of new Set([...beyond, ...this.#tables.keys()])) if (chunk > boundary) this.#dropChunk(chunk)
    const table = this.#table(boundary)
    for (let slot = (index % FRAGMENTS_PER_CHUNK) + 1; slot < table.length; slot++) this.#drop(boundary * FRAGMENTS_PER_CHUNK + slot)
    this.#cut(index, size % FRAGMENT_BYTES)
    if (size === 0) this.allocated = 0
  }

  /** Makes a range read as zeros, freeing whole fragments. */
  punch(offset: number, length: number): void {
    const end = offset + length
    for (const chunk of this.#touchedChunks(offset, end)) this.#table(chunk)
    for (const chunk of this.#touchedChunks(offset, end)) {
      for (let slot = 0; slot < FRAGMENTS_PER_CHUNK; slot++) this.#punchFragment(chunk * FRAGMENTS_PER_CHUNK + slot, offset, end)
    }
  }

  /** First byte at or after `offset` that is data, or undefined. At the grain of a fragment. */
  seekData(offset: number, size: number): number | undefined {
    const first = Math.floor(offset / FRAGMENT_BYTES)
    let best: number | undefined
    for (const chunk of [...this.#touchedChunks(offset, size)].sort((a, b) => a - b)) {
      for (let slot = 0; slot < FRAGMENTS_PER_CHUNK && best === undefined; slot++) {
        const index = chunk * FRAGMENTS_PER_CHUNK + slot
        if (index >= first && this.#length(index) > (index === first ? offset % FRAGMENT_BYTES : 0)) best = index
      }
      if (best !== undefined) break
    }
    return best === undefined ? undefined : Math.max(offset, best * FRAGMENT_BYTES)
  }

  /** First byte at or after `offset` that is a hole, `size` at the latest. */
  seekHole(offset: number, size: number): number {
    let at = offset
    while (at < size) {
      const index = Math.floor(at / FRAGMENT_BYTES)
      const length = this.#length(index)
      if (length <= at % FRAGMENT_BYTES) return at
      if (length < FRAGMENT_BYTES) return Math.min(size, index * FRAGMENT_BYTES + length)
      at = (index + 1) * FRAGMENT_BYTES
    }
    return size
  }

  /** Seals one fragment as it stands; nothing when it has no unsealed bytes. */
  seal(index: number): SealedFragment | undefined {
    const plain = this.#unsealed(index)
    if (plain === undefined) return undefined
    const { fragment, block } = this.#sealed(plain)
    const base: Base = { length: plain.length, fragment, plain }
    this.#dropOverlay(index)
    this.#setBase(index, base)
    this.#meter.bytes += plain.length
    const settle = (action: () => void) => (): void => {
      recycle(block.bytes)
      action()
    }
    return { block, stored: settle(() => this.#release(base)), failed: settle(() => this.#unseal(index, base)) }
  }

  /** True when nothing is lost by putting something in its place that the store may refuse. */
  #isStored(index: number): boolean {
    return !this.#overlays.has(index) && this.#base(index)?.plain === undefined
  }

  /** Seals a whole fragment without keeping its plaintext: when the store refuses it, what was there before stays. */
  #sealWhole(index: number, plain: Uint8Array): SealedFragment {
    const before = this.#base(index)
    const { fragment, block } = this.#sealed(plain)
    const base: Base = { length: plain.length, fragment }
    this.#resize(index, () => this.#setBase(index, base))
    this.#meter.bytes += block.bytes.length
    const settled = (): void => {
      this.#meter.bytes -= block.bytes.length
      recycle(block.bytes)
    }
    const failed = (): void => {
      settled()
      this.#loose.delete(cidKey(fragment.cid))
      const now = this.#base(index)
      if (now?.fragment?.cid !== fragment.cid) return
      const kept = before !== undefined && before.length > now.length ? shortened(before, now.length) : before
      this.#resize(index, () => this.#setBase(index, kept))
    }
    return { block, stored: settled, failed }
  }

  #sealed(plain: Uint8Array): { fragment: Fragment; block: Block } {
    const { crypto } = this.#nodes
    const nonce = crypto.randomBytes(NONCE_BYTES) as Nonce
    const filled = padded(plain)
    const bytes = crypto.seal(filled, nonce, this.#dataKey, sealedBuffer(filled.length))
    const cid = makeCid(crypto.sha256, 'raw', bytes)
    this.#loose.set(cidKey(cid), cid)
    return { fragment: { cid, nonce, length: plain.length }, block: { cid, bytes } }
  }

  /** What is still to be sealed before a commit, given the file's size. */
  unsealed(size: number): number[] {
    if (this.#isInline(size)) return []
    const indexes = new Set(this.#overlays.keys())
    // what was inline lies in chunk 0, and growing the file alone does not mark it
    for (const chunk of new Set([0, ...this.#dirtyChunks])) {
      this.#tables.get(chunk)?.forEach((base, slot) => {
        if (base?.plain !== undefined && base.fragment === undefined) indexes.add(chunk * FRAGMENTS_PER_CHUNK + slot)
      })
    }
    return [...indexes]
  }

  /** The first node's content, after everything was sealed. */
  encodeContent(size: number): { payload: Uint8Array; links: Cid[] } {
    const inline = this.#isInline(size) ? (this.#unsealed(0) ?? this.#readAll(size)) : null
    const table = inline === null ? toFragments(this.#table(0)) : []
    return { payload: encodeFileContent({ key: this.#key, inline, table, chunks: this.#chunks, ext: this.ext }), links: linksOf(table) }
  }

  /** Changes of chunk nodes, and sealed fragments that came to nothing. Clean afterwards. */
  takeChanges(size: number): { changes: NodeChange[]; orphans: Cid[] } {
    const changes: NodeChange[] = []
    for (const chunk of this.#dirtyChunks) {
      if (chunk === 0) continue
      const label = derivedLabel(this.#nodes.crypto, this.#key, chunk)
      const table = toFragments(this.#table(chunk))
      const block = linksOf(table).length === 0 ? undefined : sealChunkNode(this.#nodes.crypto, label, this.#key, table)
      changes.push({ label, block })
    }
    if (this.#isInline(size)) this.#settleInline(size)
    const orphans = this.#takeOrphans()
    this.#dirtyChunks.clear()
    return { changes, orphans }
  }

  /** After a failed commit: everything loaded counts as changed. */
  touch(): void {
    for (const chunk of this.#tables.keys()) this.#dirtyChunks.add(chunk)
  }

  /** Frees tables of a large file. */
  shrink(): void {
    if (this.#tables.size <= KEPT_CHUNKS || this.isDirty) return
    for (const chunk of this.#tables.keys()) if (chunk !== 0) this.#tables.delete(chunk)
  }

  /** Labels of all nodes but the first, and loose blocks: what goes when the file goes. */
  remains(): { changes: NodeChange[]; orphans: Cid[] } {
    const chunks = new Set([...this.#chunks, ...this.#dirtyChunks]) // one cut off since the last commit still has its node
    chunks.delete(0)
    const changes = Array.from(chunks, (chunk) => ({ label: derivedLabel(this.#nodes.crypto, this.#key, chunk), block: undefined }))
    for (const index of [...this.#overlays.keys()]) this.#dropOverlay(index)
    return { changes, orphans: [...this.#loose.values()] }
  }

  #readAll(size: number): Uint8Array {
    const bytes = new Uint8Array(Math.min(size, this.#length(0)))
    this.read(0, bytes)
    return bytes
  }

  #readFragment(index: number, start: number, out: Uint8Array): void {
    const overlay = this.#overlays.get(index)
    if (overlay?.covers(start, start + out.length) !== true) this.#readBase(index, start, out)
    overlay?.copyTo(out, start)
  }

  #readBase(index: number, start: number, out: Uint8Array): void {
    const base = this.#base(index)
    const length = Math.max(0, Math.min(out.length, (base?.length ?? 0) - start))
    if (length < out.length) out.fill(0, length)
    if (base === undefined || length === 0) return
    if (base.plain !== undefined) out.set(base.plain.subarray(start, start + length))
    else this.#nodes.readFragment(base.fragment as Fragment, this.#dataKey, start, out.subarray(0, length))
  }

  /** Everything of a fragment as one piece. */
  #fill(index: number): void {
    const whole = new Uint8Array(this.#length(index))
    this.#readFragment(index, 0, whole)
    this.#dropOverlay(index)
    this.#overlay(index).write(0, whole)
    this.#meter.bytes += whole.length
  }

  /** The bytes of a fragment that has some which are not sealed: a view where that is possible. */
  #unsealed(index: number): Uint8Array | undefined {
    const base = this.#base(index)
    const overlay = this.#overlays.get(index)
    if (overlay === undefined && (base?.plain === undefined || base.fragment !== undefined)) return undefined
    const length = this.#length(index)
    const whole = overlay?.whole(length)
    if (whole !== undefined) return whole
    const plain = new Uint8Array(length)
    this.#readFragment(index, 0, plain)
    return plain
  }

  #settleInline(size: number): void {
    if (!this.#overlays.has(0) && this.#base(0)?.fragment === undefined) return
    const plain = this.#overlays.get(0)?.whole(Math.min(size, this.#length(0))) ?? this.#readAll(size)
    this.#dropOverlay(0)
    this.#tables.set(0, plain.length === 0 ? [] : [{ length: plain.length, plain }])
  }

  #isInline(size: number): boolean {
    if (size > INLINE_MAX || this.#chunks.size > 0) return false
    return true
  }

  #unseal(index: number, base: Base): void {
    if (base.plain === undefined || base.fragment === undefined) return
    this.#loose.delete(cidKey(base.fragment.cid))
    this.#meter.bytes -= base.plain.length
    if (this.#base(index) !== base) return
    this.#table(Math.floor(index / FRAGMENTS_PER_CHUNK))[index % FRAGMENTS_PER_CHUNK] = { length: base.length, plain: base.plain }
    this.#markChunk(Math.floor(index / FRAGMENTS_PER_CHUNK))
  }

  #takeOrphans(): Cid[] {
    if (this.#loose.size === 0) return []
    for (const table of this.#tables.values()) {
      for (const base of table) if (base?.fragment !== undefined) this.#loose.delete(cidKey(base.fragment.cid))
    }
    const orphans = [...this.#loose.values()]
    this.#loose.clear()
    return orphans
  }

  #release(base: Base): void {
    if (base.plain === undefined) return
    this.#meter.bytes -= base.plain.length
    base.plain = undefined
  }

  #touchedChunks(offset: number, end: number): Set<number> {
    const first = Math.floor(Math.floor(offset / FRAGMENT_BYTES) / FRAGMENTS_PER_CHUNK)
    const touched = new Set<number>()
    for (const chunk of this.#chunks.between(first, Math.ceil(end / CHUNK_BYTES))) touched.add(chunk)
    for (const chunk of [0, ...this.#dirtyChunks]) {
      if (chunk >= first && chunk * CHUNK_BYTES < end) touched.add(chunk)
    }
    return touched
  }

  #punchFragment(index: number, offset: number, end: number): void {
    const begin = index * FRAGMENT_BYTES
    const start = Math.max(offset, begin) - begin
    const stop = Math.min(end, begin + this.#length(index)) - begin
    if (start >= stop) return
    if (start === 0 && stop === this.#length(index)) this.#drop(index)
    else if (stop === this.#length(index)) this.#cut(index, start)
    else this.write(begin + start, new Uint8Array(stop - start))
  }

  #table(chunk: number): Table {
    let table = this.#tables.get(chunk)
    if (table === undefined) {
      table = this.#chunks.has(chunk) ? this.#loadTable(chunk) : []
      this.#tables.set(chunk, table)
    }
    return table
  }

  #loadTable(chunk: number): Table {
    const label = derivedLabel(this.#nodes.crypto, this.#key, chunk)
    return toTable(openChunkNode(this.#nodes.crypto, label, this.#key, this.#nodes.need(label)))
  }

  #base(index: number): Base | undefined {
    return this.#table(Math.floor(index / FRAGMENTS_PER_CHUNK))[index % FRAGMENTS_PER_CHUNK]
  }

  #setBase(index: number, base: Base | undefined): void {
    const chunk = Math.floor(index / FRAGMENTS_PER_CHUNK)
    const table = this.#table(chunk)
    const old = table[index % FRAGMENTS_PER_CHUNK]
    if (old?.fragment !== undefined && base?.fragment !== old.fragment) this.#release(old)
    table[index % FRAGMENTS_PER_CHUNK] = base
    this.#markChunk(chunk)
  }

  #markChunk(chunk: number): void {
    this.#dirtyChunks.add(chunk)
    if (chunk === 0) return
    const table = this.#table(chunk)
    let used = table.some((base) => base !== undefined)
    for (let slot = 0; slot < FRAGMENTS_PER_CHUNK && !used; slot++) used = this.#overlays.has(chunk * FRAGMENTS_PER_CHUNK + slot)
    if (used) this.#chunks.add(chunk)
    else this.#chunks.delete(chunk)
  }

  #overlay(index: number): Overlay {
    let overlay = this.#overlays.get(index)
    if (overlay === undefined) {
      overlay = new Overlay(FRAGMENT_BYTES)
      this.#overlays.set(index, overlay)
      this.#markChunk(Math.floor(index / FRAGMENTS_PER_CHUNK))
    }
    return overlay
  }

  #dropOverlay(index: number): void {
    const overlay = this.#overlays.get(index)
    if (overlay === undefined) return
    this.#meter.bytes -= overlay.bytes
    this.#overlays.delete(index)
  }

  #cutOverlay(index: number, length: number): void {
    const overlay = this.#overlays.get(index)
    if (overlay === undefined) return
    const before = overlay.bytes
    overlay.truncate(length)
    this.#meter.bytes += overlay.bytes - before
  }

  #length(index: number): number {
    return Math.max(this.#base(index)?.length ?? 0, this.#overlays.get(index)?.end ?? 0)
  }

  #resize(index: number, change: () => void): void {
    const before = this.#length(index)
    change()
    this.allocated += this.#length(index) - before
  }

  #drop(index: number): void {
    if (this.#length(index) === 0 && this.#base(index) === undefined) return
    this.#resize(index, () => {
      this.#dropOverlay(index)
      this.#setBase(index, undefined)
    })
  }

  #dropChunk(chunk: number): void {
    const known = this.#tables.has(chunk)
    for (let slot = 0; known && slot < FRAGMENTS_PER_CHUNK; slot++) this.#drop(chunk * FRAGMENTS_PER_CHUNK + slot)
    this.#tables.set(chunk, [])
    this.#chunks.delete(chunk)
    this.#dirtyChunks.add(chunk)
  }

  /** Keeps the first `length` bytes of a fragment. */
  #cut(index: number, length: number): void {
    if (length === 0) {
      this.#drop(index)
      return
    }
    if (this.#length(index) <= length) return
    this.#resize(index, () => {
      this.#cutOverlay(index, length)
      const base = this.#base(index)
      if (base !== undefined && base.length > length) this.#setBase(index, shortened(base, length))
    })
  }
}
