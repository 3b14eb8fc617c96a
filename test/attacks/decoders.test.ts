import { fc, test } from '@fast-check/vitest'
import { describe, expect } from 'vitest'
import { createAccount, openAccount } from '../../src/account/account.js'
import { ChunkSet } from '../../src/cryptree/chunk-set.js'
import { bucketOf, compareEntries, decodeBucket, decodeDirectoryContent, encodeBucket, encodeDirectoryContent } from '../../src/cryptree/directory-content.js'
import { decodeFileContent, decodeTable, encodeFileContent, encodeTable, linksOf } from '../../src/cryptree/file-content.js'
import { randomBaseKey, randomLabel, randomObjectKey } from '../../src/cryptree/keys.js'
import { decodeProperties, encodeProperties } from '../../src/cryptree/properties.js'
import { openPart, sealPart } from '../../src/cryptree/sealed-part.js'
import type { Nonce } from '../../src/crypto/crypto.js'
import { sodiumCrypto as crypto } from '../../src/crypto/sodium.node.js'
import { concatBytes, equalBytes, toBinaryString, utf8 } from '../../src/lib/bytes.js'
import { decode, encode } from '../../src/lib/dag-cbor.js'
import type { Value } from '../../src/lib/dag-cbor-value.js'
import { BrochError } from '../../src/lib/error.js'
import { ChampNode, encodeChampNode, LABEL_ZERO, slotOf } from '../../src/store/champ-node.js'
import type { Cid } from '../../src/store/block.js'
import { makeCid } from '../../src/store/cid.js'
import { encodeHeader, HEADER_BYTES, headerCid, isHeader, joinPointers, payloadLength, RECORD_KIND, type RecordKind, splitPointers } from '../../src/store/embedded/record.js'
import { decodeNodeBlock, encodeNodeBlock } from '../../src/store/node-block.js'
import type { Sequence } from '../../src/store/pointer.js'
import { decodePointer, decodeRoot, encodePointer, encodeRoot, signPointer } from '../../src/store/root.js'

const RUNS = Number(process.env['BROCH_RUNS'] ?? 3000)
const { sha256 } = crypto
const raw = (n: number) => makeCid(sha256, 'raw', Uint8Array.of(n))
const cbor = (n: number) => makeCid(sha256, 'dag-cbor', Uint8Array.of(n))
const pair = crypto.signKeyPair(new Uint8Array(32).fill(1))
const pointer = signPointer(crypto, { writer: pair.publicKey, sequence: 1 as Sequence, root: cbor(1) }, pair.secretKey)

function headerOf(kind: RecordKind, length: number, cid: Cid): Uint8Array {
  const header = new Uint8Array(HEADER_BYTES)
  encodeHeader(kind, length, cid, header)
  return header
}

const time = { seconds: -5, nanoseconds: 999_999_999 }

const table = [{ cid: raw(1), nonce: new Uint8Array(24) as Nonce, length: 262_144 }, undefined, { cid: raw(2), nonce: new Uint8Array(24).fill(2) as Nonce, length: 77 }]
const chunks = new ChunkSet()
for (const chunk of [1, 2, 3, 70_000]) chunks.add(chunk)
const ext = new Map<string, Value>([['later', [1, 'x', Uint8Array.of(1)]]])
const entries = ['a', 'constructor', '__proto__', 'ä', 'x'.repeat(255)].map((name, i) => ({ name: toBinaryString(utf8(name)), hash: 2 ** 47 + i, type: 8, label: 'l'.repeat(32), key: 'k'.repeat(32) })).sort(compareEntries)
const labels = Array.from({ length: 12 }, (_, i) => sha256(Uint8Array.of(i)) as ReturnType<typeof randomLabel>)
const slots = Array.from({ length: 32 }, (_, slot) => {
  const bucket = labels.filter((label) => slotOf(label, 0) === slot).map((label) => ({ label, value: cbor(1) }))
  return slot === 31 ? { cid: cbor(2) } : bucket.length > 0 && bucket.length < 5 ? bucket.sort((a, b) => Buffer.compare(a.label, b.label)) : undefined
})

