/**
 * Pointers in memory.
 * @packageDocumentation
 */
import type { Crypto, PublicSignKey } from '../crypto/crypto.js'
import { toBinaryString } from '../lib/bytes.js'
import { BrochError } from '../lib/error.js'
import type { PointerStore, SignedPointer } from './pointer.js'
import { decodePointer, encodePointer, verifyPointer } from './root.js'

export class MemoryPointerStore implements PointerStore {
  readonly #crypto: Crypto
  readonly #pointers = new Map<string, Uint8Array>()

  constructor(crypto: Crypto) {
    this.#crypto = crypto
  }

  async get(writer: PublicSignKey): Promise<SignedPointer | undefined> {
    const bytes = this.#pointers.get(toBinaryString(writer))
    return bytes === undefined ? undefined : decodePointer(bytes)
  }

  async swap(pointers: readonly SignedPointer[]): Promise<void> {
    const next = new Map<string, Uint8Array>()
    for (const pointer of pointers) {
      verifyPointer(this.#crypto, pointer.writer, pointer)
      const key = toBinaryString(pointer.writer)
      if (next.has(key)) throw new BrochError('INVALID', 'two pointers of one writer in one swap')
      next.set(key, encodePointer(pointer))
    }
    for (const pointer of pointers) this.#checkSequence(pointer)
    for (const [key, bytes] of next) this.#pointers.set(key, bytes)
  }

  #checkSequence(pointer: SignedPointer): void {
    const bytes = this.#pointers.get(toBinaryString(pointer.writer))
    const stored = bytes === undefined ? 0 : decodePointer(bytes).sequence
    if (pointer.sequence !== stored + 1) throw new BrochError('CONFLICT', 'another update of this root came first')
  }
}
