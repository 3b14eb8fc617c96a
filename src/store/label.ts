/**
 * Labels: the names under which nodes lie. docs/format.md §4
 * @packageDocumentation
 */
import type { Brand } from '../lib/brand.js'

/** 32 bytes, random or secretly derived: they tell a stranger nothing, and spread evenly. */
export type Label = Brand<Uint8Array, 'Label'>

export const LABEL_BYTES = 32

/** The 32 bytes from `start` on as a string, two a code unit, and `mark` after them. Not text: a fast key, made in one call to be flat. */
export function pairsOf(bytes: Uint8Array, start: number, ...mark: readonly [] | readonly [number]): string {
  const pair = (at: number): number => (bytes[start + at] as number) | ((bytes[start + at + 1] as number) << 8)
  return String.fromCharCode(
    pair(0), pair(2), pair(4), pair(6),
    pair(8), pair(10), pair(12), pair(14),
    pair(16), pair(18), pair(20), pair(22),
    pair(24), pair(26), pair(28), pair(30),
    ...mark,
  )
}
