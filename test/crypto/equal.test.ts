import { fc, test } from '@fast-check/vitest'
import { describe, expect } from 'vitest'
import type { Nonce, SymmetricKey } from '../../src/crypto/crypto.js'
import { sodiumCrypto } from '../../src/crypto/sodium.node.js'
import { tweetnaclCrypto } from '../../src/crypto/tweetnacl.js'
import { fromHex, toHex, utf8 } from '../../src/lib/bytes.js'

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

describe.each(both)('published vectors: $name', (crypto) => {
  test('Ed25519, RFC 8032 section 7.1 test 1', () => {
    const pair = crypto.signKeyPair(fromHex('9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60'))
    expect(toHex(pair.publicKey)).toBe('d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a')
    expect(toHex(crypto.sign(new Uint8Array(0), pair.secretKey))).toBe(
      'e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e06522490155' +
        '5fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b',
    )
  })

  test('scrypt, RFC 7914 section 12', async () => {
    const key = await crypto.scrypt(utf8('password'), utf8('NaCl'), { logN: 10, r: 8, p: 16, length: 64 })
    expect(toHex(key)).toBe(
      'fdbabe1c9d3472007856e7190d01e9fe7c6ad7cbc8237830e77376634b373162' +
        '2eaf30d92e22a3886ff109279d9830dac727afb94a83ee6d8360cbdfa2cc0640',
    )
  })
})
