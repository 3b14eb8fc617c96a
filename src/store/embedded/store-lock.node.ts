/**
 * One process at a time: a lock file that says who holds the store.
 * @packageDocumentation
 */
import { linkSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { hostname } from 'node:os'
import { BrochError } from '../../lib/error.js'
import { attempt } from './segment.node.js'

/** A process as it cannot come again: its id and start time, on this boot. */
function identity(pid: number): string | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1')
    const start = stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19]
    return `${pid} ${start} ${readFileSync('/proc/sys/kernel/random/boot_id', 'latin1').trim()} ${hostname()}`
  } catch {
    return undefined
  }
}

/**
 * Takes the lock; gives the function that lets go of it.
 * @throws BrochError STORE_LOCKED, naming the process that holds it.
 */
export function takeLock(path: string): () => void {
  const mine = identity(process.pid) ?? `${process.pid}`
  const draft = `${path}.${process.pid}`
  attempt('lock the store', () => {
    writeFileSync(draft, mine, { mode: 0o600 })
  })
  try {
    for (let tries = 0; tries < 3; tries++) {
      if (tryLink(draft, path)) return () => rmSync(path, { force: true })
      const holder = readHolder(path)
      if (holder !== undefined && identity(Number(holder.split(' ')[0])) === holder) {
        throw new BrochError('STORE_LOCKED', `the store is in use by process ${holder.split(' ')[0]}`)
      }
      rmSync(path, { force: true }) // its process is gone
    }
  } finally {
    rmSync(draft, { force: true })
  }
  throw new BrochError('STORE_LOCKED', 'the store is being locked by another process', { retry: true })
}

/** The process that has the lock now. */
export function lockHolder(path: string): number | undefined {
  const holder = readHolder(path)
  const pid = Number(holder?.split(' ')[0])
  return holder !== undefined && identity(pid) === holder ? pid : undefined
}

function tryLink(from: string, to: string): boolean {
  try {
    linkSync(from, to)
    return true
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'EEXIST') return false
    throw error
  }
}

function readHolder(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return undefined
  }
}
