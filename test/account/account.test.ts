import { describe, expect, test } from 'vitest'
import type { Crypto } from '../../src/crypto/crypto.js'
import { changePassphrase, createAccount, openAccount } from '../../src/account/account.js'
import { sodiumCrypto as crypto } from '../../src/crypto/sodium.node.js'
import { utf8 } from '../../src/lib/bytes.js'

const LOW = 4 // log2 of scrypt's N: tests only
const login = { name: 'ann', passphrase: utf8('right') }

describe('an account record', () => {
  test('gives the identity back, and to nobody else', async () => {
    const { record, identity } = await createAccount(crypto, login, LOW)
    expect((await openAccount(crypto, record, login, LOW)).secret).toEqual(identity.secret)
    for (const wrong of [{ ...login, passphrase: utf8('wrong') }, { ...login, name: 'bob' }]) {
      await expect(openAccount(crypto, record, wrong, LOW)).rejects.toMatchObject({ code: 'WRONG_PASSPHRASE' })
    }
  })

  test('altered anywhere, opens the same identity or fails with the same error', async () => {
    const { record, identity } = await createAccount(crypto, login, LOW)
    let refused = 0
    for (let at = 0; at < record.length; at += 7) {
      const altered = record.slice()
      altered[at] = (altered[at] as number) ^ 1
      const result = await openAccount(crypto, altered, login, LOW).catch((error: unknown) => error)
      if (result instanceof Error) {
        expect(result).toMatchObject({ code: 'WRONG_PASSPHRASE' })
        refused += 1
      } else expect(result).toMatchObject({ secret: identity.secret })
    }
    expect(refused).toBeGreaterThan(50)
    for (const cut of [new Uint8Array(0), record.subarray(1), crypto.randomBytes(record.length + 1)]) {
      await expect(openAccount(crypto, cut, login, LOW)).rejects.toMatchObject({ code: 'WRONG_PASSPHRASE' })
    }
  })

  test('of a lower cost than the floor is refused', async () => {
    const { record } = await createAccount(crypto, login, LOW)
    await expect(openAccount(crypto, record, login, LOW + 1)).rejects.toMatchObject({ code: 'WRONG_PASSPHRASE' })
  })

  test('opens with the new pass phrase alone after a change', async () => {
    const { record, identity } = await createAccount(crypto, login, LOW)
    const changed = await changePassphrase(crypto, record, login, utf8('new'), LOW)
    expect((await openAccount(crypto, changed, { ...login, passphrase: utf8('new') }, LOW)).secret).toEqual(identity.secret)
    await expect(openAccount(crypto, changed, login, LOW)).rejects.toMatchObject({ code: 'WRONG_PASSPHRASE' })
    expect(changed).toHaveLength(record.length)
  })
})

const HEADER_BYTES = 52 // docs/format.md §9
const SLOT_BYTES = 360
const slotsOf = (record: Uint8Array) => [0, 1, 2, 3].map((slot) => record.subarray(HEADER_BYTES + slot * SLOT_BYTES, HEADER_BYTES + (slot + 1) * SLOT_BYTES))

/** Notes what is done, in order. */
function watched(): { crypto: Crypto; work: string[] } {
  const work: string[] = []
  const note = <T>(what: string, value: T): T => {
    work.push(what)
    return value
  }
  return {
    work,
    crypto: {
      ...crypto,
      open: (sealed, nonce, key) => note(`open ${sealed.length}`, crypto.open(sealed, nonce, key)),
      seal: (plain, nonce, key) => note(`seal ${plain.length}`, crypto.seal(plain, nonce, key)),
      scrypt: (password, salt, cost) => note(`scrypt ${cost.logN} ${cost.r} ${cost.p} ${cost.length}`, crypto.scrypt(password, salt, cost)),
    },
  }
}

