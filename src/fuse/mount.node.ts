/**
 * Mounting through mount(8) as root, or fusermount3 by a helper of Python's or Perl's; reading requests; unmounting.
 * @packageDocumentation
 */
import { spawn, spawnSync } from 'node:child_process'
import { closeSync, openSync, readdirSync, readFileSync, writeSync, writevSync } from 'node:fs'
import { resolve } from 'node:path'
import { BrochError } from '../lib/error.js'
import type { Filesystem } from '../vfs/filesystem.js'
import { readRequests } from './request-reader.node.js'
import { Session } from './session.js'

export interface MountOptions {
  readonly nonEmpty?: boolean
  /** as mount(8) knows them: `ro`, `allow_other`, `noexec` ... */
  readonly flags?: readonly string[]
  readonly onFault?: (error: unknown) => void
}

export interface Mounted {
  readonly dir: string
  /** Resolves when the mount is gone, by whomever. */
  readonly done: Promise<void>
  unmount(): Promise<void>
}

/** A commit of everything dirty to a slow disk is the longest that a request takes. */
const DEADLINE_MS = 300_000

/** @throws BrochError NO_FUSE, MOUNT_POINT, MOUNT_BUSY, MOUNT_FAILED */
export async function mountFilesystem(fs: Filesystem, directory: string, options: MountOptions = {}): Promise<Mounted> {
  const dir = resolve(directory)
  clearStale(dir)
  checkMountPoint(dir, options)
  const fd = openDevice()
  try {
    await mountRoot(dir, fd, options)
  } catch (error) {
    closeSync(fd)
    throw error
  }
  return { dir, done: serve(fs, fd, options), unmount: () => unmount(dir) }
}

function openDevice(): number {
  try {
    return openSync('/dev/fuse', 'r+')
  } catch (error) {
    throw new BrochError('NO_FUSE', 'cannot open /dev/fuse: is the fuse module loaded, and are you root?', { cause: error })
  }
}

function mountRoot(dir: string, fd: number, { flags = [] }: MountOptions): Promise<void> {
  const fixed = ['fd=3', 'rootmode=40000', `user_id=${process.getuid?.() ?? 0}`, `group_id=${process.getgid?.() ?? 0}`, 'default_permissions']
  const all = [...new Set([...fixed, ...flags])].join(',')
  return finished('mount', ['-i', '-t', 'fuse.broch', '-o', all, 'broch', dir], fd)
}

function finished(command: string, args: readonly string[], fd?: number): Promise<void> {
  return new Promise((done, fail) => {
    const child = spawn(command, args, { stdio: ['ignore', 'ignore', 'pipe', ...(fd === undefined ? [] : [fd])] })
    let said = ''
    child.stderr?.on('data', (data: Buffer) => {
      said += data.toString()
    })
    child.on('error', (cause) => {
      fail(new BrochError('MOUNT_FAILED', `${command} could not be run`, { cause }))
    })
    child.on('close', (code) => {
      if (code === 0) done()
      else fail(new BrochError(said.includes('busy') ? 'MOUNT_BUSY' : 'MOUNT_FAILED', said.trim() || `${command} ended with ${code}`))
    })
  })
}

/** Answers requests until the mount is gone. */
async function serve(fs: Filesystem, fd: number, options: MountOptions): Promise<void> {
  const onFault = options.onFault ?? (() => undefined)
  const session = new Session(fs, { send: (answer, data) => send(fd, answer, data), onFault, deadlineMs: DEADLINE_MS })
  try {
    await readRequests(fd, (bytes) => session.receive(bytes)).done
  } catch (error) {
    onFault(error)
  }
}

/** ENOENT: the request was given up meanwhile. */
function send(fd: number, answer: Buffer, data: Uint8Array | undefined): void {
  try {
    if (data === undefined) writeSync(fd, answer)
    else writevSync(fd, [answer, data])
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && (error.code === 'ENOENT' || error.code === 'ENODEV'))) throw error
  }
}

/** Never touches the mount itself. @throws BrochError MOUNT_BUSY while files are open there. */
export function unmount(dir: string, force = false): Promise<void> {
  return finished('umount', [...(force ? ['-l'] : []), resolve(dir)])
}

function isOurs(dir: string): boolean {
  return readFileSync('/proc/self/mountinfo', 'utf8').split('\n').some((line) => {
    const [before, after] = line.split(' - ')
    return before?.split(' ')[4] === dir.replaceAll(' ', '\\040') && after?.startsWith('fuse.broch ') === true
  })
}

/** A mount of ours whose process died answers ENOTCONN: it is taken away. */
function clearStale(dir: string): void {
  if (!isOurs(dir)) return
  try {
    readdirSync(dir)
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOTCONN') {
      spawnSync('umount', ['-l', dir])
      return
    }
  }
  throw new BrochError('MOUNT_BUSY', 'something is mounted there already')
}

function checkMountPoint(dir: string, { nonEmpty = false }: MountOptions): void {
  let names: string[]
  try {
    names = readdirSync(dir)
  } catch (error) {
    throw new BrochError('MOUNT_POINT', 'the mount point is missing, or is no directory', { cause: error })
  }
  if (names.length > 0 && !nonEmpty) throw new BrochError('MOUNT_POINT', 'the mount point is not empty (--nonempty mounts over it)')
}
