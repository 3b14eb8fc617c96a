import { fc, test } from '@fast-check/vitest'
import * as stock from '@ipld/dag-cbor'
import { CID } from 'multiformats/cid'
import { describe, expect } from 'vitest'
import { fromHex, toHex } from '../../src/lib/bytes.js'
import { decode, encode } from '../../src/lib/dag-cbor.js'
import { CODEC_DAG_CBOR, CODEC_RAW, Link, MAX_DEPTH, MAX_ITEMS, type Value } from '../../src/lib/dag-cbor-value.js'
import { BrochError } from '../../src/lib/error.js'

const link = fc.tuple(fc.constantFrom(CODEC_RAW, CODEC_DAG_CBOR), fc.uint8Array({ minLength: 32, maxLength: 32 })).map(([codec, hash]) => new Link(Uint8Array.of(1, codec, 0x12, 0x20, ...hash)))
const text = fc.oneof(fc.string({ unit: 'binary' }), fc.constantFrom('', 'constructor', '__proto__', 'aa', 'b', 'é', '🗝'))

const { value } = fc.letrec<{ value: Value }>((tie) => ({
  value: fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    fc.constant(null),
    fc.boolean(),
    fc.maxSafeInteger(),
    fc.integer({ min: -70_000, max: 70_000 }),
    text,
    fc.uint8Array({ maxLength: 300 }),
    link,
    fc.array(tie('value'), { maxLength: 30 }),
    fc.array(fc.tuple(text, tie('value')), { maxLength: 30 }).map((pairs) => new Map(pairs)),
  ),
}))

/** The same, as the stock codec has it. */
function toStock(item: Value): unknown {
  if (item instanceof Link) return CID.decode(item.cid)
  if (item instanceof Map) return Object.fromEntries(Array.from(item as ReadonlyMap<string, Value>, ([key, inner]) => [key, toStock(inner)]))
  return Array.isArray(item) ? item.map((inner) => toStock(inner as Value)) : item
}

function hasKey(item: Value, key: string): boolean {
  if (item instanceof Map) return item.has(key) || [...(item as ReadonlyMap<string, Value>).values()].some((inner) => hasKey(inner, key))
  return Array.isArray(item) && item.some((inner) => hasKey(inner as Value, key))
}

function refusal(bytes: Uint8Array): string {
  try {
    return `decoded ${JSON.stringify(decode(bytes))}`
  } catch (error) {
    return error instanceof BrochError ? error.code : String(error)
  }
}

describe('dag-cbor beside the stock codec', () => {
  test.prop([value], { numRuns: 400 })('writes the same bytes', (item) => {
    expect(toHex(encode(item))).toBe(toHex(stock.encode(toStock(item))))
  })

  test.prop([value], { numRuns: 400 })('reads what it and the stock codec wrote', (item) => {
    expect(decode(encode(item))).toEqual(item)
    expect(decode(Uint8Array.from(stock.encode(toStock(item))))).toEqual(item)
  })

  test.prop([value.filter((item) => !hasKey(item, '__proto__'))], { numRuns: 400 })('is read by the stock codec', (item) => {
    const bytes = encode(item)
    expect(toHex(stock.encode(stock.decode(bytes)))).toBe(toHex(bytes))
  })

  test.prop([fc.uint8Array({ maxLength: 60 })], { numRuns: 3000 })('gives any bytes one meaning or none', (bytes) => {
    const first = refusal(bytes)
    if (first !== 'CORRUPT') expect(toHex(encode(decode(bytes)))).toBe(toHex(bytes))
  })

  test.prop([value, fc.nat(), fc.integer({ min: 1, max: 255 })], { numRuns: 1000 })('has no second form a changed byte away', (item, at, difference) => {
    const bytes = encode(item)
    const place = at % bytes.length
    bytes[place] = (bytes[place] as number) ^ difference
    if (refusal(bytes) !== 'CORRUPT') expect(toHex(encode(decode(bytes)))).toBe(toHex(bytes))
  })
})

const HASH = 'ab'.repeat(32)

