/**
 * Failures in words for people: what happened, what was kept, what to do.
 * @packageDocumentation
 */
import { PathError } from '../app/path-error.js'
import { BrochError, type ErrorCode } from '../lib/error.js'
import { programName } from './program-name.js'
import { safeText } from './safe-text.js'

interface Advice {
  readonly kept: string
  readonly next: string
}

const UNCHANGED = 'Nothing was changed.'
const COMMITTED = 'Everything committed before is kept.'

const ADVICE: Record<ErrorCode, Advice> = {
  CORRUPT: { kept: 'Files that are whole stay readable; nothing was overwritten.', next: 'Run broch fsck to see what is damaged, and restore the store folder from a backup.' },
  MISSING_BLOCK: { kept: 'Files that are whole stay readable; nothing was overwritten.', next: 'Run broch fsck to see what is missing, and restore the store folder from a backup.' },
  ROLLED_BACK: { kept: UNCHANGED, next: 'An older copy of the store lies in its place. Bring back the newer one; if you restored a backup on purpose, mount once with --accept-rollback: what came after it is given up.' },
  BAD_SIGNATURE: { kept: UNCHANGED, next: 'The store was changed by someone without your keys. Restore it from a backup.' },
  WRONG_PASSPHRASE: { kept: UNCHANGED, next: 'Try again. Without the right pass phrase nothing opens the space.' },
  NEWER_FORMAT: { kept: UNCHANGED, next: 'Install a newer version of Broch and try again.' },
  NO_STORE: { kept: UNCHANGED, next: 'Make a space with broch init, or name another folder with --store DIR.' },
  STORE_EXISTS: { kept: UNCHANGED, next: 'Mount it with broch mount DIR, or name another folder with --store DIR.' },
  STORE_LOCKED: { kept: UNCHANGED, next: 'Use the files through the mount, or unmount first: broch umount DIR (broch status says where).' },
  READ_ONLY: { kept: UNCHANGED, next: 'Make the store folder writable for this user. Reading works: broch ls, get, mount -o ro.' },
  NO_SPACE: { kept: COMMITTED, next: 'Free space on the disk of the store and try again.' },
  QUOTA: { kept: COMMITTED, next: 'Delete something, or ask for a larger quota.' },
  CONFLICT: { kept: COMMITTED, next: 'Try again.' },
  IO: { kept: COMMITTED, next: 'Check that the folder is there, that this user may use it, and the disk.' },
  INVALID: { kept: UNCHANGED, next: '' },
  TOO_BIG: { kept: UNCHANGED, next: '' },
  UNSUPPORTED: { kept: UNCHANGED, next: '' },
  ABORTED: { kept: UNCHANGED, next: '' },
  TIMED_OUT: { kept: COMMITTED, next: 'Try again; broch status says what is going on.' },
  NO_FUSE: { kept: UNCHANGED, next: 'Run broch doctor: it says what is missing and how to get it. broch ls, get and put work without FUSE.' },
  MOUNT_FAILED: { kept: UNCHANGED, next: 'Run broch doctor: it says what is missing and how to get it.' },
  MOUNT_POINT: { kept: UNCHANGED, next: 'Make an empty directory, and mount there.' },
  MOUNT_POINT_FILE: { kept: UNCHANGED, next: 'Make an empty directory, and mount there.' },
  MOUNT_POINT_NOT_EMPTY: { kept: UNCHANGED, next: 'Make an empty directory and mount there, or mount over this one with -o nonempty.' },
  MOUNT_BUSY: { kept: 'Everything is kept.', next: 'Close what is open there and try again, or detach it with broch umount --force DIR.' },
  INTERNAL: { kept: COMMITTED, next: 'This is a fault of Broch. Please report it.' },
}

const REFUSALS = new Map([
  ['ENOENT', 'no such file or directory'],
  ['ENOTDIR', 'not a directory'],
  ['EISDIR', 'is a directory'],
  ['EEXIST', 'is there already'],
  ['ENOTEMPTY', 'the directory is not empty'],
  ['EACCES', 'not allowed'],
  ['EPERM', 'not allowed'],
  ['EROFS', 'read-only'],
  ['ELOOP', 'too many symbolic links'],
  ['EXDEV', 'a symbolic link leads out of the space'],
  ['EINVAL', 'not a name for this'],
  ['ENAMETOOLONG', 'a name is too long'],
  ['EOPNOTSUPP', 'devices, sockets and fifos are not copied (use the mount)'],
  ['EIO', 'damaged, or not readable (broch fsck says more)'],
])

/** Several lines, without an end of line. */
export function describeFailure(error: unknown): string {
  if (error instanceof PathError) return `broch: ${describePath(error)}`
  if (error instanceof BrochError) {
    const { kept, next } = ADVICE[error.code]
    return [`broch: ${sentence(safeText(error.message))}`, `${kept} ${next.replaceAll('broch ', `${programName()} `)}`.trim()].join('\n')
  }
  const what = error instanceof Error ? error.message : String(error)
  return `broch: ${sentence(safeText(what))}\n${ADVICE.INTERNAL.kept} ${ADVICE.INTERNAL.next}`
}

export function describePath({ path, code }: PathError): string {
  return `${safeText(path)}: ${REFUSALS.get(code) ?? code}`
}

function sentence(text: string): string {
  return /[.!?]$/.test(text) ? text : `${text}.`
}
