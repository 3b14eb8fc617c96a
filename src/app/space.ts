/**
 * A person's space over any stores: signed up for, opened, closed. Portable: the stores and the primitives are given.
 * @packageDocumentation
 */
import { changePassphrase, createAccount, type Identity, type Login, openAccount } from '../account/account.js'
import type { Crypto } from '../crypto/crypto.js'
import type { Awaitable } from '../lib/brand.js'
import { BrochError } from '../lib/error.js'
import type { BlockStore, StoreUsage } from '../store/block.js'
import type { PointerStore } from '../store/pointer.js'
import { type Remembered, Tree } from '../store/tree.js'
import type { Alarm } from '../vfs/alarms.js'
import { type CheckOptions, checkSpace } from '../vfs/check.js'
import type { CheckReport } from '../vfs/check-report.js'
import { BrochFilesystem, type FilesystemOptions } from '../vfs/broch-filesystem.js'

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
}

/** How the space is to be used; what is absent is as {@link FilesystemOptions} says. */
export type SpaceOptions = Pick<Partial<FilesystemOptions>, 'readOnly' | 'atime' | 'noDirAtime' | 'owner' | 'commitSeconds' | 'maxDirtyBytes' | 'yieldTurn'> & {
  readonly remembered?: Remembered
}

export type SpaceCheckOptions = Pick<CheckOptions, 'stored' | 'data' | 'signal' | 'onProgress'>

export interface SpaceStatus {
  readonly dirtyBytes: number
  readonly dirtyInodes: number
  /** of the last commit */
  readonly sequence: number
  readonly usage: StoreUsage
  /** failures of integrity and of the store, by kind */
  readonly alarms: readonly Alarm[]
}

export interface OpenSpace {
  readonly fs: BrochFilesystem
  status(): Promise<SpaceStatus>
  /** Goes over everything that is committed, and changes nothing. Nobody should write meanwhile. */
  check(options?: SpaceCheckOptions): Promise<CheckReport>
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
  const tree = await openTree(stores, identity, options)
  if (tree.sequence === 0) throw new BrochError('CORRUPT', 'the store has an account and nothing of its space: its data is missing')
  return openAs(tree, stores, identity, options)
}

/** In one step: one of the two pass phrases opens the space, whatever happens. @throws BrochError WRONG_PASSPHRASE */
export async function changeLogin({ crypto, accounts }: Pick<SpaceStores, 'crypto' | 'accounts'>, login: Login, passphrase: Uint8Array): Promise<void> {
  await accounts.writeAccount(await changePassphrase(crypto, await accounts.readAccount(), login, passphrase))
}

function openTree({ blocks, pointers, crypto }: SpaceStores, identity: Identity, { remembered }: SpaceOptions): Promise<Tree> {
  return Tree.open({ blocks, pointers, crypto, writer: identity.writer.publicKey, ...(remembered && { remembered }) })
}

async function openAs(tree: Tree, { blocks, crypto }: SpaceStores, identity: Identity, { remembered: _, ...options }: SpaceOptions): Promise<OpenSpace> {
  const fs = await BrochFilesystem.open({ tree, blocks, crypto, secretKey: identity.writer.secretKey, home: identity.home, now, ...options })
  return {
    fs,
    status: async () => ({
      dirtyBytes: fs.dirty.bytes,
      dirtyInodes: fs.dirty.inodes,
      sequence: tree.sequence,
      usage: await blocks.usage(),
      alarms: fs.alarms,
    }),
    check: (checkOptions = {}) => checkSpace({ tree, crypto, home: identity.home, ...checkOptions }),
    close: () => fs.close(),
  }
}

function now(): { seconds: number; nanoseconds: number } {
  const ms = performance.timeOrigin + performance.now()
  const seconds = Math.floor(ms / 1000)
  return { seconds, nanoseconds: Math.floor((ms - seconds * 1000) * 1e6) }
}
