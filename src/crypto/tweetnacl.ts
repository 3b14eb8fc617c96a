/**
 * The primitives in plain JavaScript: what a browser uses, and the reference that tests hold others against.
 * @packageDocumentation
 */
import { sha256 } from '@noble/hashes/sha2.js'
import { scrypt } from 'scrypt-js'
import nacl from 'tweetnacl'
import { concatBytes } from '../lib/bytes.js'
import type {
  Crypto,
  PublicBoxKey,
  PublicSignKey,
  Sealed,
  SecretBoxKey,
  SecretSignKey,
  Signature,
  SymmetricKey,
} from './crypto.js'
import { KEY_BYTES, MAC_BYTES, SIGNATURE_BYTES } from './crypto.js'
import { isStrict } from './strict-signature.js'

const SHA512_BLOCK_BYTES = 128

/** RFC 2104 over NaCl's SHA-512. */
function hmacSha512(message: Uint8Array, key: Uint8Array): Uint8Array {
  const inner = new Uint8Array(SHA512_BLOCK_BYTES).fill(0x36)
  const outer = new Uint8Array(SHA512_BLOCK_BYTES).fill(0x5c)
  key.forEach((byte, i) => {
    inner[i] = byte ^ 0x36
    outer[i] = byte ^ 0x5c
  })
  return nacl.hash(concatBytes([outer, nacl.hash(concatBytes([inner, message]))]))
}

function placed(bytes: Uint8Array, into: Uint8Array | undefined): Uint8Array {
  into?.set(bytes)
  return into ?? bytes
}

export const tweetnaclCrypto: Crypto = {
  name: 'tweetnacl',
  randomBytes: (length) => nacl.randomBytes(length),
  seal: (plain, nonce, key, into) => placed(nacl.secretbox(plain, nonce, key), into) as Sealed,

  open(sealed, nonce, key, into) {
    if (sealed.length < MAC_BYTES) return undefined
    const plain = nacl.secretbox.open(sealed, nonce, key)
    return plain === null ? undefined : placed(plain, into)
  },

  sha256: (data) => sha256(data),
  auth: (message, key) => hmacSha512(message, key).slice(0, KEY_BYTES) as SymmetricKey,

  signKeyPair(seed) {
    const { publicKey, secretKey } = nacl.sign.keyPair.fromSeed(seed)
    return { publicKey: publicKey as PublicSignKey, secretKey: secretKey as SecretSignKey }
  },

  sign: (message, key) => nacl.sign.detached(message, key) as Signature,

  verify(message, signature, key) {
    return signature.length === SIGNATURE_BYTES && isStrict(signature, key) && nacl.sign.detached.verify(message, signature, key)
  },

  boxKeyPair(secret) {
    const { publicKey, secretKey } = nacl.box.keyPair.fromSecretKey(secret)
    return { publicKey: publicKey as PublicBoxKey, secretKey: secretKey.slice() as SecretBoxKey }
  },

  scrypt: (password, salt, { logN, r, p, length }) => scrypt(password, salt, 2 ** logN, r, p, length),
}
