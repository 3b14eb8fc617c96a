/**
 * What a running mount is asked over its socket: one line of JSON in, one out. Every line has a version.
 * @packageDocumentation
 */
import { BrochError, type ErrorCode } from '../lib/error.js'

export const CONTROL_VERSION = 1
/** A longer line is refused. */
export const MAX_LINE_BYTES = 65_536

export type Ask = { readonly ask: 'status' } | { readonly ask: 'unmount'; readonly force: boolean }

/** A running mount, as `broch status --json` prints it. */
export interface MountStatus {
  readonly dir: string
  readonly store: string
  readonly pid: number
  /** ISO 8601 */
  readonly since: string
  readonly transport: string
  readonly readOnly: boolean
  readonly dirtyBytes: number
  readonly dirtyInodes: number
  readonly sequence: number
  /** absent when the store cannot say */
  readonly usage?: { readonly blocks: number; readonly bytes: number; readonly freeBytes: number; readonly totalBytes: number } | undefined
  readonly alarms: readonly { readonly kind: string; readonly message: string; readonly count: number }[]
}

export type Answer =
  | { readonly ok: true; readonly status?: MountStatus }
  | { readonly ok: false; readonly code: ErrorCode; readonly message: string }

export function encodeLine(message: Ask | Answer): string {
  return `${JSON.stringify({ v: CONTROL_VERSION, ...message })}\n`
}

/** @throws BrochError UNSUPPORTED for another version, INVALID for what is no question */
export function decodeAsk(line: string): Ask {
  const { v, ask, force } = parse(line)
  if (v !== CONTROL_VERSION) throw new BrochError('UNSUPPORTED', 'the mount was made by another version of Broch')
  if (ask === 'status') return { ask }
  if (ask === 'unmount' && typeof force === 'boolean') return { ask, force }
  throw new BrochError('INVALID', 'not a question that a mount answers')
}

/** @throws BrochError UNSUPPORTED, INVALID, and what the mount answered */
export function decodeAnswer(line: string): MountStatus | undefined {
  const answer = parse(line)
  if (answer['v'] !== CONTROL_VERSION) throw new BrochError('UNSUPPORTED', 'the mount was made by another version of Broch')
  if (answer['ok'] !== true) throw new BrochError(answer['code'] as ErrorCode, String(answer['message']))
  return answer['status'] as MountStatus | undefined
}

function parse(line: string): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(line)
    if (typeof value === 'object' && value !== null) return value as Record<string, unknown>
  } catch {
    // told below
  }
  throw new BrochError('INVALID', 'not a line of the control protocol')
}