describe('what an account record gives away', () => {
  test('nothing of which slot is used: any may be, and all look like random bytes', async () => {
    const used = new Map<number, number>()
    const sums = { used: 0, unused: 0 }
    for (let i = 0; i < 80; i++) {
      const { record } = await createAccount(crypto, login, LOW)
      const changed = await changePassphrase(crypto, record, login, utf8('new'), LOW)
      const [before, after] = [slotsOf(record), slotsOf(changed)]
      const slot = before.findIndex((bytes, at) => Buffer.compare(bytes, after[at] as Uint8Array) !== 0)
      used.set(slot, (used.get(slot) ?? 0) + 1)
      before.forEach((bytes, at) => {
        const ones = bytes.reduce((sum, byte) => sum + (byte.toString(2).match(/1/g)?.length ?? 0), 0)
        sums[at === slot ? 'used' : 'unused'] += ones / (at === slot ? 1 : 3)
      })
    }
    expect([...used.keys()].sort()).toEqual([0, 1, 2, 3]) // by chance one is missing in 1 of 2,500,000,000 runs
    const bits = 80 * SLOT_BYTES * 8
    for (const ones of [sums.used, sums.unused]) expect(Math.abs(ones - bits / 2)).toBeLessThan(6 * Math.sqrt(bits / 4))
  })

  test('nothing of the length of a pass phrase or name', async () => {
    const lengths = new Set<number>()
    for (const each of [{ name: '', passphrase: utf8('') }, { name: 'n'.repeat(500), passphrase: utf8('p'.repeat(5000)) }]) {
      lengths.add((await createAccount(crypto, each, LOW)).record.length)
    }
    expect([...lengths]).toEqual([HEADER_BYTES + 4 * SLOT_BYTES])
  })

  test('nothing of what was wrong: the same work is done, whatever it is', async () => {
    const { record } = await createAccount(crypto, login, LOW)
    const altered = (at: number, value: number) => record.with(at, value)
    const cases: [string, Uint8Array, typeof login][] = [
      ['the right pass phrase', record, login],
      ['a wrong pass phrase', record, { ...login, passphrase: utf8('wrong') }],
      ['an empty one', record, { ...login, passphrase: utf8('') }],
      ['another name', record, { ...login, name: 'bob' }],
      ['no record', new Uint8Array(0), login],
      ['a record cut short', record.subarray(0, 1000), login],
      ['another magic', altered(0, 0), login],
      ['a lower cost', altered(16, LOW - 1), login],
      ['a cost beyond all memory', altered(16, 60), login],
      ['another r', altered(17, 1), login],
      ['another p', altered(18, 255), login],
      ['another salt', altered(30, (record[30] as number) ^ 1), login],
    ]
    for (const [title, bytes, who] of cases) {
      const { crypto: watching, work } = watched()
      await openAccount(watching, bytes, who, LOW).catch((error: unknown) => {
        expect(error).toMatchObject({ code: 'WRONG_PASSPHRASE', message: 'the pass phrase is wrong, or the account record is damaged' })
      })
      expect([title, ...work]).toEqual([title, `scrypt ${LOW} 8 1 96`, ...new Array<string>(4).fill('open 336')])
    }
  })

  test('is changed in one slot alone by a new pass phrase, under a new nonce', async () => {
    const { record } = await createAccount(crypto, login, LOW)
    const changed = await changePassphrase(crypto, record, login, login.passphrase, LOW)
    expect(changed.subarray(0, HEADER_BYTES)).toEqual(record.subarray(0, HEADER_BYTES))
    const differing = slotsOf(record).flatMap((bytes, slot) => (Buffer.compare(bytes, slotsOf(changed)[slot] as Uint8Array) === 0 ? [] : [slot]))
    expect(differing).toHaveLength(1)
    const [slot] = differing as [number]
    expect((slotsOf(changed)[slot] as Uint8Array).subarray(0, 24)).not.toEqual((slotsOf(record)[slot] as Uint8Array).subarray(0, 24))
    await expect(changePassphrase(crypto, record, { ...login, passphrase: utf8('wrong') }, utf8('x'), LOW)).rejects.toMatchObject({ code: 'WRONG_PASSPHRASE' })
  })
})
