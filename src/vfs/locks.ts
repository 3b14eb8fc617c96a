/**
 * Advisory locks: POSIX record locks (fcntl(2)) and flock(2), which do not see each other, as on Linux.
 *
 * A {@link LockTable} is the locks of one inode; a {@link LockManager} keeps the tables, the queues of those who wait,
 * and finds deadlocks, which may go through many inodes.
 * @packageDocumentation
 */
import type { Awaitable } from '../lib/brand.js'
import { errno } from './errno.js'
import type { Lock, LockRequest } from './filesystem.js'

/** One granted range. */
interface Held {
  readonly type: 'read' | 'write'
  readonly start: number
  readonly end: number // inclusive
  readonly pid: number
}

/** What a table needs of a request. */
export type LockChange = Pick<LockRequest, 'type' | 'start' | 'end' | 'pid' | 'owner' | 'flock'>

/** The locks of one inode. Synchronous; never waits. */
export class LockTable {
  /** By owner; each list is sorted, without overlap, and neighbours of one type are joined. */
  readonly #posix = new Map<string, readonly Held[]>()
  readonly #flock = new Map<string, readonly Held[]>()

  get empty(): boolean {
    return this.#posix.size === 0 && this.#flock.size === 0
  }

  /** The first lock of another owner that stands in the way. */
  test(request: LockChange): Lock | undefined {
    for (const [, held] of this.#conflicts(request)) return held
    return undefined
  }

  /** The owners in the way, each once. */
  blockers(request: LockChange): Set<string> {
    return new Set([...this.#conflicts(request)].map(([owner]) => owner))
  }

  /** Takes, changes or gives up a range. A refused flock conversion loses the old lock, as flock(2) says. */
  set(request: LockChange): 'granted' | 'blocked' {
    const lists = this.#lists(request)
    const blocked = this.test(request) !== undefined
    if (!blocked) this.#store(lists, request.owner, replaceRange(lists.get(request.owner) ?? [], request))
    else if (request.flock) lists.delete(request.owner)
    return blocked ? 'blocked' : 'granted'
  }

  releaseOwner(owner: string, flock: boolean): void {
    this.#lists({ flock }).delete(owner)
  }

  #lists(request: { readonly flock: boolean }): Map<string, readonly Held[]> {
    return request.flock ? this.#flock : this.#posix
  }

  #store(lists: Map<string, readonly Held[]>, owner: string, held: readonly Held[]): void {
    if (held.length === 0) lists.delete(owner)
    else lists.set(owner, held)
  }

  *#conflicts(request: LockChange): Generator<[string, Held]> {
    if (request.type === 'unlock') return
    for (const [owner, list] of this.#lists(request)) {
      if (owner === request.owner) continue
      for (const held of list) {
        const overlap = held.start <= request.end && request.start <= held.end
        if (overlap && (held.type === 'write' || request.type === 'write')) yield [owner, held]
      }
    }
  }
}

/** One owner's ranges after a change: what it covers is cut out, then the new range joins its equals. */
function replaceRange(list: readonly Held[], change: LockChange): readonly Held[] {
  const { type, pid } = change
  let { start, end } = change
  const kept: Held[] = []
  for (const held of list) {
    if (held.type === type && held.end + 1 >= start && held.start <= end + 1) {
      start = Math.min(start, held.start)
      end = Math.max(end, held.end)
    } else {
      if (held.start < start) kept.push({ ...held, end: Math.min(held.end, start - 1) })
      if (held.end > end) kept.push({ ...held, start: Math.max(held.start, end + 1) })
    }
  }
  if (type !== 'unlock') kept.push({ type, start, end, pid })
  return kept.sort((a, b) => a.start - b.start)
}

interface Waiter {
  readonly request: LockChange
  readonly resolve: () => void
}

interface LockedInode {
  readonly table: LockTable
  /** In the order they came: the first that can be served is. */
  waiters: Waiter[]
}

/** The locks of a whole filesystem. Inodes are named by any key that stays theirs while a lock is held. */
export class LockManager {
  readonly #inodes = new Map<string | number, LockedInode>()

  test(inode: string | number, request: LockChange): Lock | undefined {
    return this.#inodes.get(inode)?.table.test(request)
  }

