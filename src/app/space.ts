/**
 * A person's space over any stores: signed up for, opened, closed. Portable: the stores and the primitives are given.
 * @packageDocumentation
 */
import { changePassphrase, createAccount, type Identity, type Login, openAccount } from '../account/account.js'
import type { Crypto, SymmetricKey } from '../crypto/crypto.js'
import type { Awaitable } from '../lib/brand.js'
import { BrochError } from '../lib/error.js'
import type { BlockStore, StoreUsage } from '../store/block.js'
import type { PointerStore } from '../store/pointer.js'
import { Tree } from '../store/tree.js'
import type { Alarm } from '../vfs/alarms.js'
import { type CheckOptions, checkSpace } from '../vfs/check.js'
import type { CheckReport } from '../vfs/check-report.js'
import { BrochFilesystem } from '../vfs/broch-filesystem.js'
import type { FilesystemOptions } from '../vfs/filesystem-options.js'
import { freeWaste } from '../vfs/free-waste.js'
import { type MemoryShelf, NotedPointers, RootMemory } from './root-memory.js'

/** Keeps the one account record; a write is one step. */
export interface AccountStore {
  readAccount(): Awaitable<Uint8Array>
  writeAccount(record: Uint8Array): Awaitable<void>
}

export interface SpaceStores {
  readonly crypto: Crypto
  readonly blocks: BlockStore
  readonly pointers: PointerStore
  readonly accounts: AccountStore
  /** Where this device keeps what it saw last; without it a store that was rolled back is not noticed. */
  readonly shelf?: MemoryShelf
}

/** How the space is to be used; what is absent is as {@link FilesystemOptions} says. */
export type SpaceOptions = Pick<Partial<FilesystemOptions>, 'readOnly' | 'atime' | 'noDirAtime' | 'owner' | 'commitSeconds' | 'maxDirtyBytes' | 'yieldTurn'> & {
  /** Take the store as it is, though this device saw a newer or another state of it. */
  readonly acceptRollback?: boolean
}

export type SpaceCheckOptions = Pick<CheckOptions, 'stored' | 'data' | 'signal' | 'onProgress'>

export interface SpaceStatus {
  readonly dirtyBytes: number
  readonly dirtyInodes: number
  /** of the last commit */
  readonly sequence: number
  /** undefined when the store cannot say: its folder has gone, say */
  readonly usage: StoreUsage | undefined
  /** failures of integrity and of the store, by kind */
  readonly alarms: readonly Alarm[]
}

export interface OpenSpace {
  readonly fs: BrochFilesystem
  status(): Promise<SpaceStatus>
  /** Goes over everything that is committed, and changes nothing. Nobody should write meanwhile. */
  check(options?: SpaceCheckOptions): Promise<CheckReport>
  /** As `check`, and frees what nothing refers to when nothing is damaged. The report is of the time before. */
  free(options?: SpaceCheckOptions): Promise<CheckReport>
  /** Commits for the last time. The stores stay open. */
  close(): Promise<void>
}

/** A new account and its empty space. The record comes last: where there is one, there was a root, and a store without it is damaged. */
export async function signUp(stores: SpaceStores, login: Login, options: SpaceOptions = {}): Promise<void> {
  const { record, identity } = await createAccount(stores.crypto, login)
  await (await openAs(await openTree(stores, identity, options), stores, identity, options)).close()
  await stores.accounts.writeAccount(record)
}

/** @throws BrochError WRONG_PASSPHRASE; CORRUPT when the store lost its root; what the stores and the tree throw */
export async function logIn(stores: SpaceStores, login: Login, options: SpaceOptions = {}): Promise<OpenSpace> {
  const identity = await openAccount(stores.crypto, await stores.accounts.readAccount(), login)
  const opened = await openTree(stores, identity, options)
  if (opened.tree.sequence === 0) throw new BrochError('CORRUPT', 'the store has an account and nothing of its space: its data is missing')
  return openAs(opened, stores, identity, options)
}

/** In one step: one of the two pass phrases opens the space, whatever happens. @throws BrochError WRONG_PASSPHRASE */
export async function changeLogin({ crypto, accounts }: Pick<SpaceStores, 'crypto' | 'accounts'>, login: Login, passphrase: Uint8Array): Promise<void> {
  await accounts.writeAccount(await changePassphrase(crypto, await accounts.readAccount(), login, passphrase))
}

/** The tree, and what notes its updates on this device. */
interface OpenTree {
  readonly tree: Tree
  readonly memory: RootMemory | undefined
}

async function openTree(stores: SpaceStores, identity: Identity, { acceptRollback = false }: SpaceOptions): Promise<OpenTree> {
  const { blocks, crypto, shelf } = stores
  const writer = identity.writer.publicKey
  const memory = shelf && new RootMemory(shelf, crypto, writer, identity.secret.slice(160, 192) as SymmetricKey)
  const pointers = memory === undefined ? stores.pointers : new NotedPointers(stores.pointers, writer, memory)
  const isEmpty = (await pointers.get(writer)) === undefined // which is told apart from an older state
  const remembered = acceptRollback || isEmpty ? undefined : memory?.recall()
  const tree = await Tree.open({ blocks, pointers, crypto, writer, ...(remembered && { remembered }) })
  memory?.note({ sequence: tree.sequence, root: tree.root })
  return { tree, memory }
}

async function openAs({ tree, memory }: OpenTree, { blocks, crypto }: SpaceStores, identity: Identity, options: SpaceOptions): Promise<OpenSpace> {
  const fs = await BrochFilesystem.open({ tree, blocks, crypto, secretKey: identity.writer.secretKey, home: identity.home, now, ...options })
  return {
    fs,
    status: async () => ({
      dirtyBytes: fs.dirty.bytes,
      dirtyInodes: fs.dirty.inodes,
      sequence: tree.sequence,
      usage: await blocks.usage().catch(() => undefined),
      alarms: fs.alarms,
    }),
    check: (checkOptions = {}) => checkSpace({ tree, crypto, home: identity.home, ...checkOptions }),
    free: async (checkOptions = {}) => {
      if (options.readOnly === true) throw new BrochError('READ_ONLY', 'the space is open for reading only')
      await fs.commit()
      return freeWaste({ tree, crypto, home: identity.home, ...checkOptions }, blocks, identity.writer.secretKey)
    },
    close: async () => {
      try {
        await fs.close()
      } finally {
        memory?.close()
      }
    },
  }
}

function now(): { seconds: number; nanoseconds: number } {
  const ms = performance.timeOrigin + performance.now()
  const seconds = Math.floor(ms / 1000)
  return { seconds, nanoseconds: Math.floor((ms - seconds * 1000) * 1e6) }
}
