/**
 * Ending a mount: umount(8) for root, fusermount3(1) for others. Neither is done by this process itself, which may be the one
 * that serves the mount.
 * @packageDocumentation
 */
import { BrochError } from '../lib/error.js'
import { runCommand } from './command.node.js'
import { findHolders, type Holder } from './holders.node.js'
import { isFuse, mountAt, mountPath } from './mount-table.node.js'

export interface UnmountOptions {
  /** Take it out of the tree of files even while programs hold files there; they keep them until they close them. */
  readonly force?: boolean
}

/**
 * Resolves when the directory is no mount any more. The process that serves it then commits what is dirty and ends.
 *
 * @throws BrochError MOUNT_BUSY while programs use it, INVALID when no such mount is there, MOUNT_FAILED
 */
export async function unmount(directory: string, { force = false }: UnmountOptions = {}): Promise<void> {
  const dir = mountPath(directory)
  const entry = mountAt(dir)
  if (entry === undefined || !isFuse(entry)) throw new BrochError('INVALID', `no space is mounted at ${dir}`)
  if (force) await detach(dir)
  else await takeAway(dir)
}

/** umount -l. @throws BrochError MOUNT_FAILED */
export async function detach(dir: string): Promise<void> {
  const said = await attempt(dir, true)
  if (said !== undefined) throw new BrochError('MOUNT_FAILED', `unmounting failed: ${said}`)
}

async function takeAway(dir: string): Promise<void> {
  const said = await attempt(dir, false)
  if (said === undefined) return
  if (!/busy/.test(said)) throw new BrochError('MOUNT_FAILED', `unmounting failed: ${said}`)
  throw new BrochError('MOUNT_BUSY', `still in use${named(await findHolders(dir))}`, { retry: true })
}

function named(holders: readonly Holder[]): string {
  const shown = holders.slice(0, 5).map(({ pid, program }) => `${pid} (${program})`)
  if (shown.length === 0) return ''
  return ` by process ${shown.join(', ')}${holders.length > shown.length ? ` and ${holders.length - shown.length} more` : ''}`
}

/** @returns what went wrong, or undefined */
async function attempt(dir: string, lazy: boolean): Promise<string | undefined> {
  const isRoot = process.getuid?.() === 0
  const command = isRoot ? 'umount' : 'fusermount3'
  const args = isRoot ? ['-i', ...(lazy ? ['-l'] : [])] : ['-u', ...(lazy ? ['-z'] : [])]
  const { code, said } = await runCommand(command, [...args, '--', dir])
  return code === 0 ? undefined : said || `${command} ended with ${code}`
}
