/**
 * What TweetNaCl lets pass and libsodium refuses: second forms of a signature, and keys under which anything verifies.
 * Without this, two clients could differ about one pointer. RFC 8032 §5.1.7 and libsodium's crypto_sign_verify.
 * @packageDocumentation
 */
import { equalBytes, fromHex } from '../lib/bytes.js'

/** Little endian: the order of the group, and the prime of the field. */
const ORDER = fromHex('edd3f55c1a631258d69cf7a2def9de1400000000000000000000000000000010')
const PRIME = fromHex('edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f')
/** The y coordinates of the points whose order divides 8. */
const SMALL_ORDER = [
  '0000000000000000000000000000000000000000000000000000000000000000',
  '0100000000000000000000000000000000000000000000000000000000000000',
  '26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05',
  'c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a',
  'ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f',
].map(fromHex)

/** True when both are in the one form that a signer gives them. */
export function isStrict(signature: Uint8Array, publicKey: Uint8Array): boolean {
  return isBelow(signature.subarray(32), ORDER) && isSoundPoint(signature.subarray(0, 32)) && isSoundPoint(publicKey)
}

function isSoundPoint(point: Uint8Array): boolean {
  const y = point.slice()
  y[31] = (y[31] as number) & 0x7f // the top bit is the sign of x
  return isBelow(y, PRIME) && !SMALL_ORDER.some((small) => equalBytes(small, y))
}

function isBelow(value: Uint8Array, limit: Uint8Array): boolean {
  for (let i = 31; i >= 0; i--) if (value[i] !== limit[i]) return (value[i] as number) < (limit[i] as number)
  return false
}
