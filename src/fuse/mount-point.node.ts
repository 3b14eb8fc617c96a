/**
 * Before mounting: what is left of a killed process is taken away, and the directory is looked at.
 * @packageDocumentation
 */
import { readdir } from 'node:fs/promises'
import { BrochError } from '../lib/error.js'
import { isFuse, mountAt, ownerOf } from './mount-table.node.js'
import type { MountOptions } from './mount-options.js'
import { detach } from './unmount.node.js'

/** A mount that does not answer for so long is somebody's, and alive. */
const ANSWER_MS = 5000

/**
 * @param dir - as `mountPath` gives it
 * @throws BrochError MOUNT_POINT (missing or closed), MOUNT_POINT_FILE, MOUNT_POINT_NOT_EMPTY, MOUNT_BUSY
 */
export async function prepareMountPoint(dir: string, { nonEmpty, subtype }: Pick<MountOptions, 'nonEmpty' | 'subtype'>): Promise<void> {
  await clearStale(dir, `fuse.${subtype}`)
  let names: string[]
  try {
    names = await readdir(dir)
  } catch (cause) {
    throw refusal(codeOf(cause), cause)
  }
  if (names.length > 0 && !nonEmpty) throw new BrochError('MOUNT_POINT_NOT_EMPTY', 'the mount point is not empty: what is in it would be hidden')
}

function refusal(code: string, cause: unknown): BrochError {
  if (code === 'ENOTDIR') return new BrochError('MOUNT_POINT_FILE', 'the mount point is a file; a directory is needed', { cause })
  if (code === 'ENOENT') return new BrochError('MOUNT_POINT', 'the mount point does not exist', { cause })
  return new BrochError('MOUNT_POINT', `the mount point cannot be read (${code})`, { cause })
}

/** A mount whose process died answers ENOTCONN. It is taken away when this user made it, and it is of our type. */
async function clearStale(dir: string, type: string): Promise<void> {
  for (let entry = mountAt(dir); entry !== undefined && isFuse(entry); entry = mountAt(dir)) {
    const by = ownerOf(entry) === process.getuid?.() ? '' : `, by user ${ownerOf(entry) ?? 'unknown'}`
    if (!(await isDead(dir))) throw new BrochError('MOUNT_BUSY', `something is mounted there already${by}`)
    if (entry.type !== type || by !== '') throw new BrochError('MOUNT_BUSY', `a dead mount of type ${entry.type} lies there${by}; it is not ours to take away (umount -l does)`)
    await detach(dir)
  }
}

async function isDead(dir: string): Promise<boolean> {
  const late = new Promise<boolean>((resolve) => setTimeout(() => resolve(false), ANSWER_MS).unref())
  const answered = readdir(dir).then(() => false, (error: unknown) => codeOf(error) === 'ENOTCONN')
  return Promise.race([answered, late])
}

function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : 'unknown'
}
