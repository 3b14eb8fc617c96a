/**
 * An object's properties: its inode, as sealed in the props part. docs/format.md §7.3
 * @packageDocumentation
 */
import { decode, encode } from '../lib/dag-cbor.js'
import type { Value } from '../lib/dag-cbor-value.js'
import { fromBinaryString, toBinaryString } from '../lib/bytes.js'
import { BrochError } from '../lib/error.js'

/** Seconds (signed) and nanoseconds. */
export interface TimeStamp {
  readonly seconds: number
  readonly nanoseconds: number
}

/** One link to an object: in which directory, under which name. Both are binary strings (one code unit a byte). */
export interface ParentLink {
  readonly directory: string
  readonly name: string
}

export interface Properties {
  /** `S_IFMT` digit: 1 fifo, 2 character device, 4 directory, 6 block device, 8 file, 10 symlink, 12 socket. */
  readonly type: number
  /** permission bits, setuid, setgid and sticky */
  readonly mode: number
  readonly uid: number
  readonly gid: number
  readonly size: number
  /** bytes that fragments or inline data take, before padding */
  readonly allocated: number
  readonly nlink: number
  readonly rdev: number
  readonly atime: TimeStamp
  readonly mtime: TimeStamp
  readonly ctime: TimeStamp
  readonly btime: TimeStamp
  readonly target: Uint8Array | null
  /** by name, a binary string */
  readonly xattrs: ReadonlyMap<string, Uint8Array> | undefined
  readonly parents: readonly ParentLink[]
  /** fields of later versions, kept as they came */
  readonly ext: ReadonlyMap<string, Value> | undefined
}

const FIELDS = 16
const EMPTY: ReadonlyMap<string, Value> = new Map()

export function encodeProperties(p: Properties): Uint8Array {
  const xattrs = p.xattrs === undefined ? [] : [...p.xattrs].sort(byName).map(([name, value]) => [fromBinaryString(name), value])
  return encode([
    p.type, p.mode, p.uid, p.gid, p.size, p.allocated, p.nlink, p.rdev,
    pair(p.atime), pair(p.mtime), pair(p.ctime), pair(p.btime),
    p.target, xattrs,
    p.parents.map((link) => [fromBinaryString(link.directory), fromBinaryString(link.name)]),
    p.ext ?? EMPTY,
  ])
}

/** @throws BrochError CORRUPT when the payload has another shape. */
export function decodeProperties(payload: Uint8Array): Properties {
  const f = asList(decode(payload))
  if (f.length !== FIELDS) throw malformed()
  const xattrs = asList(f[13]).map(asPair)
  const ext = f[15]
  if (!(ext instanceof Map)) throw malformed()
  return {
    type: asCount(f[0]), mode: asCount(f[1]), uid: asCount(f[2]), gid: asCount(f[3]),
    size: asCount(f[4]), allocated: asCount(f[5]), nlink: asCount(f[6]), rdev: asCount(f[7]),
    atime: asTime(f[8]), mtime: asTime(f[9]), ctime: asTime(f[10]), btime: asTime(f[11]),
    target: f[12] === null ? null : asBytes(f[12]).slice(),
    xattrs: xattrs.length === 0 ? undefined : new Map(xattrs.map(([name, value]) => [toBinaryString(name), value.slice()])),
    parents: asList(f[14]).map(asPair).map(([directory, name]) => ({ directory: toBinaryString(directory), name: toBinaryString(name) })),
    ext: ext.size === 0 ? undefined : (ext as ReadonlyMap<string, Value>),
  }
}

/** True when a later version wrote something that this one must not write over. */
export function hasCriticalField(ext: ReadonlyMap<string, Value> | undefined): boolean {
  if (ext === undefined) return false
  for (const name of ext.keys()) if (name.startsWith('!')) return true
  return false
}

function byName(a: readonly [string, Uint8Array], b: readonly [string, Uint8Array]): number {
  return a[0] < b[0] ? -1 : 1
}

function pair(time: TimeStamp): [number, number] {
  return [time.seconds, time.nanoseconds]
}

function asTime(value: Value | undefined): TimeStamp {
  const [seconds, nanoseconds] = asList(value)
  if (typeof seconds !== 'number' || typeof nanoseconds !== 'number') throw malformed()
  if (nanoseconds < 0 || nanoseconds > 999_999_999) throw malformed()
  return { seconds, nanoseconds }
}

function asPair(value: Value | undefined): [Uint8Array, Uint8Array] {
  const [first, second, ...rest] = asList(value)
  if (rest.length > 0) throw malformed()
  return [asBytes(first), asBytes(second)]
}

/** @internal shared with the content decoders */
export function asList(value: Value | undefined): readonly Value[] {
  if (!Array.isArray(value)) throw malformed()
  return value as readonly Value[]
}

/** @internal */
export function asBytes(value: Value | undefined): Uint8Array {
  if (!(value instanceof Uint8Array)) throw malformed()
  return value
}

/** @internal */
export function asCount(value: Value | undefined): number {
  if (typeof value !== 'number' || value < 0) throw malformed()
  return value
}

/** @internal */
export function malformed(): BrochError {
  return new BrochError('CORRUPT', 'a sealed part holds something that is not of the format')
}
