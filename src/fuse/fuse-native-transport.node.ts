/**
 * Mounting through the npm package `fuse-native`, and so through the host's libfuse 2. For machines where /dev/fuse itself makes
 * trouble; slower and less than the kernel's protocol: docs/limits.md.
 * @packageDocumentation
 */
import { createRequire } from 'node:module'
import { BrochError } from '../lib/error.js'
import type { Filesystem } from '../vfs/filesystem.js'
import { NOT_FOR_FUSERMOUNT } from './kernel-transport.node.js'
import type { MountOptions } from './mount-options.js'
import { mountAt } from './mount-table.node.js'
import { type PathOperations, pathOperations } from './path-operations.js'
import type { Connection, Transport } from './transport.js'

type Fuse = new (dir: string, operations: PathOperations, options: Readonly<Record<string, unknown>>) => { mount(done: (error: unknown) => void): void }

const REQUEST_MS = 300_000
const MOUNT_MS = 10_000
/** The library does not say when a mount goes: the table of mounts is looked at. */
const LOOK_MS = 200

export const fuseNativeTransport: Transport = { name: 'fuse-native', serve }

async function serve(fs: Filesystem, dir: string, options: MountOptions, onFault: (error: unknown) => void): Promise<Connection> {
  const Native = load()
  const caller = { uid: process.getuid?.() ?? 0, gid: process.getgid?.() ?? 0, pid: process.pid }
  const fuse = new Native(dir, pathOperations(fs, caller, onFault), fuseOptions(options))
  await new Promise<void>((mounted, failed) => {
    const late = setTimeout(() => failed(new BrochError('MOUNT_FAILED', 'libfuse did not mount; what it said is above')), MOUNT_MS)
    fuse.mount((cause) => {
      clearTimeout(late)
      if (cause === null || cause === undefined) mounted()
      else failed(new BrochError('MOUNT_FAILED', 'libfuse did not mount', { cause }))
    })
  })
  const { promise, end } = gone(dir)
  return { done: promise, abort: () => Promise.resolve(end()) }
}

function load(): Fuse {
  try {
    return createRequire(import.meta.url)('fuse-native') as Fuse
  } catch (cause) {
    const why = "the npm package fuse-native or the host's libfuse 2 cannot be loaded (npm install fuse-native; Debian and Ubuntu: apt install libfuse2)"
    throw new BrochError('NO_FUSE', why, { cause })
  }
}

/** Words that the package has no name for go behind the last value it does have one for. */
function fuseOptions({ kernel, fsname, subtype, nonEmpty }: MountOptions) {
  const words = kernel.filter((word) => !NOT_FOR_FUSERMOUNT.has(word))
  const name = fsname.replaceAll('\\', '\\\\').replaceAll(',', '\\,')
  const all = [name, 'big_writes', ...(nonEmpty ? ['nonempty'] : []), ...words]
  return { defaultPermissions: true, subtype, fsname: all.join(','), timeout: REQUEST_MS }
}

function gone(dir: string): { promise: Promise<void>; end: () => void } {
  const device = mountAt(dir)?.device
  let end = (): void => undefined
  const promise = new Promise<void>((resolve) => {
    const timer = setInterval(() => {
      if (mountAt(dir)?.device !== device) end()
    }, LOOK_MS)
    end = () => {
      clearInterval(timer)
      resolve()
    }
  })
  return { promise, end: () => end() }
}
