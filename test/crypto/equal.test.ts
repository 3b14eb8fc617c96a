import { fc, test } from '@fast-check/vitest'
import { describe, expect } from 'vitest'
import type { Nonce, SymmetricKey } from '../../src/crypto/crypto.js'
import { sodiumCrypto } from '../../src/crypto/sodium.node.js'
import { tweetnaclCrypto } from '../../src/crypto/tweetnacl.js'
import { toHex } from '../../src/lib/bytes.js'

const bytes = (length: number): fc.Arbitrary<Uint8Array> => fc.uint8Array({ minLength: length, maxLength: length })
const message = fc.uint8Array({ maxLength: 3000 })
const both = [sodiumCrypto, tweetnaclCrypto] as const

describe('two implementations give the same bytes', () => {
  test.prop([message, bytes(24), bytes(32)])('seal, and open each other', (plain, nonce, key) => {
    const [a, b] = both.map((crypto) => crypto.seal(plain, nonce as Nonce, key as SymmetricKey))
    expect(a).toEqual(b)
    for (const crypto of both) expect(crypto.open(a as never, nonce as Nonce, key as SymmetricKey)).toEqual(plain)
  })

  test.prop([message, bytes(24), bytes(32), fc.nat()])('refuse one flipped bit', (plain, nonce, key, at) => {
    const sealed = sodiumCrypto.seal(plain, nonce as Nonce, key as SymmetricKey)
    const bit = at % (sealed.length * 8)
    sealed[bit >> 3] = (sealed[bit >> 3] as number) ^ (1 << (bit & 7))
    for (const crypto of both) expect(crypto.open(sealed, nonce as Nonce, key as SymmetricKey)).toBeUndefined()
  })

  test.prop([message, bytes(32)])('hash, authenticate, sign and verify', (text, seed) => {
    const outputs = both.map((crypto) => {
      const pair = crypto.signKeyPair(seed)
      const signature = crypto.sign(text, pair.secretKey)
      return [crypto.sha256(text), crypto.auth(text, seed as SymmetricKey), pair.publicKey, signature, crypto.boxKeyPair(seed).publicKey].map(toHex)
    })
    expect(outputs[0]).toEqual(outputs[1])
    const pair = sodiumCrypto.signKeyPair(seed)
    for (const crypto of both) expect(crypto.verify(text, sodiumCrypto.sign(text, pair.secretKey), pair.publicKey)).toBe(true)
  })
})
