/**
 * What copying into a space and out of it share: counting, going on after a failure, names as bytes.
 * @packageDocumentation
 */
import { isBrochError } from '../lib/error.js'
import { Errno } from '../vfs/errno.js'
import type { Time } from '../vfs/filesystem.js'
import { PathError } from './path-error.js'

export interface TransferListener {
  onBytes?(bytes: number): void
  onFile?(): void
  onFailure(error: Error): void
}

/** Counts, and lets the rest go on when one file cannot be copied. */
export class TransferReport {
  files = 0
  bytes = 0
  failures = 0
  readonly #listener: TransferListener

  constructor(listener: TransferListener) {
    this.#listener = listener
  }

  progress(bytes: number): void {
    this.bytes += bytes
    this.#listener.onBytes?.(bytes)
  }

  /** @throws what concerns more than this one path: a full disk, a broken store */
  async attempt(path: string, copy: () => Promise<void>): Promise<void> {
    try {
      await copy()
      this.files += 1
      this.#listener.onFile?.()
    } catch (error) {
      const about = aboutPath(path, error)
      if (about === undefined) throw error
      this.failures += 1
      this.#listener.onFailure(about)
    }
  }
}

function aboutPath(path: string, error: unknown): PathError | undefined {
  if (error instanceof PathError) return error
  if (error instanceof Errno) return new PathError(path, error.code)
  if (isBrochError(error, 'CORRUPT') || isBrochError(error, 'MISSING_BLOCK')) return new PathError(path, 'EIO')
  if (!(error instanceof Error && 'syscall' in error && 'code' in error)) return undefined
  return error.code === 'ENOSPC' || error.code === 'EDQUOT' ? undefined : new PathError(path, String(error.code))
}

export function childPath(directory: Buffer, name: Uint8Array): Buffer {
  return Buffer.concat([directory, Buffer.from('/'), name])
}

export function printable(path: Uint8Array): string {
  return Buffer.from(path).toString('utf8')
}

export function isRoot(): boolean {
  return process.getuid?.() === 0
}

const BILLION = 1_000_000_000n

export function timeOf(nanoseconds: bigint): Time {
  const rest = ((nanoseconds % BILLION) + BILLION) % BILLION
  return { seconds: Number((nanoseconds - rest) / BILLION), nanoseconds: Number(rest) }
}

/** As utimes wants them. It cuts to microseconds what floating point left of the number: half of one is added first. */
export function secondsOf({ seconds, nanoseconds }: Time): number {
  return seconds + (nanoseconds + 500) / 1e9
}
