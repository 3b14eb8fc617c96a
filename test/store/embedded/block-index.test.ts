import { fc, test } from '@fast-check/vitest'
import { describe, expect } from 'vitest'
import { utf8 } from '../../../src/lib/bytes.js'
import { crc32 } from '../../../src/lib/crc32.js'
import type { Cid } from '../../../src/store/block.js'
import { cidKey } from '../../../src/store/cid.js'
import { BlockIndex, type Place } from '../../../src/store/embedded/block-index.js'

/** CIDs of few different words, so that many share a table and a home slot. */
function cidOf(n: number): Cid {
  const cid = new Uint8Array(36)
  cid.set([1, n % 2 === 0 ? 0x55 : 0x71, 0x12, 0x20])
  cid[4] = n % 3 // the table
  cid[5] = (n >> 3) % 4 // the home slot
  cid[9] = n & 255
  cid[20] = n >> 8
  return cid as Cid
}

const step = fc.record({ n: fc.nat(400), deletes: fc.boolean(), segment: fc.integer({ min: 1, max: 2 ** 32 - 1 }), offset: fc.nat(2 ** 31), length: fc.nat(1_114_112) })

describe('the index of blocks', () => {
  test.prop([fc.array(step, { maxLength: 1500 })], { numRuns: 100 })('is a map from CIDs to places, whatever collides', (steps) => {
    const index = new BlockIndex()
    const model = new Map<string, Place>()
    for (const { n, deletes, segment, offset, length } of steps) {
      const cid = cidOf(n)
      if (deletes) {
        expect(index.delete(cid)).toEqual(model.get(cidKey(cid)))
        model.delete(cidKey(cid))
      } else {
        index.set(cid, segment, offset, length)
        model.set(cidKey(cid), { segment, offset, length })
      }
    }
    expect(index.size).toBe(model.size)
    for (let n = 0; n <= 400; n++) {
      const cid = cidOf(n)
      const place = model.get(cidKey(cid))
      expect(index.get(cid)).toEqual(place)
      expect(index.has(cid)).toBe(place !== undefined)
      expect(index.isAt(cid, place?.segment ?? 1, place?.offset ?? 1)).toBe(place !== undefined)
    }
  })
})

test('CRC-32 is the one of zlib', () => {
  expect(crc32(utf8('123456789'))).toBe(0xcbf43926) // the check value of the catalogue of CRC algorithms
  expect(crc32(new Uint8Array(0))).toBe(0)
  expect(crc32(utf8('..123456789..'), 2, 11)).toBe(0xcbf43926)
})
