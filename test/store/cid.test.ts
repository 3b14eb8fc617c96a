import { fc, test } from '@fast-check/vitest'
import { CID } from 'multiformats/cid'
import { sha256 } from 'multiformats/hashes/sha2'
import { describe, expect } from 'vitest'
import { sodiumCrypto as crypto } from '../../src/crypto/sodium.node.js'
import { MAX_BLOCK_BYTES } from '../../src/store/block.js'
import { cidFromKey, cidKey, codecOf, formatCid, makeBlock, makeCid, verifyBlock } from '../../src/store/cid.js'

const codec = fc.constantFrom('raw' as const, 'dag-cbor' as const)

describe('CIDs', () => {
  test.prop([fc.uint8Array({ maxLength: 500 }), codec])('are those of multiformats, in bytes and in text', async (bytes, name) => {
    const theirs = CID.createV1(name === 'raw' ? 0x55 : 0x71, await sha256.digest(bytes))
    const ours = makeCid(crypto.sha256, name, bytes)
    expect(ours).toEqual(theirs.bytes)
    expect(formatCid(ours)).toBe(theirs.toString())
    expect(codecOf(ours)).toBe(name)
  })

  test.prop([fc.uint8Array({ minLength: 32, maxLength: 32 }), fc.constantFrom(0x55, 0x71)])('come back from their keys', (hash, code) => {
    const cid = Uint8Array.of(1, code, 0x12, 0x20, ...hash) as ReturnType<typeof makeCid>
    expect(cidFromKey(cidKey(cid))).toEqual(cid)
  })

  test.prop([fc.uint8Array({ minLength: 1, maxLength: 200 }), codec, fc.nat()])('do not fit bytes with one bit flipped', (bytes, name, at) => {
    const block = makeBlock(crypto.sha256, name, bytes)
    verifyBlock(crypto.sha256, block.cid, bytes)
    const bit = at % (bytes.length * 8)
    const flipped = bytes.slice()
    flipped[bit >> 3] = (flipped[bit >> 3] as number) ^ (1 << (bit & 7))
    expect(() => verifyBlock(crypto.sha256, block.cid, flipped)).toThrow(expect.objectContaining({ code: 'CORRUPT' }))
  })

  test('name no block past the limit', () => {
    expect(() => makeBlock(crypto.sha256, 'raw', new Uint8Array(MAX_BLOCK_BYTES + 1))).toThrow(expect.objectContaining({ code: 'TOO_BIG' }))
  })
})
