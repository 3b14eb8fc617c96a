/**
 * Mounting as an ordinary user: fusermount3 opens /dev/fuse, mounts, and hands over the descriptor as SCM_RIGHTS on the socket that
 * `_FUSE_COMMFD` names. Node has no interface that receives one, so there are three ways, tried in this order:
 *
 * - `koffi`: socketpair(2) and recvmsg(2) of libc are called from here;
 * - `perl`, `python3`: a helper receives the descriptor, and ties one that this process opened to the same mount by
 *   ioctl FUSE_DEV_IOC_CLONE. It needs nothing but the interpreter.
 * @packageDocumentation
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { closeSync, openSync } from 'node:fs'
import type { Readable, Writable } from 'node:stream'
import { BrochError, isBrochError } from '../lib/error.js'
import { type Outcome, runCommand } from './command.node.js'
import { PERL, PYTHON } from './device-launchers.js'

/** A mount's descriptor, and what must stay open as long as it lives. */
export interface Device {
  readonly fd: number
  /** Lets go of what watches over the mount (auto_unmount): called when the mount is gone. */
  release(): void
}

export const WAYS = ['koffi', 'perl', 'python3'] as const
export type Way = (typeof WAYS)[number]

const NEEDS = 'mounting as an ordinary user needs fusermount3 (Debian and Ubuntu: apt install fuse3; Fedora: dnf install fuse3)'

/**
 * @param options - for fusermount3's `-o`
 * @throws BrochError NO_FUSE with what to install, MOUNT_FAILED, MOUNT_BUSY
 */
export async function mountByFusermount(dir: string, options: string, ways: readonly Way[] = chosenWays()): Promise<Device> {
  const failures: string[] = []
  for (const way of ways) {
    try {
      return way === 'koffi' ? await byKoffi(dir, options) : await byLauncher(way, dir, options)
    } catch (error) {
      if (!isBrochError(error, 'UNSUPPORTED')) throw error
      failures.push(error.message)
    }
  }
  throw new BrochError('NO_FUSE', `no way to receive a descriptor: ${failures.join('; ')}. Install one of perl or python3, or the npm package koffi`)
}

/** `$BROCH_FUSERMOUNT` picks one way, for tests and for those whose koffi misbehaves. */
function chosenWays(): readonly Way[] {
  const chosen = WAYS.find((way) => way === process.env['BROCH_FUSERMOUNT'])
  return chosen === undefined ? WAYS : [chosen]
}

async function byKoffi(dir: string, options: string): Promise<Device> {
  const sockets = await loadSockets()
  const [ours, theirs] = sockets.pair()
  const ended = runCommand('fusermount3', ['-o', options, '--', dir], { env: { _FUSE_COMMFD: '3' }, fds: [theirs] })
  closeSync(theirs) // or the receiver would wait for ever when nothing is sent
  const fd = await sockets.receiveDescriptor(ours)
  if (fd === undefined) {
    closeSync(ours)
    const { code, said } = await ended
    throw fusermountFailed(code, said)
  }
  return { fd, release: watched(options, () => closeSync(ours)) }
}

async function loadSockets() {
  try {
    return await import('./sockets.node.js')
  } catch (cause) {
    throw new BrochError('UNSUPPORTED', 'koffi cannot be loaded', { cause })
  }
}

async function byLauncher(way: 'perl' | 'python3', dir: string, options: string): Promise<Device> {
  const fd = openDevice()
  const args = way === 'perl' ? ['-e', PERL] : ['-c', PYTHON]
  const child = spawn(way, [...args, dir, options], { stdio: ['pipe', 'pipe', 'pipe', fd], env: { ...process.env, LC_ALL: 'C' } })
  const [stdin, stdout, stderr] = [child.stdin, child.stdout, child.stderr] as [Writable, Readable, Readable]
  const { code, said } = await outcome(child, stdout, stderr)
  if (code !== 0) {
    closeSync(fd)
    if (code === undefined || code === NO_INTERPRETER) throw new BrochError('UNSUPPORTED', `${way} is not there`)
    throw fusermountFailed(code === NO_FUSERMOUNT ? undefined : code, said)
  }
  stdout.destroy()
  stderr.destroy()
  child.unref()
  stdin.on('error', () => undefined)
  return { fd, release: watched(options, () => stdin.destroy()) }
}

/** Resolves when the launcher says that the mount is there, or ends. */
function outcome(child: ChildProcess, stdout: Readable, stderr: Readable): Promise<Outcome> {
  let said = ''
  stderr.on('data', (data: Buffer) => {
    said += data.toString()
  })
  return new Promise((resolve) => {
    child.once('error', () => resolve({ code: undefined, said: '' }))
    stdout.once('data', () => resolve({ code: 0, said: '' }))
    child.once('close', (status) => resolve({ code: status ?? 1, said: said.trim() }))
  })
}

/** With auto_unmount fusermount3 stays, and unmounts when it is let go of; without, that is done at once. */
function watched(options: string, letGo: () => void): () => void {
  if (options.split(',').includes('auto_unmount')) return letGo
  letGo()
  return () => undefined
}

const NO_FUSERMOUNT = 127
/** What a version manager's stand-in ends with when no interpreter is behind it. */
const NO_INTERPRETER = 126

/** @throws BrochError NO_FUSE */
export function openDevice(): number {
  try {
    return openSync('/dev/fuse', 'r+')
  } catch (cause) {
    const missing = cause instanceof Error && 'code' in cause && (cause.code === 'ENOENT' || cause.code === 'ENODEV' || cause.code === 'ENXIO')
    throw new BrochError('NO_FUSE', missing ? 'there is no /dev/fuse: load the module (modprobe fuse)' : 'this user may not open /dev/fuse (its mode should be 0666)', { cause })
  }
}

function fusermountFailed(code: number | undefined, said: string): BrochError {
  if (code === undefined) return new BrochError('NO_FUSE', NEEDS)
  if (/dev\/fuse/.test(said)) return new BrochError('NO_FUSE', `${said}: the module may not be loaded (modprobe fuse), or its mode is not 0666`)
  return new BrochError(/busy/.test(said) ? 'MOUNT_BUSY' : 'MOUNT_FAILED', said || `fusermount3 ended with ${code}`)
}
