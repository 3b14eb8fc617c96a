/**
 * An object's properties: its inode, as sealed in the props part. docs/format.md §7.3
 * @packageDocumentation
 */
import { decode, encode } from '../lib/dag-cbor.js'
import type { Value } from '../lib/dag-cbor-value.js'
import { fromBinaryString, toBinaryString } from '../lib/bytes.js'
import { LABEL_BYTES } from '../store/label.js'
import { isEntryName, NAME_MAX } from './entry-name.js'
import { decodeExtension, encodeExtension, type Extension } from './extension.js'
import { asBytes, asCount, asList, isObjectType, malformed } from './shape.js'

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
  readonly ext: Extension
}

const FIELDS = 16
const SYMLINK = 10
const MAX_32 = 0xffff_ffff
export const TARGET_MAX = 4095
export const ATTRIBUTE_MAX = 65_536

export function encodeProperties(p: Properties): Uint8Array {
  const xattrs = p.xattrs === undefined ? [] : [...p.xattrs].sort(byName).map(([name, value]) => [fromBinaryString(name), value])
  return encode([
    p.type, p.mode, p.uid, p.gid, p.size, p.allocated, p.nlink, p.rdev,
    pair(p.atime), pair(p.mtime), pair(p.ctime), pair(p.btime),
    p.target, xattrs,
    p.parents.map((link) => [fromBinaryString(link.directory), fromBinaryString(link.name)]),
    encodeExtension(p.ext),
  ])
}

/** @throws BrochError CORRUPT when the payload has another shape, or holds what no object can have. */
export function decodeProperties(payload: Uint8Array): Properties {
  const f = asList(decode(payload))
  if (f.length !== FIELDS || !isObjectType(f[0])) throw malformed()
  return {
    type: f[0], mode: asCount(f[1], 0o7777), uid: asCount(f[2], MAX_32), gid: asCount(f[3], MAX_32),
    size: asCount(f[4]), allocated: asCount(f[5]), nlink: asCount(f[6], MAX_32), rdev: asCount(f[7], MAX_32),
    ...timesOf(f),
    target: asTarget(f[0], f[12]),
    xattrs: asAttributes(f[13]),
    parents: asList(f[14]).map(asParent),
    ext: decodeExtension(f[15]),
  }
}

function asTarget(type: number, value: Value | undefined): Uint8Array | null {
  if (type !== SYMLINK) return value === null ? null : refuse()
  const target = asBytes(value)
  if (target.length < 1 || target.length > TARGET_MAX || target.includes(0)) throw malformed()
  return target.slice()
}

function asAttributes(value: Value | undefined): Map<string, Uint8Array> | undefined {
  const list = asList(value)
  if (list.length === 0) return undefined
  const attributes = new Map<string, Uint8Array>()
  let last = ''
  for (const item of list) {
    const [bytes, content] = asPair(item)
    const name = toBinaryString(bytes)
    if (name <= last || name.length > NAME_MAX || name.includes('\0') || content.length > ATTRIBUTE_MAX) throw malformed()
    attributes.set(name, content.slice())
    last = name
  }
  return attributes
}

function asParent(value: Value): ParentLink {
  const [directory, bytes] = asPair(value)
  const name = toBinaryString(bytes)
  if (directory.length !== LABEL_BYTES || !isEntryName(name)) throw malformed()
  return { directory: toBinaryString(directory), name }
}

function byName(a: readonly [string, Uint8Array], b: readonly [string, Uint8Array]): number {
  return a[0] < b[0] ? -1 : 1
}

function pair(time: TimeStamp): [number, number] {
  return [time.seconds, time.nanoseconds]
}

/** The four are often the same, and then one object: inodes are held by the hundred thousand. */
function timesOf(f: readonly Value[]): Pick<Properties, 'atime' | 'mtime' | 'ctime' | 'btime'> {
  const mtime = asTime(f[9])
  const shared = (value: Value | undefined): TimeStamp => {
    const time = asTime(value)
    return time.seconds === mtime.seconds && time.nanoseconds === mtime.nanoseconds ? mtime : time
  }
  return { atime: shared(f[8]), mtime, ctime: shared(f[10]), btime: shared(f[11]) }
}

function asTime(value: Value | undefined): TimeStamp {
  const [seconds, nanoseconds, ...rest] = asList(value)
  if (typeof seconds !== 'number' || rest.length > 0) throw malformed()
  return { seconds, nanoseconds: asCount(nanoseconds, 999_999_999) }
}

function asPair(value: Value | undefined): [Uint8Array, Uint8Array] {
  const [first, second, ...rest] = asList(value)
  return rest.length > 0 ? refuse() : [asBytes(first), asBytes(second)]
}

function refuse(): never {
  throw malformed()
}
