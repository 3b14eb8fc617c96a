/**
 * One process at a time: flock(2) on a file that says who holds it. The kernel lets go when that process ends, however it ends.
 *
 * Node has no flock: flock(1) takes it for us on our own descriptor, which keeps it. Where that program is missing, who
 * is named in the file and still runs holds the lock; then two that take a dead one's place at once can both succeed.
 * The file stays: were it removed, two could lock two files of one name.
 * @packageDocumentation
 */
import { spawnSync } from 'node:child_process'
import { closeSync, existsSync, ftruncateSync, openSync, readFileSync, writeSync } from 'node:fs'
import { hostname } from 'node:os'
import { BrochError, isBrochError } from '../../lib/error.js'
import { attempt } from './store-error.js'

/** A process as it cannot come again: its id and start time, on this boot. */
function identity(pid: number): string | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1')
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
    if (fields[0] === 'Z') return undefined // it has ended, and waits for a parent that may never ask (a container without init)
    const start = fields[19]
    return `${pid} ${start} ${readFileSync('/proc/sys/kernel/random/boot_id', 'latin1').trim()} ${hostname()}`
  } catch {
    return undefined
  }
}

/**
 * Takes the lock; gives the function that lets go of it.
 * @param mode - many may read at once, and nobody writes meanwhile
 * @throws BrochError STORE_LOCKED, naming the process that holds it; READ_ONLY
 */
export function takeLock(path: string, mode: 'write' | 'read'): () => void {
  const fd = openLock(path, mode)
  if (fd === undefined) return () => undefined
  try {
    const holder = readFileSync(path, 'utf8')
    const alive = holder !== '' && identity(Number(holder.split(' ')[0])) === holder
    if (alive || !flock(fd, mode)) throw lockedBy(holder)
    if (mode === 'write') writeHolder(fd, identity(process.pid) ?? `${process.pid}`)
  } catch (error) {
    closeSync(fd)
    throw error
  }
  return () => {
    if (mode === 'write') ftruncateSync(fd, 0)
    closeSync(fd)
  }
}

/** Undefined where nobody ever locked and nobody can: a copy of a store on a disk that is read-only. */
function openLock(path: string, mode: 'write' | 'read'): number | undefined {
  try {
    return attempt('lock the store', () => openSync(path, 'a+', 0o600))
  } catch (error) {
    if (mode === 'write' || !isBrochError(error, 'READ_ONLY')) throw error
    return existsSync(path) ? attempt('lock the store', () => openSync(path, 'r')) : undefined
  }
}

/** The process that has the lock now. */
export function lockHolder(path: string): number | undefined {
  try {
    const holder = readFileSync(path, 'utf8')
    const pid = Number(holder.split(' ')[0])
    return identity(pid) === holder ? pid : undefined
  } catch {
    return undefined
  }
}

/** False when another process has it. */
function flock(fd: number, mode: 'write' | 'read'): boolean {
  const { error, status } = spawnSync('flock', ['-n', mode === 'write' ? '-x' : '-s', '3'], { stdio: ['ignore', 'ignore', 'ignore', fd] })
  if (error !== undefined) return true // no such program here
  return status !== 1
}

function writeHolder(fd: number, holder: string): void {
  attempt('lock the store', () => {
    ftruncateSync(fd, 0)
    writeSync(fd, holder)
  })
}

function lockedBy(holder: string): BrochError {
  const pid = holder.split(' ')[0] ?? ''
  return new BrochError('STORE_LOCKED', `the store is in use by ${pid === '' ? 'another process' : `process ${pid}`}`, { retry: true })
}
