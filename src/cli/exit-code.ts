/**
 * Exit codes, stable for scripts. docs/cli.md
 * @packageDocumentation
 */
import { BrochError, type ErrorCode } from '../lib/error.js'

export const EXIT: Record<ErrorCode, number> = {
  INTERNAL: 1, INVALID: 2, UNSUPPORTED: 2, TOO_BIG: 2, WRONG_PASSPHRASE: 10, NO_STORE: 11, STORE_EXISTS: 12,
  STORE_LOCKED: 13, NEWER_FORMAT: 14, READ_ONLY: 15, NO_SPACE: 16, QUOTA: 16, IO: 17, CORRUPT: 20, MISSING_BLOCK: 20,
  ROLLED_BACK: 21, BAD_SIGNATURE: 22, CONFLICT: 23, NO_FUSE: 30, MOUNT_FAILED: 31, MOUNT_POINT: 32, MOUNT_BUSY: 33,
  ABORTED: 40, TIMED_OUT: 41,
}

export function exitCodeOf(error: unknown): number {
  return error instanceof BrochError ? EXIT[error.code] : 1
}
