/**
 * The kernel's protocol over /dev/fuse: mounted by mount(8) as root, by fusermount3 as anybody else.
 * @packageDocumentation
 */
import { closeSync, readFileSync, writeFileSync, writeSync, writevSync } from 'node:fs'
import { BrochError } from '../lib/error.js'
import type { Filesystem } from '../vfs/filesystem.js'
import { runCommand } from './command.node.js'
import { type Device, mountByFusermount, openDevice } from './device-passing.node.js'
import type { MountOptions } from './mount-options.js'
import { mountAt } from './mount-table.node.js'
import { MAX_WRITE } from './protocol.js'
import { readRequests, type RequestReader } from './request-reader.node.js'
import { Session } from './session.js'
import type { Connection, Transport } from './transport.js'

/** A commit of everything dirty to a slow disk is the longest that a request takes. */
const DEADLINE_MS = 300_000

export const kernelTransport: Transport = { name: 'kernel', serve }

async function serve(fs: Filesystem, dir: string, options: MountOptions, onFault: (error: unknown) => void): Promise<Connection> {
  const device = await mountDevice(dir, options)
  // an answer may come when the mount is gone
  const send = (answer: Buffer, data?: Uint8Array): void => {
    if (!reader.isClosed) sendAnswer(device.fd, answer, data)
  }
  const session = new Session(fs, { send, onFault, deadlineMs: DEADLINE_MS, isKilled })
  const reader: RequestReader = readRequests(device.fd, (bytes) => session.receive(bytes))
  raiseReadAhead(dir)
  const abort = async (): Promise<void> => {
    reader.stop()
    // a reader on the thread pool ends with the next request: this makes one
    if (reader.name === 'thread pool') await runCommand('stat', ['-f', '--', dir])
  }
  return { done: reader.done.catch(onFault).finally(() => device.release()), abort }
}

const SIGKILL_BIT = 1n << 8n

/** A fatal signal of any kind is pending as SIGKILL. A thread that cannot be looked at (of another namespace) counts as not killed. */
function isKilled(pid: number): boolean {
  try {
    const pending = /^SigPnd:\s*([0-9a-f]+)$/m.exec(readFileSync(`/proc/${pid}/status`, 'latin1'))?.[1]
    return pending !== undefined && (BigInt(`0x${pending}`) & SIGKILL_BIT) !== 0n
  } catch {
    return false
  }
}

/** What the kernel reads ahead of a program that reads in order; the default is 128. Half the CPU for such a read, measured. */
const READ_AHEAD_KIB = MAX_WRITE / 1024

/** The kernel takes our word for less than its default, not for more: that is root's to write. Others keep the default. */
function raiseReadAhead(dir: string): void {
  try {
    writeFileSync(`/sys/class/bdi/0:${mountAt(dir)?.device ?? ''}/read_ahead_kb`, String(READ_AHEAD_KIB))
  } catch {
    return
  }
}

/** fusermount3 is what watches over a mount: root asks it too, for auto_unmount. */
async function mountDevice(dir: string, options: MountOptions): Promise<Device> {
  if (process.getuid?.() === 0 && !options.autoUnmount) return { fd: await mountAsRoot(dir, options), release: () => undefined }
  return mountByFusermount(dir, fusermountOptions(options))
}

async function mountAsRoot(dir: string, { kernel, fsname, subtype }: MountOptions): Promise<number> {
  const fd = openDevice()
  const fixed = ['fd=3', 'rootmode=40000', 'user_id=0', `group_id=${process.getgid?.() ?? 0}`, 'default_permissions']
  const args = ['-i', '-t', `fuse.${subtype}`, '-o', [...fixed, ...kernel].join(','), '--', fsname, dir]
  const { code, said } = await runCommand('mount', args, { fds: [fd] })
  if (code === 0) return fd
  closeSync(fd)
  throw new BrochError(/busy|already mounted/.test(said) ? 'MOUNT_BUSY' : 'MOUNT_FAILED', said || `mount ended with ${code}`)
}

/** fusermount3 does not know these; the vfs keeps atime itself. `suid` and `dev` are not an ordinary user's to give. */
export const NOT_FOR_FUSERMOUNT = new Set(['relatime', 'strictatime', 'nodiratime', 'suid', 'dev'])

function fusermountOptions({ kernel, fsname, subtype, autoUnmount }: MountOptions): string {
  const words = kernel.filter((word) => !NOT_FOR_FUSERMOUNT.has(word))
  const name = fsname.replaceAll('\\', '\\\\').replaceAll(',', '\\,')
  return [`fsname=${name}`, `subtype=${subtype}`, 'default_permissions', ...(autoUnmount ? ['auto_unmount'] : []), ...words].join(',')
}

/** ENOENT: the request was given up meanwhile. ENODEV: the mount is gone. */
export function sendAnswer(fd: number, answer: Buffer, data: Uint8Array | undefined): void {
  try {
    if (data === undefined) writeSync(fd, answer)
    else writevSync(fd, [answer, data])
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && (error.code === 'ENOENT' || error.code === 'ENODEV'))) throw error
  }
}