/** Each with valid bytes, and what encodes again what it gave: then no bytes but the one form are taken. */
const DECODERS: Record<string, { valid: Uint8Array; again: (bytes: Uint8Array) => Uint8Array | undefined }> = {
  'dag-cbor': { valid: encode([1, -7, 'text', Uint8Array.of(1, 2), null, true, new Map<string, Value>([['a', [[]]], ['bb', 2 ** 40]])]), again: (bytes) => encode(decode(bytes)) },
  'node block': {
    valid: encodeNodeBlock(sha256, { links: [raw(1), raw(2)], props: new Uint8Array(300), content: new Uint8Array(280) }).bytes,
    again: (bytes) => encodeNodeBlock(sha256, decodeNodeBlock(bytes)).bytes,
  },
  'CHAMP node': { valid: encodeChampNode(slots).slice(), again: (bytes) => encodeChampNode(ChampNode.decode(bytes, 0, LABEL_ZERO).slots()) },
  root: { valid: encodeRoot(sha256, { champ: cbor(1), writers: [pair.publicKey] }).bytes, again: (bytes) => encodeRoot(sha256, decodeRoot(bytes)).bytes },
  pointer: {
    valid: encodePointer(signPointer(crypto, { writer: pair.publicKey, sequence: 300 as Sequence, root: cbor(3) }, pair.secretKey)),
    again: (bytes) => encodePointer(decodePointer(bytes)),
  },
  properties: {
    valid: encodeProperties({
      type: 10, mode: 0o7777, uid: 1, gid: 2, size: 6, allocated: 0, nlink: 2, rdev: 0, atime: time, mtime: time, ctime: time, btime: time,
      target: utf8('target'), xattrs: new Map([['user.a', utf8('1')], ['user.b', utf8('2')]]),
      parents: [{ directory: 'd'.repeat(32), name: 'n' }], ext,
    }),
    again: (bytes) => encodeProperties(decodeProperties(bytes)),
  },
  'file content': {
    valid: encodeFileContent({ key: randomObjectKey(crypto), inline: null, table, chunks, ext }),
    again: (bytes) => encodeFileContent(decodeFileContent(bytes, linksOf(table))),
  },
  'inline file content': {
    valid: encodeFileContent({ key: randomObjectKey(crypto), inline: utf8('hello'), table: [], chunks: new ChunkSet(), ext: undefined }),
    again: (bytes) => encodeFileContent(decodeFileContent(bytes, [])),
  },
  'fragment table': { valid: encodeTable(table), again: (bytes) => encodeTable(decodeTable(bytes, linksOf(table))) },
  'directory content': {
    valid: encodeDirectoryContent({ key: randomObjectKey(crypto), buckets: 3, entries: 100, inline: null, ext }),
    again: (bytes) => encodeDirectoryContent(decodeDirectoryContent(bytes)),
  },
  'inline directory content': {
    valid: encodeDirectoryContent({ key: randomObjectKey(crypto), buckets: 1, entries: entries.length, inline: entries, ext: undefined }),
    again: (bytes) => encodeDirectoryContent(decodeDirectoryContent(bytes)),
  },
  bucket: { valid: encodeBucket(entries), again: (bytes) => encodeBucket(decodeBucket(bytes)) },
  'record header': {
    valid: headerOf(RECORD_KIND.block, 1000, raw(1)),
    again: (bytes) => (isHeader(bytes, 0) ? headerOf(bytes[0] as RecordKind, payloadLength(bytes, 0), headerCid(bytes, 0)) : undefined),
  },
  'pointers of the log': { valid: joinPointers([pointer, pointer]), again: (bytes) => joinPointers(splitPointers(bytes)) },
}

/** Heads that lie: huge lengths, indefinite ones, floats, deep nesting, tags, long forms of short numbers. */
const HEADS = ['9bffffffffffffffff', '9b001fffffffffffff', '9a7fffffff', 'bb001fffffffffffff', '5b00000001ffffffff', '7bffffffffffffffff', '9f', 'bf', '5f', 'ff', 'f97e00', 'fb7ff8000000000000', '81'.repeat(40), 'd82a', 'd82a5825', 'c1', '1817', '190001', 'f7', 'f818', '1bffffffffffffffff', '3b001fffffffffffff', 'a1', '61ff'].map((hex) => Buffer.from(hex, 'hex'))
const change = fc.record({ kind: fc.constantFrom('flip', 'set', 'insert', 'remove', 'cut', 'head', 'repeat'), at: fc.nat(1000), to: fc.nat(255), length: fc.integer({ min: 1, max: 40 }) })