describe('refuses', () => {
  test.each([
    ['nothing at all', 'RFC 8949 §5.3.1', ''],
    ['a second item', 'dag-cbor: Strictness, no trailing data', '0000'],
    ['0 in two bytes', 'RFC 8949 §4.2.1, preferred serialization', '1800'],
    ['23 in two bytes', 'RFC 8949 §4.2.1', '1817'],
    ['255 in three bytes', 'RFC 8949 §4.2.1', '1900ff'],
    ['65,535 in five bytes', 'RFC 8949 §4.2.1', '1a0000ffff'],
    ['2^32 - 1 in nine bytes', 'RFC 8949 §4.2.1', '1b00000000ffffffff'],
    ['-1 in two bytes', 'RFC 8949 §4.2.1', '3800'],
    ['2^53', 'docs/format.md §3.2, numbers are safe integers', '1b0020000000000000'],
    ['-2^53', 'docs/format.md §3.2', '3b001fffffffffffff'],
    ['2^64 - 1', 'docs/format.md §3.2', '1bffffffffffffffff'],
    ['a byte string whose length takes a byte too many', 'RFC 8949 §4.2.1', '580100'],
    ['a text whose length takes a byte too many', 'RFC 8949 §4.2.1', '780161'],
    ['an array whose length takes a byte too many', 'RFC 8949 §4.2.1', '980100'],
    ['a map whose size takes a byte too many', 'RFC 8949 §4.2.1', 'b801616100'],
    ['a byte string of indefinite length', 'dag-cbor: Strictness, no indefinite lengths', '5f4100ff'],
    ['a text of indefinite length', 'dag-cbor: Strictness', '7f6161ff'],
    ['an array of indefinite length', 'dag-cbor: Strictness', '9f00ff'],
    ['a map of indefinite length', 'dag-cbor: Strictness', 'bf616100ff'],
    ['a break without a begin', 'RFC 8949 §3.2.1', 'ff'],
    ['reserved additional information 28', 'RFC 8949 §3', '1c'],
    ['undefined', 'dag-cbor: simple values are false, true and null', 'f7'],
    ['simple value 16', 'dag-cbor: simple values', 'f0'],
    ['false in two bytes', 'RFC 8949 §3.3', 'f814'],
    ['simple value 255', 'dag-cbor: simple values', 'f8ff'],
    ['half-precision 0.0', 'docs/format.md §3.2, no floating point', 'f90000'],
    ['single-precision 1.0', 'docs/format.md §3.2', 'fa3f800000'],
    ['double-precision 1.1', 'docs/format.md §3.2', 'fb3ff199999999999a'],
    ['NaN', 'dag-cbor: no NaN', 'fb7ff8000000000000'],
    ['tag 0', 'dag-cbor: tag 42 alone', 'c06161'],
    ['tag 2, a big number', 'dag-cbor: tag 42 alone', 'c24101'],
    ['tag 42 in three bytes', 'RFC 8949 §4.2.1', `d9002a582500015512 20${HASH}`.replaceAll(' ', '')],
    ['tag 42 over text', 'dag-cbor: a link is a byte string', 'd82a6161'],
    ['a link without the multibase prefix', 'dag-cbor: Links, leading 0x00', `d82a582401551220${HASH}`],
    ['a link with another multibase prefix', 'dag-cbor: Links', `d82a58256201551220${HASH}`],
    ['a CIDv0 link', 'docs/format.md §3.1', `d82a5823001220${HASH}`],
    ['a link with the codec dag-pb', 'docs/format.md §3.1', `d82a58250001701220${HASH}`],
    ['a link with the hash sha3-256', 'docs/format.md §3.1', `d82a58250001551620${HASH}`],
    ['a link with half a hash', 'docs/format.md §3.1', `d82a58150001551210${HASH.slice(32)}`],
    ['a link cut short', 'docs/format.md §3.1', `d82a58250001551220${HASH.slice(2)}`],
    ['keys of one length out of order', 'dag-cbor: map keys sorted', 'a2616200616100'],
    ['a longer key before a shorter', 'dag-cbor: map keys sorted by length first', 'a262616100616200'],
    ['one key twice', 'dag-cbor: unique map keys', 'a2616100616101'],
    ['a number as a key', 'dag-cbor: keys are strings', 'a10000'],
    ['bytes as a key', 'dag-cbor: keys are strings', 'a1416100'],
    ['text that is not UTF-8', 'RFC 8949 §3.1', '61ff'],
    ['a surrogate in UTF-8', 'RFC 3629 §3', '63eda080'],
    ['a character in too many bytes', 'RFC 3629 §3', '62c181'],
    ['an array cut short', 'RFC 8949 §5.3.1', '8201'],
    ['a map cut short', 'RFC 8949 §5.3.1', 'a16161'],
    ['a byte string longer than all there is', 'bounded before allocation', '5b001fffffffffffff00'],
    ['an array longer than all there is', 'bounded before allocation', '9b001fffffffffffff00'],
    ['a map larger than all there is', 'bounded before allocation', 'bb001fffffffffffff00'],
    ['33 arrays in each other', 'docs/format.md §3.2, depth', `${'81'.repeat(MAX_DEPTH)}80`],
    ['more items than the limit', 'docs/format.md §3.2, items', `9a${MAX_ITEMS.toString(16).padStart(8, '0')}${'00'.repeat(MAX_ITEMS)}`],
  ])('%s (%s)', (_title, _source, hex) => {
    expect(refusal(fromHex(hex))).toBe('CORRUPT')
  })

  test('to write what has no form', () => {
    let deep: Value = []
    for (let i = 0; i < MAX_DEPTH; i++) deep = [deep]
    const unsayable: Value[] = [1.5, Number.NaN, 2 ** 53, -(2 ** 53), '\ud800', new Map([['\udfff', null]]), new Link(new Uint8Array(36)), deep, new Array<Value>(MAX_ITEMS).fill(0)]
    for (const item of unsayable) expect(() => encode(item)).toThrow(expect.objectContaining({ code: 'INVALID' }))
    expect(encode(null)).toEqual(Uint8Array.of(0xf6)) // the shared writer is sound after failures
  })
})

test('depth and items may be as many as the limits', () => {
  expect(refusal(fromHex(`${'81'.repeat(MAX_DEPTH - 1)}80`))).toMatch(/^decoded/)
  const most = MAX_ITEMS - 1
  expect(decode(fromHex(`9a${most.toString(16).padStart(8, '0')}${'00'.repeat(most)}`))).toHaveLength(most)
})
