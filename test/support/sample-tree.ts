/**
 * A small tree with one of everything, made through the operations of a kernel; and a manifest that says all of a tree.
 *
 * The tree is the same in every run, but for keys, inode numbers and the times of its making.
 * @packageDocumentation
 */
import { createHash } from 'node:crypto'
import { compareBytes, utf8 } from '../../src/lib/bytes.js'
import { ACL_ACCESS, ACL_DEFAULT, ACL_TAG, encodeAcl, NO_ID } from '../../src/vfs/acl.js'
import { FALLOC_KEEP_SIZE, FALLOC_PUNCH_HOLE, type Filesystem, type NodeId, ROOT_ID } from '../../src/vfs/filesystem.js'

const caller = { uid: 0, gid: 0, pid: 1 }
/** Three buckets' worth of names, and not so many inodes. */
const SPREAD_ENTRIES = 150
const SPREAD_FILES = 15
const MAX_FILE_BYTES = 9_007_199_254_740_991

/** Deterministic bytes that do not compress. */
export function pattern(length: number, seed = 1): Uint8Array {
  const bytes = new Uint8Array(length)
  for (let i = 0, x = seed; i < length; i++) {
    x = (Math.imul(x, 1103515245) + 12345) >>> 0
    bytes[i] = x >>> 16
  }
  return bytes
}

class Builder {
  readonly #fs: Filesystem

  constructor(fs: Filesystem) {
    this.#fs = fs
  }

  async build(): Promise<void> {
    await this.#files()
    await this.#metadata()
    await this.#names()
    await this.#others()
    // garbage: a later commit has to take back what this one stored
    await this.#file('gone', pattern(33_000, 9))
    await this.#fs.sync()
    await this.#fs.unlink(caller, ROOT_ID, utf8('gone'))
    await this.#stamp(ROOT_ID, 0)
    await this.#fs.sync()
  }

