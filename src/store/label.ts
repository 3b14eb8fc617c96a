/**
 * Labels: the names under which nodes lie. docs/format.md §4
 * @packageDocumentation
 */
import type { Brand } from '../lib/brand.js'
import { BrochError } from '../lib/error.js'

/** 32 bytes, random or secretly derived: they tell a stranger nothing, and spread evenly. */
export type Label = Brand<Uint8Array, 'Label'>

export const LABEL_BYTES = 32

/** @throws BrochError INVALID unless 32 bytes long. */
export function toLabel(bytes: Uint8Array): Label {
  if (bytes.length !== LABEL_BYTES) throw new BrochError('INVALID', 'a label has 32 bytes')
  return bytes as Label
}

/** A short string for use as a `Map` key: two bytes a code unit. */
export function labelKey(label: Label): string {
  return pairsOf(label, 0, LABEL_BYTES)
}

/** `length` (even) bytes from `start` as a string, two a code unit. Not text: a fast key. */
export function pairsOf(bytes: Uint8Array, start: number, length: number): string {
  let key = ''
  const end = start + length
  for (let i = start; i < end; i += 2) key += String.fromCharCode((bytes[i] as number) | ((bytes[i + 1] as number) << 8))
  return key
}
