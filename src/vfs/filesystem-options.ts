/**
 * What a filesystem is opened with.
 * @packageDocumentation
 */
import type { ObjectRef } from '../cryptree/object-node.js'
import type { TimeStamp } from '../cryptree/properties.js'
import type { Crypto, SecretSignKey } from '../crypto/crypto.js'
import type { BlockStore } from '../store/block.js'
import type { Tree } from '../store/tree.js'
import type { AtimePolicy } from './state.js'

export interface FilesystemOptions {
  readonly tree: Tree
  readonly blocks: BlockStore
  readonly crypto: Crypto
  readonly secretKey: SecretSignKey
  /** the root directory */
  readonly home: ObjectRef
  readonly now: () => TimeStamp
  readonly atime?: AtimePolicy
  /** Reading a directory leaves its atime alone. */
  readonly noDirAtime?: boolean
  readonly readOnly?: boolean
  /** Dirty bytes past which writers wait; 96 MiB by default. */
  readonly maxDirtyBytes?: number
  /** Dirty inodes past which a commit begins; 10,000 by default. */
  readonly maxDirtyInodes?: number
  /** Seconds between commits of what is dirty; none are made by the clock when absent. */
  readonly commitSeconds?: number
  /** Lets others have a turn in the middle of long work. */
  readonly yieldTurn?: () => Promise<void>
  /** Whose the root directory of a fresh space is; uid and gid 0 by default. */
  readonly owner?: { readonly uid: number; readonly gid: number }
}
