import { describe, expect, test } from 'vitest'
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