function mutated(valid: Uint8Array, changes: readonly { kind: string; at: number; to: number; length: number }[]): Uint8Array {
  let bytes = [...valid]
  for (const { kind, at, to, length } of changes) {
    const place = bytes.length === 0 ? 0 : at % bytes.length
    if (kind === 'flip') bytes[place] = (bytes[place] ?? 0) ^ (1 << to % 8)
    else if (kind === 'set') bytes[place] = to
    else if (kind === 'insert') bytes.splice(place, 0, ...new Array<number>(length).fill(to))
    else if (kind === 'remove') bytes.splice(place, length)
    else if (kind === 'cut') bytes = bytes.slice(0, place)
    else if (kind === 'head') bytes.splice(place, to % 2, ...(HEADS[to % HEADS.length] as Buffer))
    else bytes.splice(place, 0, ...bytes.slice(place, place + length))
  }
  return Uint8Array.from(bytes)
}

describe.each(Object.entries(DECODERS))('the decoder of %s', (_name, { valid, again }) => {
  test('takes what was encoded', () => {
    expect(again(valid)).toEqual(valid)
  })

  test.prop([fc.array(change, { minLength: 1, maxLength: 4 })], { numRuns: RUNS })('takes nothing but the one form of something, and fails as told', (changes) => {
    const bytes = mutated(valid, changes)
    let encoded: Uint8Array | undefined
    try {
      encoded = again(bytes)
    } catch (error) {
      if (!(error instanceof BrochError) || (error.code !== 'CORRUPT' && error.code !== 'NEWER_FORMAT')) throw error
      return
    }
    if (encoded !== undefined) expect(equalBytes(encoded, bytes.subarray(0, encoded.length))).toBe(true)
  })

  test.prop([fc.uint8Array({ maxLength: 200 })], { numRuns: RUNS / 3 })('fails as told on any bytes', (bytes) => {
    try {
      again(bytes)
    } catch (error) {
      if (!(error instanceof BrochError) || (error.code !== 'CORRUPT' && error.code !== 'NEWER_FORMAT')) throw error
    }
  })
})

