/**
 * Whether a file's chunks, fragments and size fit together, and all of it opens. docs/format.md §7.4
 * @packageDocumentation
 */
import { CHUNK_BYTES, decodeFileContent, FRAGMENT_BYTES, type FileContent, type Fragment, type FragmentTable } from '../cryptree/file-content.js'
import { dataKey, derivedLabel } from '../cryptree/keys.js'
import { type ObjectRef, openChunkNode, openContent } from '../cryptree/object-node.js'
import type { Properties } from '../cryptree/properties.js'
import type { Crypto, Sealed, SymmetricKey } from '../crypto/crypto.js'
import { BrochError } from '../lib/error.js'
import { verifyBlock } from '../store/cid.js'
import type { Label } from '../store/label.js'
import type { NodeBlock } from '../store/node-block.js'
import type { Tree } from '../store/tree.js'
import type { ProblemKind } from './check-report.js'

/** The check of the space that this is a part of, with the file in mind. */
export interface FileCheckContext {
  readonly tree: Tree
  readonly crypto: Crypto
  /** open every fragment */
  readonly data: boolean
  readonly counts: { fragments: number; bytes: number }
  /** in the whole space */
  readonly nodesInAll: number
  readonly node: (label: Label) => NodeBlock
  /** What it gives; undefined when something is damaged, which is reported. */
  readonly attempt: <T>(what: string, step: () => T) => Promise<T | undefined>
  readonly problem: (kind: ProblemKind, what: string) => void
}

export class FileCheck {
  readonly #context: FileCheckContext
  #allocated = 0
  /** where the last byte that is stored lies, plus one */
  #end = 0

  constructor(context: FileCheckContext) {
    this.#context = context
  }

  async run(ref: ObjectRef, node: NodeBlock, { size, allocated }: Properties): Promise<void> {
    const { crypto, attempt, problem } = this.#context
    const content = await attempt('its content', () => decodeFileContent(openContent(crypto, ref, node), node.links))
    if (content === undefined) return
    if (content.inline !== null) {
      this.#covers(0, content.inline.length)
      this.#context.counts.bytes += content.inline.length
    }
    await this.#table(content, 0, content.table)
    const whole = await this.#chunks(content)
    if (this.#end > size) problem('size', `it says ${size} bytes and has data up to ${this.#end}`)
    if (whole && this.#allocated !== allocated) problem('size', `it says ${allocated} bytes are stored and ${this.#allocated} are`)
  }

  /** False when some could not be read. */
  async #chunks(content: FileContent): Promise<boolean> {
    const { crypto, attempt, problem, node } = this.#context
    if (content.chunks.size > this.#context.nodesInAll) {
      problem('chunks', 'it says it has more chunks than the space')
      return false
    }
    let whole = true
    for (const chunk of content.chunks) {
      const label = derivedLabel(crypto, content.key, chunk)
      const table = await attempt(`chunk ${chunk}`, () => openChunkNode(crypto, label, content.key, node(label)))
      if (table === undefined) whole = false
      else await this.#table(content, chunk, table)
    }
    return whole
  }

  async #table(content: FileContent, chunk: number, table: FragmentTable): Promise<void> {
    const { crypto, attempt, data } = this.#context
    const key = dataKey(crypto, content.key)
    for (const [slot, fragment] of table.entries()) {
      if (fragment === undefined) continue
      this.#covers(chunk * CHUNK_BYTES + slot * FRAGMENT_BYTES, fragment.length)
      if (data) await attempt(`bytes of chunk ${chunk}`, () => this.#open(fragment, key))
    }
  }

  #open(fragment: Fragment, key: SymmetricKey): void {
    const { crypto, tree, counts } = this.#context
    const sealed = tree.fragment(fragment.cid)
    verifyBlock(crypto.sha256, fragment.cid, sealed)
    const plain = crypto.open(sealed as Sealed, fragment.nonce, key)
    if (plain === undefined || plain.length < fragment.length) throw new BrochError('CORRUPT', 'a fragment does not open')
    counts.fragments += 1
    counts.bytes += fragment.length
  }

  #covers(start: number, length: number): void {
    this.#allocated += length
    if (length > 0) this.#end = Math.max(this.#end, start + length)
  }
}
