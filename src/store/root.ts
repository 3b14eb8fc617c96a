/**
 * Roots, and the signed pointers that name them. docs/format.md §5
 * @packageDocumentation
 */
import { type Crypto, KEY_BYTES, type PublicSignKey, type SecretSignKey, SIGNATURE_BYTES, type Signature } from '../crypto/crypto.js'
import { compareBytes, equalBytes } from '../lib/bytes.js'
import { decode, encode } from '../lib/dag-cbor.js'
import { Link, type Value } from '../lib/dag-cbor-value.js'
import { BrochError } from '../lib/error.js'
import type { Block, Cid } from './block.js'
import { codecOf, makeBlock, type Sha256 } from './cid.js'
import type { Pointer, Sequence, SignedPointer, VerifiedPointer } from './pointer.js'

const VERSION = 1
const DOMAIN = 'broch/pointer/1'

/** What a pointer names. */
export interface Root {
  /** Undefined: nothing is stored. */
  readonly champ: Cid | undefined
  /** Keys of writers this one owns, in the order of their bytes, each once. */
  readonly writers: readonly PublicSignKey[]
}

export const EMPTY_ROOT: Root = { champ: undefined, writers: [] }

/** @throws BrochError INVALID when the writers are not in order; TOO_BIG. */
export function encodeRoot(sha256: Sha256, root: Root): Block {
  if (!areSorted(root.writers)) throw new BrochError('INVALID', 'owned writers out of order')
  const map = new Map<string, Value>([
    ['v', VERSION],
    ['champ', root.champ === undefined ? null : new Link(root.champ)],
    ['writers', [...root.writers]],
  ])
  return makeBlock(sha256, 'dag-cbor', encode(map))
}

/** @throws BrochError CORRUPT; NEWER_FORMAT for a version or field this program does not know. */
export function decodeRoot(bytes: Uint8Array): Root {
  const value = decode(bytes)
  if (!(value instanceof Map)) throw corrupt('not a map')
  const map = value as ReadonlyMap<string, Value>
  const version = map.get('v')
  if (version !== VERSION || map.size !== 3) {
    if (typeof version === 'number' && version >= VERSION) throw new BrochError('NEWER_FORMAT', 'a root of a newer format')
    throw corrupt('no version')
  }
  return { champ: readChamp(map.get('champ')), writers: readWriters(map.get('writers')) }
}

function readChamp(value: Value | undefined): Cid | undefined {
  if (value === null) return undefined
  if (!(value instanceof Link) || codecOf(value.cid as Cid) !== 'dag-cbor') throw corrupt('no link to a CHAMP')
  return value.cid as Cid
}

function readWriters(value: Value | undefined): PublicSignKey[] {
  if (!Array.isArray(value)) throw corrupt('no list of writers')
  const writers = value as unknown[]
  if (!writers.every(isKey) || !areSorted(writers)) throw corrupt('a bad list of writers')
  return writers
}

function isKey(value: unknown): value is PublicSignKey {
  return value instanceof Uint8Array && value.length === KEY_BYTES
}

function areSorted(writers: readonly Uint8Array[]): boolean {
  return writers.every((writer, i) => i === 0 || compareBytes(writers[i - 1] as Uint8Array, writer) < 0)
}

/** The bytes a writer signs; nothing else that is signed begins like this. */
function signedBytes({ writer, sequence, root }: Pointer): Uint8Array {
  return encode([DOMAIN, writer, sequence, new Link(root)])
}

export function signPointer(crypto: Crypto, pointer: Pointer, secretKey: SecretSignKey): VerifiedPointer {
  const { writer, sequence, root } = pointer
  return { writer, sequence, root, signature: crypto.sign(signedBytes(pointer), secretKey) } as VerifiedPointer
}

/**
 * The one way from what somebody gave to what a writer said.
 *
 * @param writer - whose pointer was asked for
 * @throws BrochError BAD_SIGNATURE when the pointer is another writer's or not signed by it.
 */
export function verifyPointer(crypto: Crypto, writer: PublicSignKey, pointer: SignedPointer): VerifiedPointer {
  const sound =
    isKey(pointer.writer) &&
    equalBytes(pointer.writer, writer) &&
    pointer.signature.length === SIGNATURE_BYTES &&
    Number.isSafeInteger(pointer.sequence) &&
    pointer.sequence >= 1 &&
    codecOf(pointer.root) === 'dag-cbor' &&
    crypto.verify(signedBytes(pointer), pointer.signature, writer)
  if (!sound) throw new BrochError('BAD_SIGNATURE', 'a pointer is not signed by its writer')
  return pointer as VerifiedPointer
}

/** For disks and wires. Inverse: {@link decodePointer}. */
export function encodePointer(pointer: SignedPointer): Uint8Array {
  return encode([VERSION, pointer.writer, pointer.sequence, new Link(pointer.root), pointer.signature])
}

/** Checks the form, not the signature. @throws BrochError CORRUPT; NEWER_FORMAT. */
export function decodePointer(bytes: Uint8Array): SignedPointer {
  const parts = decode(bytes)
  if (!Array.isArray(parts)) throw corrupt('not a pointer')
  const [version, writer, sequence, root, signature] = parts as readonly Value[]
  if (version !== VERSION) throw new BrochError('NEWER_FORMAT', 'a pointer of a newer format')
  if (parts.length !== 5 || !isKey(writer) || !(root instanceof Link)) throw corrupt('not a pointer')
  if (typeof sequence !== 'number' || sequence < 1) throw corrupt('no sequence in a pointer')
  if (!(signature instanceof Uint8Array) || signature.length !== SIGNATURE_BYTES) throw corrupt('no signature in a pointer')
  if (codecOf(root.cid as Cid) !== 'dag-cbor') throw corrupt('a pointer names a root')
  return { writer, sequence: sequence as Sequence, root: root.cid as Cid, signature: signature as Signature }
}

function corrupt(what: string): BrochError {
  return new BrochError('CORRUPT', `root: ${what}`)
}
