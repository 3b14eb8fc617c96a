/**
 * Finds the running mounts of this user, and asks them.
 * @packageDocumentation
 */
import { readdirSync, rmSync } from 'node:fs'
import { connect } from 'node:net'
import { basename, join, resolve } from 'node:path'
import { mountPath } from '../fuse/mount-table.node.js'
import { BrochError } from '../lib/error.js'
import { type Ask, decodeAnswer, encodeLine, type MountStatus } from './control-protocol.js'
import { shortPath } from './socket-path.js'

/** A mount answers a question about its state at once, or it hangs. */
const STATUS_MS = 5000

export interface RunningMount {
  readonly socket: string
  readonly status: MountStatus
}

export interface FoundMounts {
  readonly mounts: RunningMount[]
  /** processes that listen and do not answer: too busy, or of another version */
  readonly silent: number[]
}

/** A socket nobody listens at any more (its process was killed) is taken away. */
export async function findMounts(folder: string): Promise<FoundMounts> {
  const found: FoundMounts = { mounts: [], silent: [] }
  await Promise.all(socketsIn(folder).map(async (socket) => {
    const status = await askStatus(socket)
    if (status === 'silent') found.silent.push(Number.parseInt(basename(socket), 10))
    else if (status !== 'gone') found.mounts.push({ socket, status })
  }))
  found.mounts.sort((a, b) => a.status.since.localeCompare(b.status.since))
  return found
}

export async function mountAt(folder: string, dir: string): Promise<RunningMount | undefined> {
  return (await findMounts(folder)).mounts.findLast(({ status }) => status.dir === mountPath(dir))
}

export async function mountOf(folder: string, store: string): Promise<RunningMount | undefined> {
  return (await findMounts(folder)).mounts.find(({ status }) => status.store === resolve(store))
}

export async function askStatus(socket: string): Promise<MountStatus | 'gone' | 'silent'> {
  try {
    return (await askMount(socket, { ask: 'status' }, STATUS_MS)) ?? 'silent'
  } catch (error) {
    const cause = error instanceof BrochError ? error.cause : undefined
    const code = cause instanceof Error && 'code' in cause ? cause.code : undefined
    if (code === 'ECONNREFUSED') rmSync(socket, { force: true })
    return code === 'ECONNREFUSED' || code === 'ENOENT' || code === 'ECONNRESET' ? 'gone' : 'silent'
  }
}

/** @throws BrochError IO when nobody is there, TIMED_OUT, and what the mount answers */
export function askMount(socket: string, ask: Ask, timeoutMs?: number): Promise<MountStatus | undefined> {
  return new Promise((resolve, reject) => {
    let line = ''
    const short = shortPath(socket)
    const connection = connect(short.path, () => connection.write(encodeLine(ask)))
    connection.setEncoding('utf8')
    if (timeoutMs !== undefined) {
      connection.setTimeout(timeoutMs, () => connection.destroy(new BrochError('TIMED_OUT', 'the mount does not answer')))
    }
    connection.on('data', (data: string) => {
      line += data
    })
    connection.on('error', (cause) => reject(cause instanceof BrochError ? cause : new BrochError('IO', 'the mount has gone', { cause })))
    connection.on('close', () => {
      short.release()
      try {
        resolve(decodeAnswer(line))
      } catch (error) {
        reject(error)
      }
    })
  })
}

function socketsIn(folder: string): string[] {
  try {
    return readdirSync(folder).filter((name) => name.endsWith('.sock')).map((name) => join(folder, name))
  } catch {
    return [] // nothing was ever mounted
  }
}
