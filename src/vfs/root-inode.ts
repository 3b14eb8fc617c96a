/**
 * What opening a space does before its first request: finds the root directory, and frees what a kill left open.
 * @packageDocumentation
 */
import { toBinaryString } from '../lib/bytes.js'
import { isBrochError } from '../lib/error.js'
import { NeedBlocks } from '../store/block.js'
import type { Tree } from '../store/tree.js'
import type { Committer } from './committer.js'
import { Directory } from './directory.js'
import type { FilesystemOptions } from './filesystem-options.js'
import { type Inode, TYPE } from './inode.js'
import type { InodeTable } from './inode-table.js'
import type { Nodes } from './nodes.js'
import { orphansOf, withOrphans } from './orphans.js'
import { newProperties } from './state.js'

/** The root directory; a new one when the tree is empty. @throws BrochError CORRUPT */
export async function loadRoot(options: FilesystemOptions, table: InodeTable, nodes: Nodes): Promise<Inode> {
  const { tree, home, now, owner = { uid: 0, gid: 0 } } = options
  if (tree.sequence === 0) {
    const root = table.create(newProperties(TYPE.directory, 0o755, owner, now()), home)
    root.content = Directory.create(nodes)
    return root
  }
  return whenAtHand(tree, () => table.load(toBinaryString(home.label), toBinaryString(home.key)))
}

/** What was open without a name when the last program ended goes with the next commit. */
export async function freeOrphans({ tree }: FilesystemOptions, table: InodeTable, committer: Committer, root: Inode): Promise<void> {
  const orphans = orphansOf(root.ext)
  for (const { label, key } of orphans) {
    try {
      const inode = await whenAtHand(tree, () => table.load(label, key))
      if (inode.nlink === 0) committer.bury(inode)
    } catch (error) {
      if (!isBrochError(error)) throw error // freed already, or damaged: `fsck` finds what is left
    }
  }
  if (orphans.length === 0) return
  root.ext = withOrphans(root.ext, [])
  committer.mark(root)
}

async function whenAtHand<T>(tree: Tree, step: () => T): Promise<T> {
  for (;;) {
    try {
      return step()
    } catch (error) {
      if (!(error instanceof NeedBlocks)) throw error
      await tree.fetch(error)
    }
  }
}
