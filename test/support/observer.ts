/**
 * What somebody sees who has every block of a store, the order they came in, and no key. docs/threat-model.md
 * @packageDocumentation
 */
import type { Block } from '../../src/store/block.js'
import { LABEL_ZERO, ChampNode, childPath, isChild, type Slot } from '../../src/store/champ-node.js'
import { cidKey } from '../../src/store/cid.js'
import type { Label } from '../../src/store/label.js'
import { decodeNodeBlock } from '../../src/store/node-block.js'
import { decodeRoot } from '../../src/store/root.js'
import type { HostileBlockStore, HostilePointerStore } from './hostile-store.js'

/** One node as it looks from outside. */
export interface SeenNode {
  readonly label: Label
  readonly props: Uint8Array
  readonly content: Uint8Array
  readonly fragments: readonly Uint8Array[]
  /** when it was put, among all blocks */
  readonly turn: number
}

export function observe(blocks: HostileBlockStore, pointers: HostilePointerStore): SeenNode[] {
  const turns = new Map([...blocks.history.keys()].map((key, turn) => [key, turn]))
  const read = (cid: Block['cid']): Uint8Array => (blocks.history.get(cidKey(cid)) as Block).bytes
  const nodes: SeenNode[] = []
  const visit = (slots: readonly Slot[], depth: number, path: Label): void => {
    for (const [i, slot] of slots.entries()) {
      const below = childPath(path, depth, i)
      if (isChild(slot)) visit(ChampNode.decode(read(slot.cid), depth + 1, below).slots(), depth + 1, below)
      else {
        for (const { label, value } of slot ?? []) {
          const { props, content, links } = decodeNodeBlock(read(value))
          nodes.push({ label, props, content, fragments: links.map(read), turn: turns.get(cidKey(value)) as number })
        }
      }
    }
  }
  const { champ } = decodeRoot(read(pointers.history.at(-1)?.root as Block['cid']))
  if (champ !== undefined) visit(ChampNode.decode(read(champ), 0, LABEL_ZERO).slots(), 0, LABEL_ZERO)
  return nodes
}

/** The stated leak: of each node the sizes of its parts and of its fragments, in no order. */
export function shape(nodes: readonly SeenNode[]): string[] {
  return nodes.map(({ props, content, fragments }) => JSON.stringify([props.length, content.length, fragments.map(({ length }) => length)])).sort()
}

export function sealedBytes(nodes: readonly SeenNode[]): Uint8Array[] {
  return nodes.flatMap(({ props, content, fragments }) => [props, content, ...fragments]).filter(({ length }) => length > 0)
}
