/**
 * The space opened for one command, without a mount.
 * @packageDocumentation
 */
import { hasStore, openSpace } from '../app/embedded-space.node.js'
import type { OpenSpace } from '../app/space.js'
import { SpaceFiles } from '../app/space-files.js'
import { BrochError, isBrochError } from '../lib/error.js'
import { mountOf } from './control-client.js'
import { paths, sourceOf, type StoreArguments } from './options.js'
import { getPassphrase } from './passphrase.js'

/** Commits when `use` is done; when it fails too, so that what it had done by then is kept. */
export async function withSpace<T>(args: StoreArguments, readOnly: boolean, use: (files: SpaceFiles, space: OpenSpace) => Promise<T>): Promise<T> {
  if (!hasStore(args.store)) throw new BrochError('NO_STORE', `there is no space in ${args.store}`)
  const { bytes } = await getPassphrase(sourceOf(args))
  return whileUnmounted(args.store, async () => {
    const space = await openSpace(args.store, bytes, { readOnly })
    if (space.warning !== undefined) console.error(`broch: warning: ${space.warning}`)
    try {
      if (space.readOnly && !readOnly) throw new BrochError('READ_ONLY', 'the store folder cannot be written to')
      const caller = { uid: process.getuid?.() ?? 0, gid: process.getgid?.() ?? 0, pid: process.pid }
      return await use(new SpaceFiles(space.fs, caller), space)
    } finally {
      await space.close()
    }
  })
}

/** @throws BrochError STORE_LOCKED that says where the space is mounted */
export async function whileUnmounted<T>(store: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    if (!isBrochError(error, 'STORE_LOCKED')) throw error
    const mount = await mountOf(paths.run, store)
    if (mount === undefined) throw error
    const { dir, pid } = mount.status
    throw new BrochError('STORE_LOCKED', `the space is mounted at ${dir}, and process ${pid} has the store`)
  }
}
