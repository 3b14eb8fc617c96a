/**
 * The primitives everything is built from: bytes in, bytes out.
 *
 * All are NaCl's (docs/format.md §2), so any implementation gives the same bytes.
 * @packageDocumentation
 */
import type { Brand } from '../lib/brand.js'

/** 32 secret bytes. */
export type SymmetricKey = Brand<Uint8Array, 'SymmetricKey'>
/** 24 bytes, never used twice with one key. */
export type Nonce = Brand<Uint8Array, 'Nonce'>
/** 32 bytes, Ed25519. */
export type PublicSignKey = Brand<Uint8Array, 'PublicSignKey'>
/** 64 bytes, Ed25519: seed and public key, as NaCl has it. */
export type SecretSignKey = Brand<Uint8Array, 'SecretSignKey'>
/** 64 bytes. */
export type Signature = Brand<Uint8Array, 'Signature'>
/** 32 bytes, X25519. */
export type PublicBoxKey = Brand<Uint8Array, 'PublicBoxKey'>
/** 32 bytes, X25519. */
export type SecretBoxKey = Brand<Uint8Array, 'SecretBoxKey'>
/** Bytes that only a key opens: XSalsa20-Poly1305, 16 bytes longer than what it holds. */
export type Sealed = Brand<Uint8Array, 'Sealed'>

export const KEY_BYTES = 32
export const NONCE_BYTES = 24
export const MAC_BYTES = 16
export const SIGNATURE_BYTES = 64

export interface SignKeyPair {
  readonly publicKey: PublicSignKey
  readonly secretKey: SecretSignKey
}

export interface BoxKeyPair {
  readonly publicKey: PublicBoxKey
  readonly secretKey: SecretBoxKey
}

export interface ScryptParameters {
  /** log2 of N; 17 by default. */
  readonly logN: number
  readonly r: number
  readonly p: number
  /** bytes wanted */
  readonly length: number
}

/** Symmetric, hashing and signing functions. Synchronous; every buffer given back is the caller's own. */
export interface Crypto {
  readonly name: string
  randomBytes(length: number): Uint8Array
  /**
   * NaCl secretbox.
   * @param into - where the box goes: 16 bytes longer than `plain`; a fresh buffer when absent
   */
  seal(plain: Uint8Array, nonce: Nonce, key: SymmetricKey, into?: Uint8Array): Sealed
  /**
   * Undefined when the box was not made with this key and nonce.
   * @param into - where the plaintext goes: 16 bytes shorter than `sealed`; a fresh buffer when absent. Its contents are
   *   not to be used when the box does not open.
   */
  open(sealed: Sealed, nonce: Nonce, key: SymmetricKey, into?: Uint8Array): Uint8Array | undefined
  /** A function of its own: it is handed to layers that need nothing else. */
  readonly sha256: (data: Uint8Array) => Uint8Array
  /** HMAC-SHA-512, first 32 bytes: NaCl's crypto_auth. The one key derivation function. */
  auth(message: Uint8Array, key: SymmetricKey): SymmetricKey
  signKeyPair(seed: Uint8Array): SignKeyPair
  sign(message: Uint8Array, key: SecretSignKey): Signature
  verify(message: Uint8Array, signature: Signature, key: PublicSignKey): boolean
  boxKeyPair(secret: Uint8Array): BoxKeyPair
  /** RFC 7914. Slow on purpose; does not block the caller where the platform can help it. */
  scrypt(password: Uint8Array, salt: Uint8Array, parameters: ScryptParameters): Promise<Uint8Array>
}
