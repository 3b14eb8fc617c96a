/** What sealed parts hold: each encoder and its decoder are inverse, and the decoder takes nothing else. */
import { fc, test } from '@fast-check/vitest'
import { describe, expect } from 'vitest'
import { ChunkSet, MAX_CHUNKS } from '../../src/cryptree/chunk-set.js'
import { bucketOf, bucketsFrom, compareEntries, decodeBucket, decodeDirectoryContent, type DirectoryEntry, encodeBucket, encodeDirectoryContent, hashName, LEAST_PER_BUCKET, MOST_PER_BUCKET, splitHash, splitStep } from '../../src/cryptree/directory-content.js'
import { decodeFileContent, decodeTable, encodeFileContent, encodeTable, FRAGMENT_BYTES, FRAGMENTS_PER_CHUNK, type Fragment, type FragmentTable, linksOf } from '../../src/cryptree/file-content.js'
import type { ObjectKey } from '../../src/cryptree/keys.js'
import { padme } from '../../src/cryptree/padding.js'
import { decodeProperties, encodeProperties, type Properties } from '../../src/cryptree/properties.js'
import { openPart, PART_KIND, type PartKind, sealPart } from '../../src/cryptree/sealed-part.js'
import type { Nonce, SymmetricKey } from '../../src/crypto/crypto.js'
import { sodiumCrypto as crypto } from '../../src/crypto/sodium.node.js'
import { concatBytes, toBinaryString, utf8 } from '../../src/lib/bytes.js'
import { decode, encode } from '../../src/lib/dag-cbor.js'
import type { Value } from '../../src/lib/dag-cbor-value.js'
import { makeCid } from '../../src/store/cid.js'
import type { Label } from '../../src/store/label.js'

const CORRUPT = expect.objectContaining({ code: 'CORRUPT' }) as Error
const bytesOf = (length: number): fc.Arbitrary<Uint8Array> => fc.uint8Array({ minLength: length, maxLength: length })
const binary = (minLength: number, maxLength: number): fc.Arbitrary<string> => fc.uint8Array({ minLength, maxLength }).map(toBinaryString)
const name = binary(1, 255).filter((text) => !/[/\0]/.test(text) && text !== '.' && text !== '..')
const key = bytesOf(32) as fc.Arbitrary<ObjectKey>

describe('Padmé', () => {
  /** Algorithm 1 of Nikitin et al., "Reducing Metadata Leakage from Encrypted Files and Communication with PURBs", 2019. */
  function algorithm(length: bigint): bigint {
    const log2 = (value: bigint): bigint => BigInt(value.toString(2).length - 1)
    const e = log2(length)
    const s = log2(e) + 1n
    const mask = (1n << (e - s)) - 1n
    return (length + mask) & ~mask
  }
  const edge = fc.tuple(fc.integer({ min: 1, max: 40 }), fc.integer({ min: -3, max: 3 })).map(([power, off]) => Math.max(2, 2 ** power + off))

  test.prop([fc.oneof(fc.integer({ min: 2, max: 2 ** 21 }), fc.maxSafeInteger().map((n) => 2 + (Math.abs(n) % 2 ** 40)), edge)], { numRuns: 2000 })('is the algorithm of the paper', (length) => {
    expect(padme(length)).toBe(Number(length < 4 ? BigInt(length) : algorithm(BigInt(length))))
  })

  test.prop([fc.integer({ min: 1, max: 2 ** 32 })], { numRuns: 2000 })('costs at most 12 %, and padding again costs nothing', (length) => {
    expect(padme(length)).toBeGreaterThanOrEqual(length)
    expect(padme(length)).toBeLessThanOrEqual(length * 1.12)
    expect(padme(padme(length))).toBe(padme(length))
  })

  test('never shrinks as lengths grow, and leaves few sizes', () => {
    const sizes = new Set<number>()
    for (let length = 1, last = 0; length <= 300_000; length++) {
      const padded = padme(length)
      if (padded < last) throw new Error(`padme(${length}) is ${padded}, after ${last}`)
      last = padded
      sizes.add(padded)
    }
    // the paper's claim, O(log log) bits: 8.5 bits of 18 are enough here
    expect(Math.log2(sizes.size)).toBeLessThan(8.5)
  })

  test.each([[9, 10], [11, 12], [17, 18], [33, 36], [65, 72], [129, 144], [257, 272], [1000, 1024], [1025, 1088], [262_145, 270_336]])('pads %d to %d', (length, padded) => {
    expect(padme(length)).toBe(padded)
  })
})

