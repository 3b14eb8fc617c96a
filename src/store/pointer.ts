/**
 * Signed pointers: the only thing of a space that changes. docs/format.md §5
 * @packageDocumentation
 */
import type { PublicSignKey, Signature } from '../crypto/crypto.js'
import type { Brand } from '../lib/brand.js'
import type { Cid } from './block.js'

/** Counts the updates of one writer's root, from 1. */
export type Sequence = Brand<number, 'Sequence'>

export interface Pointer {
  readonly writer: PublicSignKey
  readonly sequence: Sequence
  readonly root: Cid
}

export interface SignedPointer extends Pointer {
  readonly signature: Signature
}

/** Only `verifyPointer` makes one. */
export type VerifiedPointer = Brand<SignedPointer, 'VerifiedPointer'>

/** Where pointers lie. Every implementation passes `test/contract/pointer-store.ts`. */
export interface PointerStore {
  /** As stored: the caller verifies it. */
  get(writer: PublicSignKey): Promise<SignedPointer | undefined>
  /**
   * All of these, or none. Each must be signed and have the sequence that follows the stored one (1 for the first).
   * Resolves when durable, with every block put before the call.
   * @throws BrochError CONFLICT when another sequence is stored; BAD_SIGNATURE.
   */
  swap(pointers: readonly SignedPointer[]): Promise<void>
}
