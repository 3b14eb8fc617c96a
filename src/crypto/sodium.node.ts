/**
 * The primitives by libsodium and OpenSSL: what Node uses.
 * @packageDocumentation
 */
import { createHash, scrypt as nodeScrypt } from 'node:crypto'
import sodium from 'sodium-native'
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

/** sodium-native takes only buffers; this is a view, not a copy. */
function view(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length)
}

export const sodiumCrypto: Crypto = {
  name: 'sodium',

  randomBytes(length) {
    const bytes = new Uint8Array(length)
    sodium.randombytes_buf(view(bytes))
    return bytes
  },

  seal(plain, nonce, key) {
    const sealed = new Uint8Array(plain.length + MAC_BYTES)
    sodium.crypto_secretbox_easy(view(sealed), view(plain), view(nonce), view(key))
    return sealed as Sealed
  },

  open(sealed, nonce, key) {
    if (sealed.length < MAC_BYTES) return undefined
    const plain = new Uint8Array(sealed.length - MAC_BYTES)
    return sodium.crypto_secretbox_open_easy(view(plain), view(sealed), view(nonce), view(key)) ? plain : undefined
  },

  sha256(data) {
    return createHash('sha256').update(data).digest()
  },

  auth(message, key) {
    const tag = new Uint8Array(KEY_BYTES)
    sodium.crypto_auth(view(tag), view(message), view(key))
    return tag as SymmetricKey
  },

  signKeyPair(seed) {
    const publicKey = new Uint8Array(32)
    const secretKey = new Uint8Array(64)
    sodium.crypto_sign_seed_keypair(view(publicKey), view(secretKey), view(seed))
    return { publicKey: publicKey as PublicSignKey, secretKey: secretKey as SecretSignKey }
  },

  sign(message, key) {
    const signature = new Uint8Array(SIGNATURE_BYTES)
    sodium.crypto_sign_detached(view(signature), view(message), view(key))
    return signature as Signature
  },

  verify(message, signature, key) {
    return sodium.crypto_sign_verify_detached(view(signature), view(message), view(key))
  },

  boxKeyPair(secret) {
    const publicKey = new Uint8Array(32)
    sodium.crypto_scalarmult_base(view(publicKey), view(secret))
    return { publicKey: publicKey as PublicBoxKey, secretKey: secret.slice() as SecretBoxKey }
  },

  scrypt(password, salt, { logN, r, p, length }) {
    const options = { N: 2 ** logN, r, p, maxmem: 2 ** logN * r * 128 + 64 * 1024 * 1024 }
    return new Promise((resolve, reject) => {
      nodeScrypt(password, salt, length, options, (error, key) => {
        if (error === null) resolve(new Uint8Array(key))
        else reject(error)
      })
    })
  },
}