describe('a sealed part', () => {
  const kind = fc.constantFrom(...(Object.keys(PART_KIND) as PartKind[]))
  const label = bytesOf(32) as fc.Arbitrary<Label>
  const partKey = bytesOf(32) as fc.Arbitrary<SymmetricKey>

  test.prop([kind, label, partKey, fc.uint8Array({ maxLength: 3000 })])('opens to what it was made of, and its size says a class only', (kindName, where, secret, payload) => {
    const part = sealPart(crypto, kindName, where, secret, payload)
    expect(openPart(crypto, kindName, where, secret, part)).toEqual(payload)
    expect(part.length).toBe(24 + 16 + padme(Math.max(256, 38 + payload.length)))
  })

  test.prop([kind, kind, label, label, partKey, partKey])('opens as nothing else', (kindName, otherKind, where, otherWhere, secret, otherSecret) => {
    const part = sealPart(crypto, kindName, where, secret, utf8('payload'))
    if (kindName !== otherKind) expect(() => openPart(crypto, otherKind, where, secret, part)).toThrow(CORRUPT)
    if (toBinaryString(where) !== toBinaryString(otherWhere)) expect(() => openPart(crypto, kindName, otherWhere, secret, part)).toThrow(CORRUPT)
    if (toBinaryString(secret) !== toBinaryString(otherSecret)) expect(() => openPart(crypto, kindName, where, otherSecret, part)).toThrow(CORRUPT)
  })

  test.prop([kind, label, partKey, fc.nat(), fc.nat()])('opens neither with a bit flipped nor cut', (kindName, where, secret, at, cut) => {
    const part = sealPart(crypto, kindName, where, secret, utf8('payload'))
    const flipped = part.slice()
    const bit = at % (part.length * 8)
    flipped[bit >> 3] = (flipped[bit >> 3] as number) ^ (1 << (bit & 7))
    for (const altered of [flipped, part.subarray(0, cut % part.length)]) expect(() => openPart(crypto, kindName, where, secret, altered)).toThrow(CORRUPT)
  })

  test('is never sealed twice alike', () => {
    const where = crypto.randomBytes(32) as Label
    const secret = crypto.randomBytes(32) as SymmetricKey
    const parts = Array.from({ length: 200 }, () => toBinaryString(sealPart(crypto, 'props', where, secret, utf8('the same')).subarray(0, 24)))
    expect(new Set(parts).size).toBe(200)
  })

  test.each<[string, string, (plain: Uint8Array) => void]>([
    ['of a newer version', 'NEWER_FORMAT', (plain) => { plain[1] = 2 }],
    ['longer than its padding', 'CORRUPT', (plain) => { plain.set([255, 255, 255, 255], 34) }],
    ['of a kind there is not', 'CORRUPT', (plain) => { plain[0] = 9 }],
  ])('%s is refused', (_title, code, change) => {
    const where = new Uint8Array(32).fill(3) as Label
    const secret = new Uint8Array(32).fill(5) as SymmetricKey
    const plain = new Uint8Array(256)
    plain.set([PART_KIND.props, 1, ...where, 0, 0, 0, 4])
    change(plain)
    const nonce = crypto.randomBytes(24) as Nonce
    const part = concatBytes([nonce, crypto.seal(plain, nonce, secret)])
    expect(() => openPart(crypto, 'props', where, secret, part)).toThrow(expect.objectContaining({ code }))
  })
})

const fragment: fc.Arbitrary<Fragment> = fc.record({
  cid: bytesOf(32).map((seed) => makeCid(crypto.sha256, 'raw', seed)),
  nonce: bytesOf(24) as fc.Arbitrary<Nonce>,
  length: fc.nat({ max: FRAGMENT_BYTES }),
})
const table: fc.Arbitrary<FragmentTable> = fc.array(fc.tuple(fc.nat({ max: FRAGMENTS_PER_CHUNK - 1 }), fragment), { maxLength: 20 }).map((rows) => {
  const made: FragmentTable = []
  for (const [slot, row] of rows) made[slot] = row
  return made
})

