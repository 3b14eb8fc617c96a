/**
 * A space with something of everything, what is true of it, and what a reader gets to see.
 * @packageDocumentation
 */
import { createHash } from 'node:crypto'
import { toBinaryString, utf8 } from '../../src/lib/bytes.js'
import { isBrochError } from '../../src/lib/error.js'
import { type Cid, NeedBlocks } from '../../src/store/block.js'
import type { BrochFilesystem } from '../../src/vfs/broch-filesystem.js'
import type { FilesystemOptions } from '../../src/vfs/filesystem-options.js'
import { type NodeId, ROOT_ID } from '../../src/vfs/filesystem.js'
import { HostileBlockStore, HostilePointerStore } from './hostile-store.js'
import { testSpace } from './space.js'

const caller = { uid: 0, gid: 0, pid: 1 }
const S_IFMT = 0o170000

/** By path: attributes and contents in one line, or the code of the error that came instead. */
export type View = Map<string, string>

export async function victim(local = true) {
  const blocks = new HostileBlockStore(local)
  const pointers = new HostilePointerStore()
  const space = testSpace({ blocks, pointers })
  const fs = await space.open({ atime: 'noatime' })
  await plant(fs)
  await fs.close()
  const truth = await look(fs)
  const open = (options: Partial<FilesystemOptions> = {}): Promise<BrochFilesystem> => space.open({ atime: 'noatime', ...options })
  /** of an object's first node */
  const cidOf = async (...names: string[]): Promise<Cid> => {
    const tree = await space.openTree()
    const need = async <T>(step: () => T): Promise<T> => {
      for (;;) {
        try {
          return step()
        } catch (error) {
          if (!(error instanceof NeedBlocks)) throw error
          await tree.fetch(error)
        }
      }
    }
    const { label } = await need(() => space.refOf(tree, ...names))
    return (await need(() => tree.find(label))) as Cid
  }
  return { ...space, cidOf, blocks, pointers, open, truth }
}

export type Victim = Awaited<ReturnType<typeof victim>>

async function plant(fs: BrochFilesystem): Promise<void> {
  const file = async (parent: NodeId, name: string, bytes: Uint8Array): Promise<NodeId> => {
    const { id } = await fs.create(caller, parent, utf8(name), { mode: 0o640, umask: 0 })
    await fs.write(caller, id, 0, bytes, { killPriv: false })
    return id
  }
  const folder = async (parent: NodeId, name: string): Promise<NodeId> => (await fs.mkdir(caller, parent, utf8(name), { mode: 0o750, umask: 0 })).id
  const noise = (length: number, first: number): Uint8Array => Uint8Array.from({ length }, (_, i) => (first + i * 7 + (i >> 8)) & 255)
  await file(ROOT_ID, 'small', utf8('a few words'))
  await file(ROOT_ID, 'twin of small', utf8('b few words'))
  await file(ROOT_ID, 'two chunks', noise(5_900_000, 1))
  await file(ROOT_ID, 'some fragments', noise(600_000, 2))
  const sparse = await file(ROOT_ID, 'sparse', noise(10, 3))
  await fs.write(caller, sparse, 11_000_000, noise(10, 4), { killPriv: false })
  const linked = await file(ROOT_ID, 'linked', noise(40_000, 5))
  await fs.setxattr(caller, linked, utf8('user.colour'), utf8('blue'), 0, false)
  const deep = await folder(await folder(ROOT_ID, 'folder'), 'deeper')
  await fs.link(caller, linked, deep, utf8('other name'))
  await fs.symlink(caller, deep, utf8('pointer'), utf8('../../small'))
  const wide = await folder(ROOT_ID, 'wide')
  for (let i = 0; i < 150; i++) await file(wide, `entry ${i}`, utf8(`entry number ${i}`))
}

/** Everything as a reader sees it. Only ordinary answers and failures of integrity may come. */
export async function look(fs: BrochFilesystem): Promise<View> {
  const view: View = new Map()
  await lookAt(fs, ROOT_ID, '', view)
  return view
}

async function lookAt(fs: BrochFilesystem, id: NodeId, path: string, view: View): Promise<void> {
  view.set(path, await shown(() => picture(fs, id)))
  if (((await fs.getattr(id)).mode & S_IFMT) !== 0o040000) return
  const names: Uint8Array[] = []
  const listed = await shown(async () => {
    await fs.readdir(id, 2, (entry) => names.push(entry.name) > 0)
    return ''
  })
  if (listed !== '') view.set(`${path}/`, listed)
  for (const name of names) {
    const below = `${path}/${toBinaryString(name)}`
    let child: NodeId | undefined
    const found = await shown(async () => {
      child = (await fs.lookup(id, name)).id
      return ''
    })
    if (child === undefined) view.set(below, found)
    else await lookAt(fs, child, below, view)
  }
}

async function picture(fs: BrochFilesystem, id: NodeId): Promise<string> {
  const attr = await fs.getattr(id)
  const { mode, size, nlink, uid, gid, mtime, ctime } = attr
  let content = ''
  if ((mode & S_IFMT) === 0o100000) content = createHash('sha256').update(await fs.read(id, 0, size)).digest('hex')
  if ((mode & S_IFMT) === 0o120000) content = toBinaryString(await fs.readlink(id))
  const attributes: string[] = []
  for (const name of await fs.listxattr(id)) attributes.push(`${toBinaryString(name)}=${toBinaryString(await fs.getxattr(id, name))}`)
  return JSON.stringify([mode, size, nlink, uid, gid, mtime, ctime, content, attributes])
}

async function shown(read: () => Promise<string>): Promise<string> {
  try {
    return await read()
  } catch (error) {
    if (isBrochError(error, 'CORRUPT') || isBrochError(error, 'MISSING_BLOCK') || isBrochError(error, 'NEWER_FORMAT')) return error.code
    throw error
  }
}

/** Paths that failed; throws when anything was shown that is not true. */
export function failures(view: View, truth: View): string[] {
  const failed: string[] = []
  for (const [path, seen] of view) {
    if (/^[A-Z_]+$/.test(seen)) failed.push(path)
    else if (truth.get(path) !== seen) throw new Error(`shown at ${JSON.stringify(path)}: ${seen} and not ${truth.get(path)}`)
  }
  for (const path of truth.keys()) {
    if (!view.has(path) && !failed.some((lost) => lost.endsWith('/') ? path.startsWith(lost) : path.startsWith(`${lost}/`))) {
      throw new Error(`hidden: ${JSON.stringify(path)}`)
    }
  }
  return failed
}
