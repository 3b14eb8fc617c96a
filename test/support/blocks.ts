import { type Block, type Codec } from '../../src/store/block.js'
import { makeBlock } from '../../src/store/cid.js'
import { sha256 } from './test-crypto.js'

/** Deterministic bytes that do not compress. */
export function bytesOf(seed: number, length: number): Uint8Array {
  const bytes = new Uint8Array(length)
  let state = seed * 2654435761 + 1
  for (let i = 0; i < length; i++) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0
    bytes[i] = state >>> 24
  }
  return bytes
}

export function blockOf(seed: number, length = 100, codec: Codec = 'raw'): Block {
  return makeBlock(sha256, codec, bytesOf(seed, length))
}