describe('a fragment table', () => {
  test.prop([table])('comes back', (made) => {
    expect(Object.entries(decodeTable(encodeTable(made), linksOf(made)))).toEqual(Object.entries(made))
    expect(encodeTable(made)).toHaveLength(30 * linksOf(made).length)
  })

  test.prop([table.filter((made) => linksOf(made).length >= 2), fc.nat()])('with another number of links, other order, or slots and lengths out of range is refused', (made, at) => {
    const links = linksOf(made)
    const rows = encodeTable(made)
    expect(() => decodeTable(rows, links.slice(1))).toThrow(CORRUPT)
    expect(() => decodeTable(concatBytes([rows.subarray(30), rows.subarray(0, 30)]), links)).toThrow(CORRUPT)
    const row = at % links.length
    for (const [offset, value] of [[0, 0xff], [2, 0x01]] as const) {
      const bad = rows.slice()
      bad[30 * row + offset] = value
      expect(() => decodeTable(bad, links)).toThrow(CORRUPT)
    }
  })
})

const chunkSet = fc.array(fc.oneof(fc.integer({ min: 1, max: 60 }), fc.integer({ min: 1, max: 1_700_000_000 })), { maxLength: 60 })

describe('the set of chunks', () => {
  test.prop([fc.array(fc.tuple(fc.boolean(), fc.integer({ min: 1, max: 30 })), { maxLength: 200 }), fc.nat({ max: 31 }), fc.nat({ max: 31 })])('is a set', (steps, first, end) => {
    const ours = new ChunkSet()
    const model = new Set<number>()
    for (const [adds, chunk] of steps) {
      if (adds) ours.add(chunk)
      else ours.delete(chunk)
      if (adds) model.add(chunk)
      else model.delete(chunk)
    }
    const sorted = [...model].sort((a, b) => a - b)
    expect([...ours]).toEqual(sorted)
    expect(ours.size).toBe(model.size)
    expect([...ours.between(first, end)]).toEqual(sorted.filter((chunk) => chunk >= first && chunk < end))
    for (let chunk = 1; chunk <= 31; chunk++) expect(ours.has(chunk)).toBe(model.has(chunk))
    const ranges = ours.ranges()
    ranges.forEach(([start, count], i) => { if (i > 0) expect(start).toBeGreaterThan((ranges[i - 1]?.[0] ?? 0) + (ranges[i - 1]?.[1] ?? 0)); expect(count).toBeGreaterThan(0) })
  })

  test.prop([key, table, chunkSet])('and all of a file\'s content comes back', (objectKey, made, numbers) => {
    const chunks = new ChunkSet()
    for (const number of numbers) chunks.add(number)
    const content = { key: objectKey, inline: null, table: made, chunks, ext: undefined }
    const again = decodeFileContent(encodeFileContent(content), linksOf(made))
    expect([again.key, again.inline, [...again.chunks]]).toEqual([objectKey, null, [...chunks]])
    expect(Object.entries(again.table)).toEqual(Object.entries(made))
  })

  test.each<[string, Value]>([
    ['out of order', [[5, 1], [1, 1]]],
    ['that overlap', [[1, 3], [3, 1]]],
    ['that touch: one range would do', [[1, 2], [3, 1]]],
    ['of nothing', [[1, 0]]],
    ['that hold chunk 0', [[0, 1]]],
    ['with a third number', [[1, 1, 1]]],
    ['of more chunks than a file has', [[1, MAX_CHUNKS + 1]]],
    ['past the last byte', [[2 ** 53 - 2, 5]]],
    ['that are no numbers', [['1', 1]]],
  ])('refuses ranges %s', (_title, ranges) => {
    const payload = encode([new Uint8Array(32), 18, null, new Uint8Array(0), ranges, new Map()])
    expect(() => decodeFileContent(payload, [])).toThrow(CORRUPT)
  })
})

