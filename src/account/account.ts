/**
 * The login: from name and pass phrase to the keys of an identity. docs/format.md §9
 * @packageDocumentation
 */
import { type BaseKey, randomBaseKey, randomLabel } from '../cryptree/keys.js'
import type { ObjectRef } from '../cryptree/object-node.js'
import { type Crypto, MAC_BYTES, NONCE_BYTES, type Nonce, type ScryptParameters, type Sealed, type SignKeyPair, type SymmetricKey } from '../crypto/crypto.js'
import { concatBytes, utf8 } from '../lib/bytes.js'
import { BrochError } from '../lib/error.js'
import type { Label } from '../store/label.js'

/** Random keys of a person, sealed under what the pass phrase gives. */
export interface Identity {
  readonly sign: SignKeyPair
  readonly writer: SignKeyPair
  readonly home: ObjectRef
  /** the random bytes all of the above come from */
  readonly secret: Uint8Array
}

export interface Login {
  readonly name: string
  readonly passphrase: Uint8Array
}

const MAGIC = utf8('broch account 1\n')
const SALT_BYTES = 32
const SLOTS = 4
/** sign seed, box secret, writer seed, home label, home key, space secret, and room for keys to come */
const SECRET_BYTES = 320
const SLOT_BYTES = NONCE_BYTES + SECRET_BYTES + MAC_BYTES
const RECORD_BYTES = MAGIC.length + 4 + SALT_BYTES + SLOTS * SLOT_BYTES
const SLOTS_AT = MAGIC.length + 4 + SALT_BYTES

/** The floor, and what is used: a record may not ask for less, nor for more memory than 1 GiB. */
export const SCRYPT = { logN: 17, r: 8, p: 1 } as const
export const MAX_LOG_N = 20

/** A new identity, and the record that gives it back to who knows the pass phrase. */
export async function createAccount(crypto: Crypto, login: Login, logN: number = SCRYPT.logN): Promise<{ record: Uint8Array; identity: Identity }> {
  const secret = crypto.randomBytes(SECRET_BYTES)
  secret.set(randomLabel(crypto), 96)
  secret.set(randomBaseKey(crypto), 128)
  const record = crypto.randomBytes(RECORD_BYTES)
  record.set(MAGIC)
  record.set([logN, SCRYPT.r, SCRYPT.p, 0], MAGIC.length)
  await sealSlot(crypto, record, login, secret, (crypto.randomBytes(1)[0] as number) % SLOTS)
  return { record, identity: identityOf(crypto, secret) }
}

/**
 * The identity of a record.
 * @throws BrochError WRONG_PASSPHRASE, whatever is wrong with pass phrase or record, after the same work.
 */
export async function openAccount(crypto: Crypto, record: Uint8Array, login: Login, floor: number = SCRYPT.logN): Promise<Identity> {
  const found = await openSlot(crypto, record, login, floor)
  if (found === undefined) throw wrong()
  return identityOf(crypto, found.secret)
}

/** A record in which the new pass phrase opens what the old one did. Other slots stay as they are. */
export async function changePassphrase(crypto: Crypto, record: Uint8Array, login: Login, passphrase: Uint8Array, floor: number = SCRYPT.logN): Promise<Uint8Array> {
  const found = await openSlot(crypto, record, login, floor)
  if (found === undefined) throw wrong()
  const changed = record.slice()
  await sealSlot(crypto, changed, { name: login.name, passphrase }, found.secret, found.slot)
  return changed
}

function wrong(): BrochError {
  return new BrochError('WRONG_PASSPHRASE', 'the pass phrase is wrong, or the account record is damaged')
}

/** Name and record header go into the salt, so a changed header opens nothing. */
async function loginKey(crypto: Crypto, record: Uint8Array, { name, passphrase }: Login, parameters: ScryptParameters): Promise<SymmetricKey> {
  const salt = crypto.sha256(concatBytes([record.subarray(0, SLOTS_AT), utf8(name)]))
  const derived = await crypto.scrypt(passphrase, salt, parameters)
  return derived.slice(64, 96) as SymmetricKey // 0-31 signing seed, 32-63 encrypting seed of the login itself
}

async function sealSlot(crypto: Crypto, record: Uint8Array, login: Login, secret: Uint8Array, slot: number): Promise<void> {
  const logN = record[MAGIC.length] as number
  const key = await loginKey(crypto, record, login, { logN, r: SCRYPT.r, p: SCRYPT.p, length: 96 })
  const nonce = crypto.randomBytes(NONCE_BYTES) as Nonce
  record.set(nonce, SLOTS_AT + slot * SLOT_BYTES)
  record.set(crypto.seal(secret, nonce, key), SLOTS_AT + slot * SLOT_BYTES + NONCE_BYTES)
}

async function openSlot(crypto: Crypto, record: Uint8Array, login: Login, floor: number): Promise<{ secret: Uint8Array; slot: number } | undefined> {
  const whole = record.length === RECORD_BYTES ? record : new Uint8Array(RECORD_BYTES)
  const [logN = 0, r, p] = whole.subarray(MAGIC.length)
  const sound = MAGIC.every((byte, i) => whole[i] === byte) && logN >= floor && logN <= MAX_LOG_N && r === SCRYPT.r && p === SCRYPT.p
  const key = await loginKey(crypto, whole, login, { ...SCRYPT, logN: sound ? logN : floor, length: 96 })
  let found: { secret: Uint8Array; slot: number } | undefined
  for (let slot = 0; slot < SLOTS; slot++) {
    const bytes = whole.subarray(SLOTS_AT + slot * SLOT_BYTES, SLOTS_AT + (slot + 1) * SLOT_BYTES)
    const secret = crypto.open(bytes.subarray(NONCE_BYTES) as Sealed, bytes.subarray(0, NONCE_BYTES) as Nonce, key)
    if (secret !== undefined && sound) found = { secret, slot }
  }
  return found
}

function identityOf(crypto: Crypto, secret: Uint8Array): Identity {
  return {
    sign: crypto.signKeyPair(secret.slice(0, 32)),
    writer: crypto.signKeyPair(secret.slice(64, 96)),
    home: { label: secret.slice(96, 128) as Label, key: secret.slice(128, 160) as BaseKey },
    secret,
  }
}
