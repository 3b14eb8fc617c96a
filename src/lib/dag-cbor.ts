/**
 * dag-cbor, canonical both ways. docs/format.md §3.2
 *
 * A part of the dag-cbor of https://ipld.io/specs/codecs/dag-cbor/spec/: no floating point, and links only to
 * CIDv1 of sha2-256 with codec raw or dag-cbor. Every document has one form; the decoder refuses all others.
 * @packageDocumentation
 */
import { compareBytes, utf8 } from './bytes.js'
import { CborReader, MAJOR } from './dag-cbor-reader.js'
import { Link, MAX_DEPTH, MAX_ITEMS, type Value } from './dag-cbor-value.js'
import { CborWriter } from './dag-cbor-writer.js'
import { BrochError } from './error.js'

/** @throws BrochError INVALID for what has no canonical form: fractions, lone surrogates, depth past 32, too many items. */
export function encode(value: Value): Uint8Array {
  writeValue(writer.restart(), value, 0, { items: MAX_ITEMS })
  return writer.finish()
}

const writer = new CborWriter(65_536)

/** Byte strings and links in the result are views into `bytes`. @throws BrochError CORRUPT unless canonical and whole. */
export function decode(bytes: Uint8Array): Value {
  const reader = new CborReader(bytes)
  const value = readValue(reader, 0)
  reader.end()
  return value
}

function writeValue(writer: CborWriter, value: Value, depth: number, left: { items: number }): void {
  left.items -= 1
  if (left.items < 0) throw new BrochError('INVALID', 'dag-cbor: too many items')
  if (typeof value === 'number') writer.int(value)
  else if (typeof value === 'string') writer.text(value)
  else if (value instanceof Uint8Array) writer.bytes(value)
  else if (value instanceof Link) writer.link(value.cid)
  else if (value === null) writer.null()
  else if (typeof value === 'boolean') writer.boolean(value)
  else writeContainer(writer, value, depth + 1, left)
}

function writeContainer(
  writer: CborWriter,
  value: readonly Value[] | ReadonlyMap<string, Value>,
  depth: number,
  left: { items: number },
): void {
  if (depth > MAX_DEPTH) throw new BrochError('INVALID', 'dag-cbor: too deep')
  if (Array.isArray(value)) {
    writer.arrayHead(value.length)
    for (const item of value) writeValue(writer, item as Value, depth, left)
  } else if (value instanceof Map) {
    writeMap(writer, value as ReadonlyMap<string, Value>, depth, left)
  } else {
    throw new BrochError('INVALID', 'dag-cbor: no such type')
  }
}

function writeMap(writer: CborWriter, map: ReadonlyMap<string, Value>, depth: number, left: { items: number }): void {
  const sorted = [...map].map(([key, item]) => ({ text: key, key: utf8(key), item }))
  if (sorted.length > 1) sorted.sort((a, b) => compareKeys(a.key, b.key))
  writer.mapHead(sorted.length)
  left.items -= sorted.length
  for (const { text, item } of sorted) {
    writer.text(text)
    writeValue(writer, item, depth, left)
  }
}

/** Shorter keys first, then by bytes: the order dag-cbor demands. */
function compareKeys(a: Uint8Array, b: Uint8Array): number {
  return a.length - b.length || compareBytes(a, b)
}

function readValue(reader: CborReader, depth: number): Value {
  switch (reader.peekMajor()) {
    case MAJOR.uint:
      return reader.uint()
    case MAJOR.negative:
      return reader.int()
    case MAJOR.bytes:
      return reader.bytes()
    case MAJOR.text:
      return reader.text()
    case MAJOR.array:
      return readArray(reader, depth + 1)
    case MAJOR.map:
      return readMap(reader, depth + 1)
    case MAJOR.tag:
      return reader.link()
    default:
      return reader.simple()
  }
}

function readArray(reader: CborReader, depth: number): Value[] {
  checkDepth(depth)
  const length = reader.arrayHead()
  const items: Value[] = []
  for (let i = 0; i < length; i++) items.push(readValue(reader, depth))
  return items
}

function readMap(reader: CborReader, depth: number): Map<string, Value> {
  checkDepth(depth)
  const size = reader.mapHead()
  const map = new Map<string, Value>()
  let last: Uint8Array | undefined
  for (let i = 0; i < size; i++) {
    const start = reader.position
    const key = reader.text()
    const raw = reader.since(start)
    if (last !== undefined && compareKeys(last, raw) >= 0) throw new BrochError('CORRUPT', 'dag-cbor: keys out of order')
    last = raw
    map.set(key, readValue(reader, depth))
  }
  return map
}

function checkDepth(depth: number): void {
  if (depth > MAX_DEPTH) throw new BrochError('CORRUPT', 'dag-cbor: too deep')
}
