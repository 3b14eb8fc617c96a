/**
 * The primitives by libsodium and OpenSSL: what Node uses.
 * @packageDocumentation
 */
import * as nodeCrypto from 'node:crypto'
import native from 'sodium-native'
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

/** What is used of sodium-native, which takes any typed array, though its types speak of buffers. */
interface Sodium {
  randombytes_buf(bytes: Uint8Array): void
  crypto_secretbox_easy(sealed: Uint8Array, plain: Uint8Array, nonce: Uint8Array, key: Uint8Array): void
  crypto_secretbox_open_easy(plain: Uint8Array, sealed: Uint8Array, nonce: Uint8Array, key: Uint8Array): boolean
  crypto_auth(tag: Uint8Array, message: Uint8Array, key: Uint8Array): void
  crypto_sign_seed_keypair(publicKey: Uint8Array, secretKey: Uint8Array, seed: Uint8Array): void
  crypto_sign_detached(signature: Uint8Array, message: Uint8Array, key: Uint8Array): void
  crypto_sign_verify_detached(signature: Uint8Array, message: Uint8Array, key: Uint8Array): boolean
  crypto_scalarmult_base(publicKey: Uint8Array, secret: Uint8Array): void
}
const sodium = native as unknown as Sodium

/** The one-shot hash is twice as fast on small input; Node has it from 20.12 on. */
const oneShot = (nodeCrypto as { readonly hash?: typeof nodeCrypto.hash }).hash
const sha256 = (data: Uint8Array): Uint8Array =>
  oneShot === undefined ? nodeCrypto.createHash('sha256').update(data).digest() : oneShot('sha256', data, 'buffer')

const POOL_FIRST_BYTES = 128
const POOL_MOST_BYTES = 16_384
const EMPTY = new Uint8Array(0)
let pool = EMPTY
let poolAt = 0
let poolBytes = POOL_FIRST_BYTES

/**
 * Random bytes drawn ahead, for one turn of the event loop only: a call of the system for each nonce costs more than
 * sealing with it. A copy of the whole machine made in the middle of a turn would go on to do the very same with them,
 * and begins its next turn with bytes of its own, so that no nonce meets two plaintexts.
 */
function fromPool(length: number): Uint8Array {
  if (poolAt + length > pool.length) {
    if (pool === EMPTY) queueMicrotask(endPool)
    pool = new Uint8Array(Math.max(length, poolBytes))
    poolBytes = Math.min(2 * poolBytes, POOL_MOST_BYTES)
    poolAt = 0
    sodium.randombytes_buf(pool)
  }
  poolAt += length
  const bytes = pool.slice(poolAt - length, poolAt)
  pool.fill(0, poolAt - length, poolAt)
  return bytes
}

function endPool(): void {
  pool.fill(0)
  pool = EMPTY
  poolAt = 0
  poolBytes = POOL_FIRST_BYTES
}

export const sodiumCrypto: Crypto = {
  name: 'sodium',

  randomBytes(length) {
    if (length <= POOL_FIRST_BYTES) return fromPool(length)
    const bytes = new Uint8Array(length)
    sodium.randombytes_buf(bytes)
    return bytes
  },

  seal(plain, nonce, key, into) {
    const sealed = into ?? new Uint8Array(plain.length + MAC_BYTES)
    sodium.crypto_secretbox_easy(sealed, plain, nonce, key)
    return sealed as Sealed
  },

  open(sealed, nonce, key, into) {
    if (sealed.length < MAC_BYTES) return undefined
    const plain = into ?? new Uint8Array(sealed.length - MAC_BYTES)
    return sodium.crypto_secretbox_open_easy(plain, sealed, nonce, key) ? plain : undefined
  },

  sha256,

  auth(message, key) {
    const tag = new Uint8Array(KEY_BYTES)
    sodium.crypto_auth(tag, message, key)
    return tag as SymmetricKey
  },

  signKeyPair(seed) {
    const publicKey = new Uint8Array(32)
    const secretKey = new Uint8Array(64)
    sodium.crypto_sign_seed_keypair(publicKey, secretKey, seed)
    return { publicKey: publicKey as PublicSignKey, secretKey: secretKey as SecretSignKey }
  },

  sign(message, key) {
    const signature = new Uint8Array(SIGNATURE_BYTES)
    sodium.crypto_sign_detached(signature, message, key)
    return signature as Signature
  },

  verify(message, signature, key) {
    return sodium.crypto_sign_verify_detached(signature, message, key)
  },

  boxKeyPair(secret) {
    const publicKey = new Uint8Array(32)
    sodium.crypto_scalarmult_base(publicKey, secret)
    return { publicKey: publicKey as PublicBoxKey, secretKey: secret.slice() as SecretBoxKey }
  },

  scrypt(password, salt, { logN, r, p, length }) {
    const options = { N: 2 ** logN, r, p, maxmem: 2 ** logN * r * 128 + 64 * 1024 * 1024 }
    return new Promise((resolve, reject) => {
      nodeCrypto.scrypt(password, salt, length, options, (error, key) => {
        if (error === null) resolve(new Uint8Array(key))
        else reject(error)
      })
    })
  },
}
