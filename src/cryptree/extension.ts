/**
 * Fields of later versions: carried along as they came. docs/format.md §7.3
 * @packageDocumentation
 */
import { Link, type Value } from '../lib/dag-cbor-value.js'
import { malformed } from './shape.js'

/** By name; undefined when there are none, as in nearly all objects. */
export type Extension = ReadonlyMap<string, Value> | undefined

const EMPTY: ReadonlyMap<string, Value> = new Map()

export function encodeExtension(ext: Extension): ReadonlyMap<string, Value> {
  return ext ?? EMPTY
}

/** @throws BrochError CORRUPT */
export function decodeExtension(value: Value | undefined): Extension {
  if (!(value instanceof Map)) throw malformed()
  return value.size === 0 ? undefined : (detached(value as ReadonlyMap<string, Value>) as Extension)
}

/** A copy that holds no views: an extension lives longer than the block it came in. */
function detached(value: Value): Value {
  if (value instanceof Uint8Array) return value.slice()
  if (value instanceof Link) return new Link(value.cid.slice())
  if (Array.isArray(value)) return value.map((item) => detached(item as Value))
  if (value instanceof Map) return new Map(Array.from(value as ReadonlyMap<string, Value>, ([name, item]) => [name, detached(item)]))
  return value
}

/** True when a later version wrote something that this one must not write over. */
export function hasCriticalField(ext: Extension): boolean {
  if (ext === undefined) return false
  for (const name of ext.keys()) if (name.startsWith('!')) return true
  return false
}
