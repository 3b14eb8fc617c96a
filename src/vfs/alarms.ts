/**
 * What a person must be told of a running space: failures of integrity and of the store, one line for each kind.
 * @packageDocumentation
 */
import type { TimeStamp } from '../cryptree/properties.js'
import { BrochError, type ErrorCode } from '../lib/error.js'

export type AlarmKind =
  // integrity: something of the store is not what was written
  | 'damaged'
  | 'missing'
  | 'rolled-back'
  | 'bad-signature'
  // written by a later version
  | 'newer-format'
  // another device or program wrote
  | 'conflict'
  // the store cannot take or give
  | 'store-full'
  | 'store-failed'
  | 'fault'

export interface Alarm {
  readonly kind: AlarmKind
  /** of the last time, in words; no names, no contents */
  readonly message: string
  readonly count: number
  readonly first: TimeStamp
  readonly last: TimeStamp
}

const KINDS: Record<ErrorCode, AlarmKind | undefined> = {
  CORRUPT: 'damaged', MISSING_BLOCK: 'missing', ROLLED_BACK: 'rolled-back', BAD_SIGNATURE: 'bad-signature',
  NEWER_FORMAT: 'newer-format', CONFLICT: 'conflict', NO_SPACE: 'store-full', QUOTA: 'store-full',
  IO: 'store-failed', TIMED_OUT: 'store-failed', READ_ONLY: 'store-failed', NO_STORE: 'store-failed', STORE_LOCKED: 'store-failed',
  TOO_BIG: 'fault', INVALID: 'fault', INTERNAL: 'fault',
  WRONG_PASSPHRASE: undefined, STORE_EXISTS: undefined, UNSUPPORTED: undefined, ABORTED: undefined,
  NO_FUSE: undefined, MOUNT_FAILED: undefined, MOUNT_POINT: undefined, MOUNT_POINT_FILE: undefined, MOUNT_POINT_NOT_EMPTY: undefined, MOUNT_BUSY: undefined,
}

/** A log that cannot grow: however much is damaged, it has one entry a kind. */
export class Alarms {
  readonly #alarms = new Map<AlarmKind, Alarm>()

  /** Ordinary refusals and errors of other programs' making raise none. */
  note(error: unknown, now: TimeStamp): void {
    const kind = error instanceof BrochError ? KINDS[error.code] : undefined
    if (kind === undefined) return
    const before = this.#alarms.get(kind)
    const { message } = error as BrochError
    this.#alarms.set(kind, { kind, message, count: (before?.count ?? 0) + 1, first: before?.first ?? now, last: now })
  }

  list(): readonly Alarm[] {
    return [...this.#alarms.values()]
  }
}
