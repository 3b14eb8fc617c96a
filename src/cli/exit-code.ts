/**
 * Exit codes, stable for scripts: one for each kind of failure.
 * @packageDocumentation
 */
import { PathError } from '../app/path-error.js'
import { BrochError, type ErrorCode } from '../lib/error.js'

const EXIT: Record<ErrorCode, number> = {
  INTERNAL: 1, INVALID: 2, UNSUPPORTED: 2, TOO_BIG: 2, WRONG_PASSPHRASE: 10, NO_STORE: 11, STORE_EXISTS: 12,
  STORE_LOCKED: 13, NEWER_FORMAT: 14, READ_ONLY: 15, NO_SPACE: 16, QUOTA: 16, IO: 17, CORRUPT: 20, MISSING_BLOCK: 20,
  ROLLED_BACK: 21, BAD_SIGNATURE: 22, CONFLICT: 23, NO_FUSE: 30, MOUNT_FAILED: 31, MOUNT_POINT: 32, MOUNT_BUSY: 33,
  MOUNT_POINT_FILE: 34, MOUNT_POINT_NOT_EMPTY: 35, ABORTED: 40, TIMED_OUT: 41,
}

/** Some files could not be copied; the others are there. */
export const EXIT_PARTIAL = 18
/** A path that is not there, or is not what it must be. */
export const EXIT_PATH = 19
/** `doctor` found something that keeps mounting from working. */
export const EXIT_DOCTOR = EXIT.NO_FUSE
/** `fsck` found damage. */
export const EXIT_DAMAGED = EXIT.CORRUPT

/** For the help and the manual, in order. */
export const EXIT_CODES: readonly (readonly [code: number, meaning: string])[] = [
  [0, 'done'],
  [1, 'a fault of the program'],
  [2, 'asked for something that cannot be (wrong usage, no pass phrase given)'],
  [10, 'wrong pass phrase, or a damaged account record'],
  [11, 'no store there'],
  [12, 'a store is there already'],
  [13, 'another process has the store (it is mounted, say)'],
  [14, 'the store is of a newer version'],
  [15, 'the store is read-only'],
  [16, 'no space left, or over quota'],
  [17, 'the store, or a file beside it, could not be read or written'],
  [18, 'some files could not be copied; the others are'],
  [19, 'a path is missing, or is not what it must be'],
  [20, 'damaged or missing data in the store'],
  [21, 'the store is older than what was seen before'],
  [22, 'a signature is wrong'],
  [23, 'changed by another process meanwhile'],
  [30, 'FUSE is not there, or not for this user'],
  [31, 'mounting failed'],
  [32, 'the mount point is missing, or closed to this user'],
  [33, 'files are open there, or something is mounted already'],
  [34, 'the mount point is a file'],
  [35, 'the mount point is not empty'],
  [40, 'stopped by the user'],
  [41, 'timed out'],
]

export function exitCodeOf(error: unknown): number {
  if (error instanceof PathError) return EXIT_PATH
  return error instanceof BrochError ? EXIT[error.code] : 1
}