const time = fc.record({ seconds: fc.maxSafeInteger(), nanoseconds: fc.nat({ max: 999_999_999 }) })
const u32 = fc.nat({ max: 0xffff_ffff })
const properties: fc.Arbitrary<Properties> = fc.record({
  type: fc.constantFrom(1, 2, 4, 6, 8, 12),
  mode: fc.nat({ max: 0o7777 }), uid: u32, gid: u32, size: fc.maxSafeNat(), allocated: fc.maxSafeNat(), nlink: u32, rdev: u32,
  atime: time, mtime: time, ctime: time, btime: time,
  target: fc.constant(null),
  xattrs: fc.option(fc.uniqueArray(fc.tuple(binary(1, 255).filter((text) => !text.includes('\0')), fc.uint8Array({ maxLength: 100 })), { minLength: 1, maxLength: 8, selector: ([first]) => first }).map((pairs) => new Map(pairs)), { nil: undefined }),
  parents: fc.array(fc.record({ directory: binary(32, 32), name }), { maxLength: 5 }),
  ext: fc.option(fc.dictionary(fc.string({ minLength: 1 }), fc.oneof(fc.integer(), fc.uint8Array())).filter((fields) => Object.keys(fields).length > 0).map((fields) => new Map<string, Value>(Object.entries(fields))), { nil: undefined }),
})

describe('properties', () => {
  test.prop([properties], { numRuns: 300 })('come back, with fields of later versions', (made) => {
    expect(decodeProperties(encodeProperties(made))).toEqual(made)
  })

  test.prop([properties, binary(1, 4095).filter((text) => !text.includes('\0'))])('of a symlink have its target', (made, target) => {
    const bytes = Uint8Array.from(target, (character) => character.charCodeAt(0))
    expect(decodeProperties(encodeProperties({ ...made, type: 10, target: bytes })).target).toEqual(bytes)
    expect(() => decodeProperties(encodeProperties({ ...made, type: 10, target: null }))).toThrow(CORRUPT)
    expect(() => decodeProperties(encodeProperties({ ...made, target: bytes }))).toThrow(CORRUPT)
  })

  test.prop([properties, fc.nat({ max: 15 }), fc.constantFrom<Value>(null, -1, 'text', [], [1], [1, 1_000_000_000], new Map([['a', 1]]), true, [[new Uint8Array(1)]])], { numRuns: 500 })('with anything odd in a field are refused, or mean what they say', (made, field, odd) => {
    const list = [...(decode(encodeProperties(made)) as readonly Value[])]
    list[field] = odd
    const payload = encode(list)
    try {
      expect(encodeProperties(decodeProperties(payload))).toEqual(payload)
    } catch (error) {
      expect(error).toMatchObject({ code: 'CORRUPT' })
    }
  })
})

const HASHES = 2 ** 48
const entry: fc.Arbitrary<DirectoryEntry> = fc.record({ name, hash: fc.oneof(fc.nat({ max: 3 }), fc.maxSafeNat().map((n) => n % HASHES)), type: fc.constantFrom(1, 2, 4, 6, 8, 10, 12), label: binary(32, 32), key: binary(32, 32) })
const bucket = fc.uniqueArray(entry, { selector: ({ name: text }) => text, maxLength: 20 }).map((entries) => entries.sort(compareEntries))

