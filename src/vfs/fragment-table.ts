/**
 * The fragments of a file's chunks in memory, and which of them a byte range touches. docs/format.md §7.4
 * @packageDocumentation
 */
import { FRAGMENT_BYTES, type Fragment, type FragmentTable } from '../cryptree/file-content.js'

/** What lies under the overlay of a fragment: in the store, or (inline, or not yet surely stored) in memory. */
export interface Base {
  readonly length: number
  readonly fragment?: Fragment
  plain?: Uint8Array | undefined
}

/** By slot (0 to 19); absent ones are holes. */
export type Table = (Base | undefined)[]

/** The first `length` bytes of a base. What is not surely stored is to be sealed anew: the store may still refuse it. */
export function shortened(base: Base, length: number): Base {
  if (base.plain !== undefined) return { length, plain: base.plain.slice(0, length) }
  return base.fragment === undefined ? { length } : { length, fragment: { ...base.fragment, length } }
}

export function toTable(fragments: FragmentTable): Table {
  const table: Table = []
  fragments.forEach((fragment, slot) => {
    if (fragment !== undefined) table[slot] = { length: fragment.length, fragment }
  })
  return table
}

export function toFragments(table: Table): FragmentTable {
  const fragments: FragmentTable = []
  table.forEach((base, slot) => {
    if (base?.fragment !== undefined) fragments[slot] = base.fragment
  })
  return fragments
}

/** The part of one fragment that a range touches: `at` is where it begins in the range. */
export interface Span {
  readonly index: number
  readonly start: number
  readonly at: number
  readonly length: number
}

/** Splits a range at the fragments' borders, in order. */
export function* spans(offset: number, length: number): Generator<Span> {
  for (let at = 0; at < length; ) {
    const index = Math.floor((offset + at) / FRAGMENT_BYTES)
    const start = offset + at - index * FRAGMENT_BYTES
    const part = Math.min(FRAGMENT_BYTES - start, length - at)
    yield { index, start, at, length: part }
    at += part
  }
}
