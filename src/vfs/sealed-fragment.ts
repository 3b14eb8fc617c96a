/**
 * Fragments that were sealed and are on their way to the store.
 * @packageDocumentation
 */
import { FRAGMENT_BYTES } from '../cryptree/file-content.js'
import { padme } from '../cryptree/padding.js'
import { MAC_BYTES } from '../crypto/crypto.js'
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

const SEALED_BYTES = FRAGMENT_BYTES + MAC_BYTES
/** Buffers of whole sealed fragments that the store is done with: making them anew costs more than filling them. */
const spare: Uint8Array[] = []
const MOST_SPARE = 16

/** A buffer for a plaintext of `length` bytes, sealed. */
export function sealedBuffer(length: number): Uint8Array {
  return (length === FRAGMENT_BYTES ? spare.pop() : undefined) ?? new Uint8Array(length + MAC_BYTES)
}

/** The store has let go of it, and nobody else holds it. */
export function recycle(bytes: Uint8Array): void {
  if (bytes.length === SEALED_BYTES && spare.length < MOST_SPARE) spare.push(bytes)
}

const scratch = new Uint8Array(FRAGMENT_BYTES)

/** With zeros up to a Padmé length; valid until the next call. */
export function padded(plain: Uint8Array): Uint8Array {
  const length = Math.min(FRAGMENT_BYTES, padme(plain.length))
  if (length === plain.length) return plain
  scratch.set(plain)
  return scratch.fill(0, plain.length, length).subarray(0, length)
}
