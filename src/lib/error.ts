/**
 * The one error class of the project and its closed list of codes.
 *
 * Tables to errno (`fuse/errno.ts`) and exit codes (`cli/exit-code.ts`) are exhaustive over {@link ErrorCode}.
 * @packageDocumentation
 */

/** What can go wrong, for programs. Messages for people are made in `cli`. */
export type ErrorCode =
  // a block, node, root or record does not pass its check
  | 'CORRUPT'
  | 'MISSING_BLOCK'
  | 'ROLLED_BACK'
  | 'BAD_SIGNATURE'
  // login
  | 'WRONG_PASSPHRASE'
  // store
  | 'NEWER_FORMAT'
  | 'NO_STORE'
  | 'STORE_EXISTS'
  | 'STORE_LOCKED'
  | 'READ_ONLY'
  | 'NO_SPACE'
  | 'QUOTA'
  | 'CONFLICT'
  | 'IO'
  // asked for something that cannot be
  | 'INVALID'
  | 'TOO_BIG'
  | 'UNSUPPORTED'
  | 'ABORTED'
  | 'TIMED_OUT'
  // mount
  | 'NO_FUSE'
  | 'MOUNT_FAILED'
  | 'MOUNT_POINT'
  | 'MOUNT_POINT_FILE'
  | 'MOUNT_POINT_NOT_EMPTY'
  | 'MOUNT_BUSY'
  // a bug of ours
  | 'INTERNAL'

export interface BrochErrorOptions {
  readonly cause?: unknown
  /** Whether doing the same again later can help. */
  readonly retry?: boolean
}

export class BrochError extends Error {
  override readonly name = 'BrochError'
  readonly code: ErrorCode
  readonly retry: boolean

  /** @param message - what was attempted and what went wrong; never a key, a file name or contents */
  constructor(code: ErrorCode, message: string, options: BrochErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause })
    this.code = code
    this.retry = options.retry ?? false
  }
}

/** True for an error of ours with this code. */
export function isBrochError(error: unknown, code?: ErrorCode): error is BrochError {
  return error instanceof BrochError && (code === undefined || error.code === code)
}

/** Something in the store is not what it was, or not for this program to read: trying again gives nothing else. */
export function isDamage(error: unknown): error is BrochError {
  return error instanceof BrochError && (error.code === 'CORRUPT' || error.code === 'MISSING_BLOCK' || error.code === 'NEWER_FORMAT')
}
