/**
 * A person's space on the embedded store: made, opened, closed.
 * @packageDocumentation
 */
import { existsSync, mkdirSync, readdirSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { setImmediate } from 'node:timers/promises'
import { sodiumCrypto as crypto } from '../crypto/sodium.node.js'
import { BrochError } from '../lib/error.js'
import { EmbeddedStore } from '../store/embedded/embedded-store.node.js'
import { lockHolder } from '../store/embedded/store-lock.node.js'
import { FolderShelf } from './memory-shelf.node.js'
import { defaultPaths } from './paths.node.js'
import { changeLogin, logIn, type OpenSpace, signUp, type SpaceOptions, type SpaceStores } from './space.js'

/** The embedded store has one account; its name is part of the salt. */
const NAME = 'local'

/** Seconds until what was written is committed without being asked. */
export const COMMIT_SECONDS = 5

/** The root, one CHAMP node, the root directory: what a space has before it has files. */
const EMPTY_SPACE_BLOCKS = 3

export function hasStore(dir: string): boolean {
  return existsSync(join(dir, 'format'))
}

/** False for a store whose space was never finished. */
export function hasSpace(dir: string): boolean {
  return hasStore(dir) && existsSync(join(dir, 'account'))
}

export interface StoreDescription {
  readonly exists: boolean
  /** what it takes on the disk */
  readonly bytes: number
  /** the process that has it open */
  readonly heldBy?: number
}

/** What can be told without the pass phrase. */
export function describeStore(dir: string): StoreDescription {
  const heldBy = lockHolder(join(dir, 'lock'))
  return { exists: hasSpace(dir), bytes: folderBytes(dir), ...(heldBy !== undefined && { heldBy }) }
}

function folderBytes(dir: string): number {
  if (!existsSync(dir)) return 0
  let bytes = 0
  for (const name of readdirSync(dir, { recursive: true })) {
    // a file may go while a mount runs
    bytes += (statSync(join(dir, name.toString()), { throwIfNoEntry: false })?.blocks ?? 0) * 512
  }
  return bytes
}

/**
 * Also finishes what a crash left of an earlier attempt: a store without account, and with nothing but an empty root directory.
 * @throws BrochError STORE_EXISTS; CORRUPT when there are blocks but no account; what the store throws
 */
export async function createSpace(dir: string, passphrase: Uint8Array, seen: string = defaultPaths().seen): Promise<void> {
  if (hasSpace(dir)) throw new BrochError('STORE_EXISTS', 'there is a space in this folder already')
  makeFolder(dir)
  const store = EmbeddedStore.open({ dir, crypto, create: !hasStore(dir) })
  try {
    const leftover = [...store.cids()]
    if (leftover.length > EMPTY_SPACE_BLOCKS) throw new BrochError('CORRUPT', 'the account record of the store is missing')
    await store.delete(leftover)
    await signUp(stores(store, seen), { name: NAME, passphrase }, { owner: owner() })
  } finally {
    await store.close()
  }
}

function makeFolder(dir: string): void {
  try {
    mkdirSync(dir, { recursive: true, mode: 0o700 })
  } catch (cause) {
    throw new BrochError('IO', 'the folder of the store cannot be made', { cause })
  }
}

export interface EmbeddedSpaceOptions extends SpaceOptions {
  /** folder for what this device saw last; the user's own by default */
  readonly seen?: string
}

export interface OpenEmbeddedSpace extends OpenSpace {
  /** Asked for, or because the folder cannot be written to. */
  readonly readOnly: boolean
  /** What is unsafe about the store's folder, for people. */
  readonly warning: string | undefined
}

/** @throws BrochError NO_STORE, WRONG_PASSPHRASE, STORE_LOCKED, NEWER_FORMAT, CORRUPT ... */
export async function openSpace(dir: string, passphrase: Uint8Array, { seen = defaultPaths().seen, ...options }: EmbeddedSpaceOptions = {}): Promise<OpenEmbeddedSpace> {
  const store = EmbeddedStore.open({ dir, crypto, readOnly: options.readOnly ?? false })
  try {
    const defaults = { owner: owner(), commitSeconds: COMMIT_SECONDS, yieldTurn: () => setImmediate() }
    const space = await logIn(stores(store, seen), { name: NAME, passphrase }, { ...defaults, ...options, readOnly: store.readOnly })
    for (const what of store.damage) space.fs.note(new BrochError('CORRUPT', what))
    return {
      ...space,
      readOnly: store.readOnly,
      warning: store.warning(),
      check: (checkOptions) => space.check({ stored: store.cids(), ...checkOptions }),
      free: (checkOptions) => space.free({ stored: store.cids(), ...checkOptions }),
      close: async () => {
        await space.close() // when it fails it can be tried again: the store stays open
        await store.close()
      },
    }
  } catch (error) {
    await store.close()
    throw error
  }
}

/** In one step: one of the two opens the space, whatever happens. */
export async function changeSpacePassphrase(dir: string, old: Uint8Array, passphrase: Uint8Array): Promise<void> {
  const store = EmbeddedStore.open({ dir, crypto })
  try {
    await changeLogin({ crypto, accounts: store }, { name: NAME, passphrase: old }, passphrase)
  } finally {
    await store.close()
  }
}

function stores(store: EmbeddedStore, seen: string): SpaceStores {
  return { crypto, blocks: store, pointers: store, accounts: store, shelf: new FolderShelf(seen) }
}

function owner(): { uid: number; gid: number } {
  return { uid: process.getuid?.() ?? 0, gid: process.getgid?.() ?? 0 }
}
