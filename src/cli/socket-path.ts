/**
 * The address of a socket holds 107 bytes: a longer path is reached through a descriptor of its folder.
 * @packageDocumentation
 */
import { closeSync, openSync } from 'node:fs'
import { basename, dirname } from 'node:path'

const MAX_BYTES = 107

export interface ShortPath {
  readonly path: string
  release(): void
}

export function shortPath(path: string): ShortPath {
  if (Buffer.byteLength(path) <= MAX_BYTES) return { path, release: () => undefined }
  const fd = openSync(dirname(path), 'r')
  return { path: `/proc/self/fd/${fd}/${basename(path)}`, release: () => closeSync(fd) }
}
