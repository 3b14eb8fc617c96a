/**
 * The part of `Crypto` that stores need, from node:crypto, for tests of layers below the real ones.
 * @packageDocumentation
 */
import { createHash, createPrivateKey, createPublicKey, sign, verify } from 'node:crypto'
import type { Crypto, PublicSignKey, SecretSignKey, Signature } from '../../src/crypto/crypto.js'
import { concatBytes, fromHex } from '../../src/lib/bytes.js'

// RFC 8410: what DER has in front of an Ed25519 seed and public key
const SEED_PREFIX = fromHex('302e020100300506032b657004220420')
const PUBLIC_PREFIX = fromHex('302a300506032b6570032100')

function refused(): never {
  throw new Error('not in the test crypto')
}

function privateKeyOf(seed: Uint8Array) {
  return createPrivateKey({ key: Buffer.from(concatBytes([SEED_PREFIX, seed])), format: 'der', type: 'pkcs8' })
}

let counter = 0

export const testCrypto: Crypto = {
  name: 'test',
  /** Not random: every run of a test sees the same. */
  randomBytes: (length) => {
    const parts: Uint8Array[] = []
    for (let got = 0; got < length; got += 32) parts.push(testCrypto.sha256(Uint8Array.from(String(counter++), (c) => c.charCodeAt(0))))
    return concatBytes(parts).slice(0, length)
  },
  seal: refused,
  open: refused,
  auth: refused,
  boxKeyPair: refused,
  scrypt: refused,
  sha256: (data) => new Uint8Array(createHash('sha256').update(data).digest()),
  signKeyPair(seed) {
    const der = createPublicKey(privateKeyOf(seed)).export({ format: 'der', type: 'spki' })
    const publicKey = new Uint8Array(der.subarray(PUBLIC_PREFIX.length)) as PublicSignKey
    return { publicKey, secretKey: concatBytes([seed, publicKey]) as SecretSignKey }
  },
  sign: (message, key) => new Uint8Array(sign(null, message, privateKeyOf(key.subarray(0, 32)))) as Signature,
  verify(message, signature, key) {
    const publicKey = createPublicKey({ key: Buffer.from(concatBytes([PUBLIC_PREFIX, key])), format: 'der', type: 'spki' })
    return verify(null, message, publicKey, signature)
  },
}

export const sha256 = testCrypto.sha256

/** A signing pair that is the same in every run. */
export function keyPairOf(name: string) {
  return testCrypto.signKeyPair(sha256(new TextEncoder().encode(name)))
}