describe('hostile documents', () => {
  test('ask for no memory that their bytes do not have', () => {
    const before = process.memoryUsage().heapUsed
    for (const head of HEADS) {
      for (const length of [0, 1000, 1_100_000]) expect(() => decode(concatBytes([head, new Uint8Array(length)]))).toThrow(BrochError)
    }
    const many = concatBytes([Uint8Array.of(0x9a, 0, 0x10, 0, 0), new Uint8Array(0x100000)])
    expect(() => decode(many)).toThrow('too many items')
    expect(process.memoryUsage().heapUsed - before).toBeLessThan(200_000_000)
  })

  test.each([[[[1, 2 ** 53 - 2]]], [[[1, 2 ** 21 + 1]]], [[[1, 1], [2, 1]]], [[[5, 1], [1, 1]]], [[[0, 1]]], [[[1, 0]]], [[[1]]], [[[1, 1, 1]]], [[[2 ** 53 - 1, 1]]]])('a list of chunks %j is refused', (ranges) => {
    const payload = encode([randomObjectKey(crypto), 18, null, new Uint8Array(0), ranges, new Map()])
    expect(() => decodeFileContent(payload, [])).toThrow(BrochError)
  })

  test('a list of chunks that stands for two million costs next to nothing', () => {
    const payload = encode([randomObjectKey(crypto), 18, null, new Uint8Array(0), [[7, 2 ** 21]], new Map()])
    expect(decodeFileContent(payload, []).chunks.size).toBe(2 ** 21)
  })

  test.each(['', '/', 'a/b', 'a\0', '.', '..', 'x'.repeat(256)])('a bucket with the name %j is refused', (name) => {
    const bytes = encodeBucket([{ name, hash: 1, type: 8, label: 'l'.repeat(32), key: 'k'.repeat(32) }])
    expect(() => decodeBucket(bytes)).toThrow(BrochError)
  })

  test('a bucket with one name twice, or with a type that is none, is refused', () => {
    const entry = { name: 'same', hash: 1, type: 8, label: 'l'.repeat(32), key: 'k'.repeat(32) }
    expect(() => decodeBucket(encodeBucket([entry, { ...entry, hash: 2 }]))).toThrow(BrochError)
    expect(() => decodeBucket(encodeBucket([entry, entry]))).toThrow(BrochError)
    for (const type of [0, 3, 5, 15, 255]) expect(() => decodeBucket(encodeBucket([{ ...entry, type }]))).toThrow(BrochError)
  })

  test.each([[1, 65, true], [2, 47, false], [2, 129, false], [2 ** 40, 2 ** 45, false], [0, 0, true]])('a directory of %d buckets and %d entries is refused', (buckets, count, inline) => {
    const bucket = Array.from({ length: inline ? count : 0 }, (_, i) => ({ name: `n${i}`, hash: i, type: 8, label: 'l'.repeat(32), key: 'k'.repeat(32) }))
    const payload = encode([randomObjectKey(crypto), buckets, count, inline ? encodeBucket(bucket) : null, new Map()])
    expect(() => decodeDirectoryContent(payload)).toThrow(BrochError)
    if (buckets > 1) expect(bucketOf(0, 2)).toBe(2)
  })

  test.prop([fc.nat(11), fc.constantFrom<Value>(-1, 2 ** 53 - 1, 'x', null, [], Uint8Array.of(1), new Map())], { numRuns: 200 })('properties with a field of another kind are refused', (field, value) => {
    const parts = [...(decode((DECODERS['properties'] as { valid: Uint8Array }).valid) as readonly Value[])]
    parts[field] = value
    const large = [4, 5].includes(field) && value === 2 ** 53 - 1
    if (!large) expect(() => decodeProperties(encode(parts))).toThrow(BrochError)
  })
})

describe('a sealed part', () => {
  const label = randomLabel(crypto)
  const key = randomBaseKey(crypto)

  test.prop([fc.uint8Array({ maxLength: 700 }), fc.nat(2000), fc.integer({ min: 1, max: 255 })], { numRuns: RUNS / 3 })('with any bit changed does not open', (payload, at, mask) => {
    const part = sealPart(crypto, 'content', label, key, payload).slice()
    expect(openPart(crypto, 'content', label, key, part)).toEqual(payload)
    part[at % part.length] = (part[at % part.length] as number) ^ mask
    expect(() => openPart(crypto, 'content', label, key, part)).toThrow(BrochError)
  })

  test('opens as nothing else: not another kind, not under another label, not cut or longer', () => {
    const part = sealPart(crypto, 'content', label, key, utf8('x'))
    for (const kind of ['props', 'chunk', 'bucket'] as const) expect(() => openPart(crypto, kind, label, key, part)).toThrow(BrochError)
    expect(() => openPart(crypto, 'content', randomLabel(crypto), key, part)).toThrow(BrochError)
    expect(() => openPart(crypto, 'content', label, randomBaseKey(crypto), part)).toThrow(BrochError)
    for (let length = 0; length < part.length; length += 7) expect(() => openPart(crypto, 'content', label, key, part.subarray(0, length))).toThrow(BrochError)
    expect(() => openPart(crypto, 'content', label, key, Uint8Array.from([...part, 0]))).toThrow(BrochError)
  })
})

describe('an account record', () => {
  test.prop([fc.array(change, { minLength: 1, maxLength: 3 })], { numRuns: 60 })('that was changed opens as what it was, or says the one thing', async (changes) => {
    const login = { name: 'local', passphrase: utf8('pass phrase') }
    const { record, identity } = await createAccount(crypto, login, 4)
    try {
      const opened = await openAccount(crypto, mutated(record, changes), login, 4)
      expect(opened.secret).toEqual(identity.secret)
    } catch (error) {
      if (!(error instanceof BrochError)) throw error
      expect(error.code).toBe('WRONG_PASSPHRASE')
    }
  })
})
