/**
 * How a mount comes to be and ends.
 * @packageDocumentation
 */
import type { Awaitable } from '../lib/brand.js'
import type { Filesystem } from '../vfs/filesystem.js'
import { kernelTransport } from './kernel-transport.node.js'
import { type MountOptions, parseMountOptions } from './mount-options.js'
import { prepareMountPoint } from './mount-point.node.js'
import { mountAt, mountPath } from './mount-table.node.js'
import { overlaid, withShownOwner } from './shown-owner.js'
import type { Connection, Transport, TransportName } from './transport.js'
import { detach, unmount as unmountDirectory } from './unmount.node.js'

export interface MountSettings {
  /** What `parseMountOptions` gave; the defaults when absent. */
  readonly options?: MountOptions
  readonly transport?: TransportName
  /** Told of requests that failed with EIO. */
  readonly onFault?: (error: unknown) => void
}

export interface Mounted {
  readonly dir: string
  /** Resolves when the mount is gone, by whomever. What is dirty then is committed when the space is closed. */
  readonly done: Promise<void>
  /**
   * Commits, unmounts, and resolves when `done` does. Refused, it leaves the mount as it is and can be called again.
   * With `force` it does not commit, and files that are still open are cut off: programs get errors.
   *
   * @throws BrochError MOUNT_BUSY, MOUNT_FAILED, and what the commit throws
   */
  unmount(options?: { readonly force?: boolean }): Promise<void>
}

/** @throws BrochError NO_FUSE, MOUNT_POINT, MOUNT_POINT_FILE, MOUNT_POINT_NOT_EMPTY, MOUNT_BUSY, MOUNT_FAILED */
export async function mountFilesystem(fs: Filesystem, directory: string, settings: MountSettings = {}): Promise<Mounted> {
  const { options = parseMountOptions(''), transport = 'kernel', onFault = () => undefined } = settings
  const dir = mountPath(directory)
  await prepareMountPoint(dir, options)
  const server = await loadTransport(transport)
  const connection = await server.serve(decorated(fs, options), dir, options, onFault)
  let cut: Promise<void> | undefined
  // a process that ends with `done` must not leave a dead mount behind
  const done = connection.done.then(() => cut)
  const unmount = async ({ force = false } = {}): Promise<void> => {
    if (force) await (cut ??= cutOff(dir, connection))
    else await end(fs, dir, done)
  }
  return { dir, done, unmount }
}

async function loadTransport(name: TransportName): Promise<Transport> {
  return name === 'kernel' ? kernelTransport : (await import('./fuse-native-transport.node.js')).fuseNativeTransport
}

function decorated(fs: Filesystem, { shown, allowRoot, dirSync }: MountOptions): Filesystem {
  const closedFor = { uid: process.getuid?.() ?? 0, gid: process.getgid?.() ?? 0 }
  return withShownOwner(dirSync ? withDirSync(fs) : fs, allowRoot ? { ...shown, closedFor } : shown)
}

/** Writes of a `sync` mount are followed by an fsync of the kernel's own; changes of directories are not. */
function withDirSync(fs: Filesystem): Filesystem {
  const synced = async <T>(result: Awaitable<T>): Promise<T> => {
    const value = await result
    await fs.sync()
    return value
  }
  return overlaid(fs, {
    create: (...args) => synced(fs.create(...args)),
    mknod: (...args) => synced(fs.mknod(...args)),
    mkdir: (...args) => synced(fs.mkdir(...args)),
    symlink: (...args) => synced(fs.symlink(...args)),
    link: (...args) => synced(fs.link(...args)),
    unlink: (...args) => synced(fs.unlink(...args)),
    rmdir: (...args) => synced(fs.rmdir(...args)),
    rename: (...args) => synced(fs.rename(...args)),
  })
}

/** Somebody else may have unmounted already. */
async function end(fs: Filesystem, dir: string, done: Promise<void>): Promise<void> {
  if (mountAt(dir) !== undefined) {
    await fs.sync()
    await unmountDirectory(dir)
  }
  await done
}

async function cutOff(dir: string, connection: Connection): Promise<void> {
  await connection.abort()
  if (mountAt(dir) !== undefined) await detach(dir)
}
