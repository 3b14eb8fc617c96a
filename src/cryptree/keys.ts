/**
 * The keys of an object, derived from its base key and its object key. docs/format.md §7.1
 * @packageDocumentation
 */
import type { Crypto, SymmetricKey } from '../crypto/crypto.js'
import { KEY_BYTES } from '../crypto/crypto.js'
import type { Brand } from '../lib/brand.js'
import { utf8 } from '../lib/bytes.js'
import { LABEL_BYTES, type Label } from '../store/label.js'

/** Gives reach of an object and, for a directory, of all below it. */
export type BaseKey = Brand<SymmetricKey, 'BaseKey'>
/** Sealed in an object's content; its data, nodes and labels hang on it. */
export type ObjectKey = Brand<SymmetricKey, 'ObjectKey'>

const PROPS = utf8('broch/1/props')
const CONTENT = utf8('broch/1/content')
const DATA = utf8('broch/1/data')
const NODE = utf8('broch/1/node')
const NAME = utf8('broch/1/name')
const LABEL = utf8('broch/1/label')

export function randomLabel(crypto: Crypto): Label {
  return crypto.randomBytes(LABEL_BYTES) as Label
}

export function randomBaseKey(crypto: Crypto): BaseKey {
  return crypto.randomBytes(KEY_BYTES) as BaseKey
}

export function randomObjectKey(crypto: Crypto): ObjectKey {
  return crypto.randomBytes(KEY_BYTES) as ObjectKey
}

export function propsKey(crypto: Crypto, base: BaseKey): SymmetricKey {
  return crypto.auth(PROPS, base)
}

export function contentKey(crypto: Crypto, base: BaseKey): SymmetricKey {
  return crypto.auth(CONTENT, base)
}

export function dataKey(crypto: Crypto, key: ObjectKey): SymmetricKey {
  return crypto.auth(DATA, key)
}

export function nodeKey(crypto: Crypto, key: ObjectKey): SymmetricKey {
  return crypto.auth(NODE, key)
}

export function nameKey(crypto: Crypto, key: ObjectKey): SymmetricKey {
  return crypto.auth(NAME, key)
}

/** Label of chunk or bucket `index` (0 to 2^53 - 1). */
export function derivedLabel(crypto: Crypto, key: ObjectKey, index: number): Label {
  const message = new Uint8Array(LABEL.length + 8)
  message.set(LABEL)
  const view = new DataView(message.buffer)
  view.setUint32(LABEL.length, Math.floor(index / 2 ** 32))
  view.setUint32(LABEL.length + 4, index % 2 ** 32)
  return crypto.auth(message, key) as Uint8Array as Label
}
