/**
 * Somebody with the writer's signing key, and where asked for with the keys of objects, who writes what no honest program would.
 * @packageDocumentation
 */
import { type DirectoryContent, decodeDirectoryContent, encodeDirectoryContent } from '../../src/cryptree/directory-content.js'
import { decodeFileContent, encodeFileContent, type FileContent, linksOf } from '../../src/cryptree/file-content.js'
import { type ObjectRef, openContent, openProperties, sealContent, sealObjectNode } from '../../src/cryptree/object-node.js'
import type { Properties } from '../../src/cryptree/properties.js'
import type { SealedPart } from '../../src/cryptree/sealed-part.js'
import { sodiumCrypto as crypto } from '../../src/crypto/sodium.node.js'
import type { Block, Cid } from '../../src/store/block.js'
import type { Label } from '../../src/store/label.js'
import { encodeNodeBlock, type NodeBlock } from '../../src/store/node-block.js'
import type { Tree } from '../../src/store/tree.js'
import type { testSpace } from './space.js'

type Space = Pick<ReturnType<typeof testSpace>, 'openTree' | 'refOf' | 'pair'>

export class Forger {
  readonly tree: Tree
  readonly #space: Space

  private constructor(space: Space, tree: Tree) {
    this.#space = space
    this.tree = tree
  }

  static async of(space: Space): Promise<Forger> {
    return new Forger(space, await space.openTree())
  }

  ref(...names: string[]): ObjectRef {
    return this.#space.refOf(this.tree, ...names)
  }

  node(label: Label): NodeBlock {
    return this.tree.lookup(label) as NodeBlock
  }

  async labels(): Promise<Label[]> {
    const labels: Label[] = []
    for await (const { label } of this.tree.walk()) labels.push(label.slice() as Label)
    return labels
  }

  async put(...nodes: { readonly label: Label; readonly node: NodeBlock | Block }[]): Promise<void> {
    const changes = nodes.map(({ label, node }) => ({ label, block: 'cid' in node ? node : encodeNodeBlock(crypto.sha256, node) }))
    await this.tree.commit(changes, [], this.#space.pair.secretKey)
  }

  async properties(ref: ObjectRef, change: Partial<Properties>): Promise<void> {
    const node = this.node(ref.label)
    const properties = { ...openProperties(crypto, ref, node), ...change }
    await this.put({ label: ref.label, node: sealObjectNode(crypto, ref, properties, { part: node.content as SealedPart, links: node.links }) })
  }

  async payload(ref: ObjectRef, payload: Uint8Array, links: readonly Cid[] = []): Promise<void> {
    const properties = openProperties(crypto, ref, this.node(ref.label))
    await this.put({ label: ref.label, node: sealObjectNode(crypto, ref, properties, sealContent(crypto, ref, payload, links)) })
  }

  directoryContent(ref: ObjectRef): DirectoryContent {
    return decodeDirectoryContent(openContent(crypto, ref, this.node(ref.label)))
  }

  async directory(ref: ObjectRef, change: Partial<DirectoryContent>): Promise<void> {
    await this.payload(ref, encodeDirectoryContent({ ...this.directoryContent(ref), ...change }))
  }

  fileContent(ref: ObjectRef): FileContent {
    const node = this.node(ref.label)
    return decodeFileContent(openContent(crypto, ref, node), node.links)
  }

  async file(ref: ObjectRef, change: Partial<FileContent>): Promise<void> {
    const content = { ...this.fileContent(ref), ...change }
    await this.payload(ref, encodeFileContent(content), linksOf(content.table))
  }
}