describe('a bucket of a directory', () => {
  test.prop([bucket])('comes back', (entries) => {
    expect(decodeBucket(encodeBucket(entries))).toEqual(entries)
  })

  test.prop([bucket.filter((entries) => entries.length > 1), fc.nat()])('out of order, with a name twice, cut, or with a flag set is refused', (entries, at) => {
    expect(() => decodeBucket(encodeBucket([...entries].reverse()))).toThrow(CORRUPT)
    const [first] = entries as [DirectoryEntry]
    const twin = { ...first, hash: HASHES - 1 }
    expect(() => decodeBucket(encodeBucket([...entries, twin]))).toThrow(CORRUPT)
    const bytes = encodeBucket(entries)
    const cut = at % bytes.length
    const ends = new Set<number>([0])
    entries.reduce((sum, { name: text }) => { ends.add(sum + 73 + text.length); return sum + 73 + text.length }, 0)
    if (!ends.has(cut)) expect(() => decodeBucket(bytes.subarray(0, cut))).toThrow(CORRUPT)
    bytes[7] = 1
    expect(() => decodeBucket(bytes)).toThrow(CORRUPT)
  })

  test.each(['', '.', '..', 'a/b', 'a\0', '/', 'x'.repeat(256)])('with the name %j is refused', (bad) => {
    const one = { name: bad, hash: 1, type: 8, label: 'l'.repeat(32), key: 'k'.repeat(32) }
    expect(() => decodeBucket(encodeBucket([one]))).toThrow(CORRUPT)
  })

  test.each<[string, number, number, boolean]>([['no bucket', 0, 0, true], ['more buckets than it has entries for', 2 ** 40, 100, true], ['more entries than its buckets hold', 2, 129, true], ['one bucket that is not inline', 1, 0, true], ['buckets inline and apart', 2, 100, false]])('a directory of %s is refused', (_title, buckets, entries, apart) => {
    const payload = encode([new Uint8Array(32), buckets, entries, apart ? null : new Uint8Array(0), new Map()])
    expect(() => decodeDirectoryContent(payload)).toThrow(CORRUPT)
  })

  test.prop([key, bucket, fc.integer({ min: 2, max: 1000 })])('inline or apart, comes back with the directory', (objectKey, entries, buckets) => {
    const inline = { key: objectKey, buckets: 1, entries: entries.length, inline: entries, ext: undefined }
    expect(decodeDirectoryContent(encodeDirectoryContent(inline))).toEqual(inline)
    for (const each of [LEAST_PER_BUCKET, MOST_PER_BUCKET]) {
      const apart = { key: objectKey, buckets, entries: buckets * each, inline: null, ext: undefined }
      expect(decodeDirectoryContent(encodeDirectoryContent(apart))).toEqual(apart)
    }
  })
})

describe('linear hashing', () => {
  const count = fc.integer({ min: 1, max: 5000 })
  const hash = fc.oneof(fc.bigInt({ min: 0n, max: 2n ** 48n - 1n }).map(Number), fc.tuple(fc.nat({ max: 2 ** 13 }), fc.integer({ min: -1, max: 1 })).map(([top, off]) => Math.min(HASHES - 1, Math.max(0, top * 2 ** 35 + off))))

  test.prop([count])('has every bucket once, in order of hashes', (buckets) => {
    const all = [...bucketsFrom(0, buckets)]
    expect(all).toHaveLength(buckets)
    expect(new Set(all).size).toBe(buckets)
  })

  test.prop([count, hash, hash], { numRuns: 1000 })('lists on from the bucket of a hash, and greater hashes lie no earlier', (buckets, a, b) => {
    const all = [...bucketsFrom(0, buckets)]
    const at = all.indexOf(bucketOf(a, buckets))
    expect(at).toBeGreaterThanOrEqual(0)
    expect([...bucketsFrom(a, buckets)]).toEqual(all.slice(at))
    const other = all.indexOf(bucketOf(b, buckets))
    if (a <= b) expect(at).toBeLessThanOrEqual(other)
    else expect(at).toBeGreaterThanOrEqual(other)
  })

  test.prop([count, hash], { numRuns: 1000 })('a split moves the entries of one bucket into two, at the hash it says', (buckets, a) => {
    const { from, left, right } = splitStep(buckets)
    const [old, grown] = [bucketOf(a, buckets), bucketOf(a, buckets + 1)]
    if (old !== from) expect(grown).toBe(old)
    else expect(grown).toBe(a < splitHash(buckets) ? left : right)
    expect([...bucketsFrom(0, buckets + 1)].sort((x, y) => x - y)).toEqual([...bucketsFrom(0, buckets)].filter((number) => number !== from).concat(left, right).sort((x, y) => x - y))
  })

  test('takes the first 48 bits of the keyed hash of the name', () => {
    const nameKey = new Uint8Array(32).fill(1) as SymmetricKey
    const digest = crypto.auth(utf8('name'), nameKey)
    expect(hashName(crypto, nameKey, 'name')).toBe(Number.parseInt(Buffer.from(digest.subarray(0, 6)).toString('hex'), 16))
  })
})
