/**
 * Decoded values as what they should be; anything else is refused. docs/format.md §7
 * @packageDocumentation
 */
import type { Value } from '../lib/dag-cbor-value.js'
import { BrochError } from '../lib/error.js'

const TYPES: ReadonlySet<unknown> = new Set([1, 2, 4, 6, 8, 10, 12])

/** True for the `S_IFMT` digit of a type that there is. */
export function isObjectType(value: Value | undefined): value is number {
  return TYPES.has(value)
}

export function asList(value: Value | undefined): readonly Value[] {
  if (!Array.isArray(value)) throw malformed()
  return value as readonly Value[]
}

export function asBytes(value: Value | undefined): Uint8Array {
  if (!(value instanceof Uint8Array)) throw malformed()
  return value
}

export function asCount(value: Value | undefined, max: number = Number.MAX_SAFE_INTEGER): number {
  if (typeof value !== 'number' || value < 0 || value > max) throw malformed()
  return value
}

export function malformed(): BrochError {
  return new BrochError('CORRUPT', 'a sealed part holds something that is not of the format')
}
