/**
 * Ordinary refusals of a filesystem, as errno(3) names them.
 *
 * They are thrown on hot paths (a lookup of what is not there), so each is made once and carries no stack.
 * @packageDocumentation
 */

/** Linux x86 numbers. */
export const ERRNO = {
  EPERM: 1,
  ENOENT: 2,
  EINTR: 4,
  EIO: 5,
  ENXIO: 6,
  E2BIG: 7,
  EBADF: 9,
  EAGAIN: 11,
  ENOMEM: 12,
  EACCES: 13,
  EBUSY: 16,
  EEXIST: 17,
  EXDEV: 18,
  ENODEV: 19,
  ENOTDIR: 20,
  EISDIR: 21,
  EINVAL: 22,
  ENFILE: 23,
  EMFILE: 24,
  EFBIG: 27,
  ENOSPC: 28,
  EROFS: 30,
  EMLINK: 31,
  ERANGE: 34,
  EDEADLK: 35,
  ENAMETOOLONG: 36,
  ENOSYS: 38,
  ENOTEMPTY: 39,
  ELOOP: 40,
  ENODATA: 61,
  EOVERFLOW: 75,
  ESTALE: 116,
  EOPNOTSUPP: 95,
  ETIMEDOUT: 110,
  EDQUOT: 122,
} as const

export type ErrnoName = keyof typeof ERRNO

export class Errno extends Error {
  override readonly name = 'Errno'
  readonly code: ErrnoName
  readonly errno: number

  constructor(code: ErrnoName) {
    super(code)
    this.code = code
    this.errno = ERRNO[code]
  }
}

const made = new Map<ErrnoName, Errno>()

/** The one instance for a name: `throw errno('ENOENT')`. */
export function errno(code: ErrnoName): Errno {
  let error = made.get(code)
  if (error === undefined) {
    const limit = Error.stackTraceLimit
    Error.stackTraceLimit = 0
    error = new Errno(code)
    Error.stackTraceLimit = limit
    made.set(code, error)
  }
  return error
}
