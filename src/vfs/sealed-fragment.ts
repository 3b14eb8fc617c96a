/**
 * Fragments that were sealed and are on their way to the store.
 * @packageDocumentation
 */
import { FRAGMENT_BYTES } from '../cryptree/file-content.js'
import { padme } from '../cryptree/padding.js'
import type { Block } from '../store/block.js'

/** Bytes of memory that dirty data takes, for the whole filesystem. */
export interface DirtyMeter {
  bytes: number
}

export interface SealedFragment {
  readonly block: Block
  /** To be called when the block is surely in the store: memory is freed. */
  readonly stored: () => void
  /** To be called when the store did not take it: the bytes count as not sealed again. */
  readonly failed: () => void
}

/** What a write leaves to be done by who called it. */
export interface Written {
  /** fragments that became full, and can be sealed */
  readonly full: readonly number[]
  /** to be put in the store before the write is acknowledged */
  readonly sealed: readonly SealedFragment[]
}

const scratch = new Uint8Array(FRAGMENT_BYTES)

/** With zeros up to a Padmé length; valid until the next call. */
export function padded(plain: Uint8Array): Uint8Array {
  const length = Math.min(FRAGMENT_BYTES, padme(plain.length))
  if (length === plain.length) return plain
  scratch.set(plain)
  return scratch.fill(0, plain.length, length).subarray(0, length)
}
