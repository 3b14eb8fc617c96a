/**
 * How requests reach a Filesystem: over the kernel's protocol, or through a library that speaks it.
 * @packageDocumentation
 */
import type { Filesystem } from '../vfs/filesystem.js'
import type { MountOptions } from './mount-options.js'

export const TRANSPORT_NAMES = ['kernel', 'fuse-native'] as const
export type TransportName = (typeof TRANSPORT_NAMES)[number]

/** A mount being served. */
export interface Connection {
  /** Resolves when the mount is gone, by whomever. */
  readonly done: Promise<void>
  /** Stops answering, while the mount is there: who has files open there gets errors. */
  abort(): Promise<void>
}

export interface Transport {
  readonly name: TransportName
  /**
   * Mounts, and answers from then on.
   *
   * @param dir - an empty directory where nothing of ours is mounted; as the kernel lists it
   * @throws BrochError NO_FUSE, MOUNT_BUSY, MOUNT_FAILED
   */
  serve(fs: Filesystem, dir: string, options: MountOptions, onFault: (error: unknown) => void): Promise<Connection>
}
