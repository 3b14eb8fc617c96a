/**
 * One file of the log: appended to, read by position.
 * @packageDocumentation
 */
import { closeSync, fdatasyncSync, fstatSync, ftruncateSync, openSync, readSync, unlinkSync, writevSync } from 'node:fs'
import { BrochError, type ErrorCode } from '../../lib/error.js'

/** The most buffers one writev(2) takes. */
const IOV_MAX = 1024

export class Segment {
  readonly path: string
  readonly #fd: number
  /** Where the next record goes. */
  end: number
  live = 0

  constructor(path: string, flags: 'r' | 'r+' | 'wx+') {
    this.path = path
    this.#fd = attempt('open a segment of the store', () => openSync(path, flags, 0o600))
    this.end = fstatSync(this.#fd).size
  }

  /** All of the buffers or none of them. @throws BrochError NO_SPACE, IO */
  append(buffers: readonly Uint8Array[]): number {
    const start = this.end
    try {
      for (let i = 0; i < buffers.length; i += IOV_MAX) this.#writeAll(buffers.slice(i, i + IOV_MAX))
    } catch (error) {
      this.end = start
      ftruncateSync(this.#fd, start)
      throw asStoreError('write to the store', error)
    }
    return start
  }

  #writeAll(buffers: readonly Uint8Array[]): void {
    let rest = [...buffers]
    while (rest.length > 0) {
      let written = writevSync(this.#fd, rest, this.end)
      this.end += written
      while (rest.length > 0 && written >= (rest[0] as Uint8Array).length) written -= (rest.shift() as Uint8Array).length
      if (rest.length > 0 && written > 0) rest = [(rest[0] as Uint8Array).subarray(written), ...rest.slice(1)]
    }
  }

  /** May be short at the end of the file. */
  read(offset: number, length: number): Uint8Array {
    const bytes = new Uint8Array(length)
    const got = attempt('read from the store', () => readSync(this.#fd, bytes, 0, length, offset))
    return got === length ? bytes : bytes.subarray(0, got)
  }

  truncate(end: number): void {
    attempt('cut the torn end of a segment', () => {
      ftruncateSync(this.#fd, end)
    })
    this.end = end
  }

  sync(): void {
    attempt('sync the store', () => {
      fdatasyncSync(this.#fd)
    })
  }

  close(): void {
    closeSync(this.#fd)
  }

  remove(): void {
    this.close()
    unlinkSync(this.path)
  }
}

const CODES: Record<string, ErrorCode> = { ENOSPC: 'NO_SPACE', EDQUOT: 'QUOTA', EROFS: 'READ_ONLY', EACCES: 'READ_ONLY', ENOENT: 'MISSING_BLOCK' }

export function asStoreError(what: string, error: unknown): BrochError {
  if (error instanceof BrochError) return error
  const code = error instanceof Error && 'code' in error ? String(error.code) : ''
  return new BrochError(CODES[code] ?? 'IO', `could not ${what} (${code || 'unknown'})`, { cause: error, retry: code === 'ENOSPC' })
}

export function attempt<T>(what: string, action: () => T): T {
  try {
    return action()
  } catch (error) {
    throw asStoreError(what, error)
  }
}
