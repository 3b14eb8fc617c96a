/**
 * Names in directories, as binary strings. docs/format.md §7.5
 * @packageDocumentation
 */

export const NAME_MAX = 255

/** 1 to 255 bytes, no `/`, no NUL, not `.` or `..`. */
export function isEntryName(name: string): boolean {
  if (name.length < 1 || name.length > NAME_MAX || name === '.' || name === '..') return false
  return !name.includes('/') && !name.includes('\0')
}
