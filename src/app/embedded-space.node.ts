/**
 * A person's space on the embedded store: made, opened, closed.
 * @packageDocumentation
 */
import { mkdirSync } from 'node:fs'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { changePassphrase, createAccount, type Identity, openAccount } from '../account/account.js'
import { sodiumCrypto as crypto } from '../crypto/sodium.node.js'
import { EmbeddedStore } from '../store/embedded/embedded-store.node.js'
import { Tree } from '../store/tree.js'
import { BrochFilesystem } from '../vfs/broch-filesystem.js'

/** The embedded store has one account; its name is part of the salt. */
const NAME = 'local'

export interface Paths {
  readonly store: string
  readonly passfile: string
}

/** All under `$BROCH_HOME` if set, else in the XDG folders. */
export function defaultPaths(env: NodeJS.ProcessEnv = process.env): Paths {
  const home = env['BROCH_HOME']
  if (home !== undefined && home !== '') return { store: join(home, 'store'), passfile: join(home, 'passphrase') }
  const data = env['XDG_DATA_HOME'] ?? join(homedir(), '.local', 'share')
  const config = env['XDG_CONFIG_HOME'] ?? join(homedir(), '.config')
  return { store: join(data, 'broch', 'store'), passfile: join(config, 'broch', 'passphrase') }
}

export interface OpenSpace {
  readonly fs: BrochFilesystem
  /** Commits, and lets go of the store. */
  close(): Promise<void>
}

/** @throws BrochError STORE_EXISTS and what the store throws */
export async function createSpace(dir: string, passphrase: Uint8Array): Promise<void> {
  mkdirSync(dir, { recursive: true, mode: 0o700 })
  const { record, identity } = await createAccount(crypto, { name: NAME, passphrase })
  const store = EmbeddedStore.open({ dir, crypto, create: true })
  try {
    store.writeAccount(record)
    await (await openFilesystem(store, identity)).close()
  } finally {
    await store.close()
  }
}

/** @throws BrochError NO_STORE, WRONG_PASSPHRASE, STORE_LOCKED, NEWER_FORMAT, CORRUPT ... */
export async function openSpace(dir: string, passphrase: Uint8Array): Promise<OpenSpace> {
  const store = EmbeddedStore.open({ dir, crypto })
  try {
    const identity = await openAccount(crypto, store.readAccount(), { name: NAME, passphrase })
    const fs = await openFilesystem(store, identity)
    return {
      fs,
      close: async () => {
        await fs.close()
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
    store.writeAccount(await changePassphrase(crypto, store.readAccount(), { name: NAME, passphrase: old }, passphrase))
  } finally {
    await store.close()
  }
}

async function openFilesystem(store: EmbeddedStore, identity: Identity): Promise<BrochFilesystem> {
  const tree = await Tree.open({ blocks: store, pointers: store, crypto, writer: identity.writer.publicKey })
  const owner = { uid: process.getuid?.() ?? 0, gid: process.getgid?.() ?? 0 }
  return BrochFilesystem.open({ tree, blocks: store, crypto, secretKey: identity.writer.secretKey, home: identity.home, now, owner, commitSeconds: 5 })
}

function now(): { seconds: number; nanoseconds: number } {
  const ms = performance.timeOrigin + performance.now()
  const seconds = Math.floor(ms / 1000)
  return { seconds, nanoseconds: Math.floor((ms - seconds * 1000) * 1e6) }
}