  async #files(): Promise<void> {
    const files = await this.#directory('files')
    await this.#file('empty', new Uint8Array(0), files)
    await this.#file('inline', utf8('a few words\n'), files)
    await this.#file('largest-inline', pattern(32_768, 2), files)
    await this.#file('one-fragment', pattern(32_769, 3), files)
    const two = await this.#file('two-fragments', pattern(1000, 4), files)
    await this.#write(two, 262_144, pattern(5000, 4))
    const sparse = await this.#file('chunks', pattern(1000, 5), files)
    await this.#write(sparse, 5_242_880, pattern(1200, 6))
    await this.#write(sparse, 3 * 5_242_880 + 786_432 - 100, pattern(600, 7))
    await this.#fs.setattr(caller, sparse, { size: 40_000_001 })
    const punched = await this.#file('punched', pattern(30_000, 8), files)
    await this.#fs.fallocate(caller, punched, FALLOC_PUNCH_HOLE | FALLOC_KEEP_SIZE, 8192, 16_384)
    const largest = await this.#file('largest', new Uint8Array(0), files)
    await this.#fs.setattr(caller, largest, { size: MAX_FILE_BYTES })
    for (const id of [two, sparse, punched, largest]) await this.#stamp(id, 3)
    const linked = await this.#directory('linked')
    await this.#fs.link(caller, sparse, linked, utf8('chunks-again'))
  }

  async #metadata(): Promise<void> {
    const id = await this.#file('attributed', utf8('x'))
    await this.#fs.setxattr(caller, id, utf8('user.empty'), new Uint8Array(0), 0, false)
    await this.#fs.setxattr(caller, id, utf8('user.binary'), pattern(2000, 11), 0, false)
    await this.#fs.setxattr(caller, id, utf8('trusted.note'), utf8('root alone'), 0, false)
    const acl = encodeAcl([
      { tag: ACL_TAG.userObj, permissions: 7, id: NO_ID },
      { tag: ACL_TAG.user, permissions: 5, id: 1234 },
      { tag: ACL_TAG.groupObj, permissions: 4, id: NO_ID },
      { tag: ACL_TAG.mask, permissions: 5, id: NO_ID },
      { tag: ACL_TAG.other, permissions: 0, id: NO_ID },
    ])
    await this.#fs.setxattr(caller, id, utf8(ACL_ACCESS), acl, 0, false)
    await this.#fs.setattr(caller, id, { uid: 1000, gid: 4_294_967_294 })
    const past = { seconds: -2_147_483_649, nanoseconds: 999_999_999 }
    await this.#fs.setattr(caller, id, { atime: past, mtime: { seconds: 8_589_934_592, nanoseconds: 1 }, ctime: past })
    const sticky = await this.#directory('sticky', 0o1777)
    await this.#fs.setxattr(caller, sticky, utf8(ACL_DEFAULT), acl, 0, false)
    await this.#stamp(sticky, 4)
    const program = await this.#file('program', utf8('#!/bin/sh\n'))
    await this.#fs.setattr(caller, program, { mode: 0o6755 })
    await this.#stamp(program, 5)
  }

  async #names(): Promise<void> {
    const names = await this.#directory('names')
    const odd = [Uint8Array.of(0xff, 0xfe, 0x80), Uint8Array.of(0xc3, 0x28), new Uint8Array(255).fill(0x6e), utf8('grüße 漢字 🗝'), utf8(' \n\t\u001b[31m'), utf8('__proto__'), utf8('constructor')]
    for (const [i, name] of odd.entries()) await this.#stamp((await this.#fs.create(caller, names, name, { mode: 0o600, umask: 0 })).id, i)
    let parent = names
    for (let depth = 0; depth < 6; depth++) parent = await this.#directory(`deep-${depth}`, 0o755, parent)
    await this.#file('bottom', utf8('bottom'), parent)
    const spread = await this.#directory('spread')
    const entries: NodeId[] = []
    for (let i = 0; i < SPREAD_FILES; i++) entries.push(await this.#file(`entry-${i}`, new Uint8Array(0), spread))
    for (let i = SPREAD_FILES; i < SPREAD_ENTRIES; i++) await this.#fs.link(caller, entries[i % SPREAD_FILES] as NodeId, spread, utf8(`entry-${i}`))
    for (const [i, id] of entries.entries()) await this.#stamp(id, i)
    await this.#file('alone', utf8('one link'), spread)
    await this.#stamp(spread, 6)
  }

  async #others(): Promise<void> {
    const others = await this.#directory('others')
    await this.#stamp((await this.#fs.symlink(caller, others, utf8('dangling'), Uint8Array.of(0x2f, 0xff, 0x2e, 0x2e))).id, 7)
    await this.#stamp((await this.#fs.symlink(caller, others, utf8('long'), new Uint8Array(4095).fill(0x6c))).id, 7)
    const kinds = [['fifo', 0o010000, 0], ['socket', 0o140000, 0], ['character', 0o020000, 0x0103], ['block', 0o060000, 0x0fff_0701]] as const
    for (const [name, type, rdev] of kinds) {
      await this.#stamp((await this.#fs.mknod(caller, others, utf8(name), { mode: type | 0o644, umask: 0 }, rdev)).id, 8)
    }
  }

  async #directory(name: string, mode = 0o755, parent: NodeId = ROOT_ID): Promise<NodeId> {
    return (await this.#fs.mkdir(caller, parent, utf8(name), { mode, umask: 0 })).id
  }

  async #file(name: string, data: Uint8Array, parent: NodeId = ROOT_ID): Promise<NodeId> {
    const { id } = await this.#fs.create(caller, parent, utf8(name), { mode: 0o644, umask: 0 })
    if (data.length > 0) await this.#write(id, 0, data)
    await this.#stamp(id, data.length)
    return id
  }

  async #write(id: NodeId, offset: number, data: Uint8Array): Promise<void> {
    await this.#fs.write(caller, id, offset, data, { killPriv: false })
  }

  /** Times that no clock gave. */
  async #stamp(id: NodeId, seed: number): Promise<void> {
    const at = (seconds: number) => ({ seconds, nanoseconds: (seed * 1_000_003) % 1_000_000_000 })
    await this.#fs.setattr(caller, id, { atime: at(1_500_000_000), mtime: at(1_600_000_000 + seed), ctime: at(1_700_000_000) })
  }
}

/** Makes the tree in an empty space and commits it, in more than one commit. */
export async function buildSampleTree(fs: Filesystem): Promise<void> {
  await new Builder(fs).build()
}

