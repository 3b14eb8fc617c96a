/**
 * What is mounted, as /proc/self/mountinfo tells (proc(5)). Asking it never touches a mount.
 * @packageDocumentation
 */
import { readFileSync, realpathSync } from 'node:fs'
import { basename, dirname, join, resolve } from 'node:path'

export interface MountEntry {
  /** minor number of the device: the name of the connection in /sys/fs/fuse/connections */
  readonly device: number
  readonly dir: string
  readonly type: string
  readonly superOptions: readonly string[]
}

/** All mounts, the topmost of a directory last. */
export function readMountTable(text = readFileSync('/proc/self/mountinfo', 'latin1')): MountEntry[] {
  return text.split('\n').filter((line) => line !== '').map((line) => {
    const [before = '', after = ''] = line.split(' - ')
    const [, , device = '', , dir = ''] = before.split(' ')
    const [type = '', , superOptions = ''] = after.split(' ')
    return { device: Number(device.split(':')[1]), dir: unescaped(dir), type, superOptions: superOptions.split(',') }
  })
}

/** Space, tab, newline and backslash are written in octal; bytes are as they are. */
function unescaped(text: string): string {
  const bytes = text.replace(/\\([0-7]{3})/g, (_whole, octal: string) => String.fromCharCode(Number.parseInt(octal, 8)))
  return Buffer.from(bytes, 'latin1').toString()
}

/** What is mounted at exactly this directory, topmost; undefined when nothing is. */
export function mountAt(dir: string): MountEntry | undefined {
  return readMountTable().findLast((entry) => entry.dir === dir)
}

export function isFuse(entry: MountEntry): boolean {
  return entry.type === 'fuse' || entry.type.startsWith('fuse.')
}

/** Whose mount it is: the user that mounted. */
export function ownerOf(entry: MountEntry): number | undefined {
  const word = entry.superOptions.find((option) => option.startsWith('user_id='))
  return word === undefined ? undefined : Number(word.slice('user_id='.length))
}

/**
 * The path as the kernel lists it. The directory itself is asked only when nothing is mounted there by that name: a mount may not
 * answer, or be served by this very process.
 */
export function mountPath(directory: string): string {
  const path = resolve(directory)
  const viaParent = tryRealpath(dirname(path))
  const dir = viaParent === undefined || path === '/' ? path : join(viaParent, basename(path))
  return mountAt(dir) === undefined ? (tryRealpath(path) ?? dir) : dir
}

function tryRealpath(path: string): string | undefined {
  try {
    return realpathSync.native(path)
  } catch {
    return undefined
  }
}
