/**
 * What a file system says, in the store's words.
 * @packageDocumentation
 */
import { BrochError, type ErrorCode } from '../../lib/error.js'

const CODES: Record<string, ErrorCode> = { ENOSPC: 'NO_SPACE', EDQUOT: 'QUOTA', EROFS: 'READ_ONLY', EACCES: 'READ_ONLY', EPERM: 'READ_ONLY', ENOENT: 'MISSING_BLOCK' }

export function asStoreError(what: string, error: unknown): BrochError {
  if (error instanceof BrochError) return error
  const code = error instanceof Error && 'code' in error ? String(error.code) : ''
  return new BrochError(CODES[code] ?? 'IO', `could not ${what} (${code || 'unknown'})`, { cause: error, retry: code === 'ENOSPC' || code === 'EDQUOT' })
}

export function attempt<T>(what: string, action: () => T): T {
  try {
    return action()
  } catch (error) {
    throw asStoreError(what, error)
  }
}