/** Everything a program could see of one path. */
export interface ManifestEntry {
  readonly mode: string
  readonly owner: string
  readonly nlink: number
  readonly size: number
  readonly blocks: number
  readonly rdev?: number
  /** of the first path, in the manifest's order, that leads to the same inode */
  readonly sameAs?: string
  /** seconds.nanoseconds */
  readonly times: readonly [string, string, string, string]
  readonly target?: string
  readonly xattrs?: Readonly<Record<string, string>>
  /** `offset+length:sha256` of each range with data */
  readonly data?: readonly string[]
}

export type Manifest = Readonly<Record<string, ManifestEntry>>

/** Printable ASCII as it is, all else as `%XX`. */
function printable(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => (byte > 32 && byte < 127 && byte !== 0x25 ? String.fromCharCode(byte) : `%${byte.toString(16).padStart(2, '0')}`)).join('')
}

const time = ({ seconds, nanoseconds }: { seconds: number; nanoseconds: number }): string => `${seconds}.${String(nanoseconds).padStart(9, '0')}`

/** Every path of the tree below the root, in the order of names. */
export async function manifestOf(fs: Filesystem): Promise<Manifest> {
  const manifest: Record<string, ManifestEntry> = { '/': await describeInode(fs, ROOT_ID, new Map(), '/') }
  await describeDirectory(fs, ROOT_ID, '', manifest, new Map())
  return manifest
}

async function describeDirectory(fs: Filesystem, directory: NodeId, path: string, manifest: Record<string, ManifestEntry>, seen: Map<number, string>): Promise<void> {
  const names: Uint8Array[] = []
  await fs.readdir(directory, 0, ({ name }) => names.push(name.slice()) > 0)
  for (const name of names.sort(compareBytes)) {
    const shown = printable(name)
    if (shown === '.' || shown === '..') continue
    const { id, attr } = await fs.lookup(directory, name)
    manifest[`${path}/${shown}`] = await describeInode(fs, id, seen, `${path}/${shown}`)
    if ((attr.mode & 0o170000) === 0o040000) await describeDirectory(fs, id, `${path}/${shown}`, manifest, seen)
    fs.forget(id, 1)
  }
}

async function describeInode(fs: Filesystem, id: NodeId, seen: Map<number, string>, path: string): Promise<ManifestEntry> {
  const attr = await fs.getattr(id)
  const type = attr.mode & 0o170000
  const first = seen.get(attr.ino)
  seen.set(attr.ino, first ?? path)
  const xattrs: Record<string, string> = {}
  for (const name of await fs.listxattr(id)) xattrs[printable(name)] = Buffer.from(await fs.getxattr(id, name)).toString('base64')
  return {
    mode: attr.mode.toString(8),
    owner: `${attr.uid}:${attr.gid}`,
    nlink: attr.nlink,
    size: attr.size,
    blocks: attr.blocks,
    ...(attr.rdev !== 0 && { rdev: attr.rdev }),
    ...(first !== undefined && { sameAs: first }),
    times: [time(attr.atime), time(attr.mtime), time(attr.ctime), time(attr.btime)],
    ...(type === 0o120000 && { target: printable(await fs.readlink(id)) }),
    ...(Object.keys(xattrs).length > 0 && { xattrs }),
    ...(type === 0o100000 && { data: await describeData(fs, id, attr.size) }),
  }
}

const SEEK_DATA = 3
const SEEK_HOLE = 4
const PIECE_BYTES = 1024 * 1024

async function describeData(fs: Filesystem, id: NodeId, size: number): Promise<string[]> {
  const ranges: string[] = []
  for (let at = 0; at < size; ) {
    const start = await Promise.resolve(at).then((from) => fs.lseek(id, from, SEEK_DATA)).catch(() => size)
    if (start >= size) break
    const end = await fs.lseek(id, start, SEEK_HOLE)
    const hash = createHash('sha256')
    for (let from = start; from < end; from += PIECE_BYTES) hash.update(await fs.read(id, from, Math.min(PIECE_BYTES, end - from)))
    ranges.push(`${start}+${end - start}:${hash.digest('hex')}`)
    at = end
  }
  return ranges
}
