import { expect, test } from 'vitest'
import { sodiumCrypto as crypto } from '../../src/crypto/sodium.node.js'
import { toHex } from '../../src/lib/bytes.js'

test.each([1, 16, 24, 32, 128, 129, 4096])('random bytes, %d at a time, are of the length asked for, whole, and never the same', async (length) => {
  const seen = new Set<string>()
  const used = new Uint8Array(256)
  for (let i = 0; i < 600; i++) {
    const bytes = crypto.randomBytes(length)
    expect(bytes).toHaveLength(length)
    for (const byte of bytes) used[byte] = 1
    if (length >= 16) expect(seen.has(toHex(bytes)), 'seen before').toBe(false)
    seen.add(toHex(bytes))
    if (i % 50 === 0) await Promise.resolve()
  }
  expect(used.reduce((sum, bit) => sum + bit)).toBeGreaterThan(200)
})

test('what was given out is the caller\'s own', () => {
  const first = crypto.randomBytes(24)
  const copy = first.slice()
  for (let i = 0; i < 100; i++) crypto.randomBytes(24)
  expect(first).toEqual(copy)
})
