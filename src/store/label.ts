/**
 * Labels: the names under which nodes lie. docs/format.md §4
 * @packageDocumentation
 */
import type { Brand } from '../lib/brand.js'

/** 32 bytes, random or secretly derived: they tell a stranger nothing, and spread evenly. */
export type Label = Brand<Uint8Array, 'Label'>

export const LABEL_BYTES = 32

/** `length` (even) bytes from `start` as a string, two a code unit. Not text: a fast key. */
export function pairsOf(bytes: Uint8Array, start: number, length: number): string {
  let key = ''
  const end = start + length
  for (let i = start; i < end; i += 2) key += String.fromCharCode((bytes[i] as number) | ((bytes[i + 1] as number) << 8))
  return key
}
