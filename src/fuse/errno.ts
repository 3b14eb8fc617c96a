/**
 * What a program sees of a failure: errno for each code.
 * @packageDocumentation
 */
import { BrochError, type ErrorCode } from '../lib/error.js'
import { Errno, ERRNO } from '../vfs/errno.js'

const TABLE: Record<ErrorCode, number> = {
  CORRUPT: ERRNO.EIO, MISSING_BLOCK: ERRNO.EIO, ROLLED_BACK: ERRNO.EIO, BAD_SIGNATURE: ERRNO.EIO,
  WRONG_PASSPHRASE: ERRNO.EACCES, NEWER_FORMAT: ERRNO.EIO, NO_STORE: ERRNO.EIO, STORE_EXISTS: ERRNO.EEXIST,
  STORE_LOCKED: ERRNO.EBUSY, READ_ONLY: ERRNO.EROFS, NO_SPACE: ERRNO.ENOSPC, QUOTA: ERRNO.EDQUOT, CONFLICT: ERRNO.EIO,
  IO: ERRNO.EIO, INVALID: ERRNO.EINVAL, TOO_BIG: ERRNO.EFBIG, UNSUPPORTED: ERRNO.EOPNOTSUPP, ABORTED: ERRNO.EINTR,
  TIMED_OUT: ERRNO.ETIMEDOUT, NO_FUSE: ERRNO.ENODEV, MOUNT_FAILED: ERRNO.EIO, MOUNT_POINT: ERRNO.EINVAL,
  MOUNT_POINT_FILE: ERRNO.ENOTDIR, MOUNT_POINT_NOT_EMPTY: ERRNO.ENOTEMPTY, MOUNT_BUSY: ERRNO.EBUSY, INTERNAL: ERRNO.EIO,
}

export function errnoOf(error: unknown): number {
  if (error instanceof Errno) return error.errno
  return error instanceof BrochError ? TABLE[error.code] : ERRNO.EIO
}