  /** Takes, changes or gives up a range without waiting. */
  set(inode: string | number, request: LockChange): 'granted' | 'blocked' {
    const locked = this.#inode(inode)
    const answer = locked.table.set(request)
    this.#settle(inode, locked)
    return answer
  }

  /** As fcntl(2) and flock(2) do it. @throws Errno EAGAIN when blocked and not to wait; else as {@link wait}. */
  lock(inode: string | number, request: LockRequest): Awaitable<void> {
    if (request.wait && request.type !== 'unlock') return this.wait(inode, request, request.signal)
    if (this.set(inode, request) === 'blocked') throw errno('EAGAIN')
  }

  /** @throws Errno EDEADLK when POSIX owners would wait for each other in a circle; EINTR when aborted. */
  async wait(inode: string | number, request: LockChange, signal?: AbortSignal): Promise<void> {
    if (signal?.aborted === true) throw errno('EINTR')
    if (this.set(inode, request) === 'granted') return
    if (!request.flock && this.#closesCircle(inode, request)) throw errno('EDEADLK')
    const { promise, resolve, reject } = withResolvers()
    const waiter: Waiter = { request, resolve }
    this.#inode(inode).waiters.push(waiter)
    const abort = (): void => {
      this.#leave(inode, waiter)
      reject(errno('EINTR'))
    }
    signal?.addEventListener('abort', abort, { once: true })
    await promise.finally(() => signal?.removeEventListener('abort', abort))
  }

  /** Gives up all that an owner holds here: close(2) for POSIX locks, the last close for flock. */
  releaseOwner(inode: string | number, owner: string, flock: boolean): void {
    const locked = this.#inodes.get(inode)
    if (locked === undefined) return
    locked.table.releaseOwner(owner, flock)
    this.#settle(inode, locked)
  }

  /** Inodes with a lock or a waiter; for tests and status. */
  get size(): number {
    return this.#inodes.size
  }

  #inode(key: string | number): LockedInode {
    let locked = this.#inodes.get(key)
    if (locked === undefined) {
      locked = { table: new LockTable(), waiters: [] }
      this.#inodes.set(key, locked)
    }
    return locked
  }

  /** Serves who can be served. A grant may also free (a downgrade), so until a round serves nobody. */
  #settle(key: string | number, locked: LockedInode): void {
    for (let served = true; served; ) {
      const before = locked.waiters.length
      locked.waiters = locked.waiters.filter((waiter) => {
        if (locked.table.test(waiter.request) !== undefined) return true
        locked.table.set(waiter.request)
        waiter.resolve()
        return false
      })
      served = locked.waiters.length < before
    }
    if (locked.table.empty && locked.waiters.length === 0) this.#inodes.delete(key)
  }

  #leave(key: string | number, waiter: Waiter): void {
    const locked = this.#inodes.get(key)
    if (locked === undefined) return
    locked.waiters = locked.waiters.filter((other) => other !== waiter)
    this.#settle(key, locked)
  }

  /** Whether whoever blocks the request waits, perhaps through others, for the request's own owner. */
  #closesCircle(inode: string | number, request: LockChange): boolean {
    const seen = new Set<string>()
    const open = [...this.#inode(inode).table.blockers(request)]
    for (let owner = open.pop(); owner !== undefined; owner = open.pop()) {
      if (owner === request.owner) return true
      if (seen.has(owner)) continue
      seen.add(owner)
      open.push(...this.#waitsFor(owner))
    }
    return false
  }

  *#waitsFor(owner: string): Generator<string> {
    for (const { table, waiters } of this.#inodes.values()) {
      for (const { request } of waiters) {
        if (!request.flock && request.owner === owner) yield* table.blockers(request)
      }
    }
  }
}

/** Promise.withResolvers, which Node 20 does not have. */
function withResolvers(): { promise: Promise<void>; resolve: () => void; reject: (error: Error) => void } {
  let resolve: () => void = () => undefined
  let reject: (error: Error) => void = () => undefined
  const promise = new Promise<void>((ok, no) => {
    resolve = ok
    reject = no
  })
  return { promise, resolve, reject }
}
