import { fc, test } from '@fast-check/vitest'
import { describe, expect, it } from 'vitest'
import { type LockChange, LockManager, LockTable } from '../../src/vfs/locks.js'

const END = Number.MAX_SAFE_INTEGER
const SPAN = 24

function posix(owner: string, type: LockChange['type'], start = 0, end = END): LockChange {
  return { owner, type, start, end, pid: owner.charCodeAt(0), flock: false }
}

function flock(owner: string, type: LockChange['type']): LockChange {
  return { ...posix(owner, type), flock: true }
}

/** Byte by byte: who holds what. */
class ByteMap {
  readonly held = new Map<string, ('read' | 'write' | undefined)[]>()

  blocked({ owner, type, start, end }: LockChange): boolean {
    if (type === 'unlock') return false
    for (const [other, bytes] of this.held) {
      for (let at = start; other !== owner && at <= end; at++) {
        if (bytes[at] === 'write' || (bytes[at] === 'read' && type === 'write')) return true
      }
    }
    return false
  }

  set({ owner, type, start, end }: LockChange): void {
    const bytes = this.held.get(owner) ?? []
    for (let at = start; at <= end; at++) bytes[at] = type === 'unlock' ? undefined : type
    this.held.set(owner, bytes)
  }
}

const changes = fc.array(
  fc.record({
    owner: fc.constantFrom('a', 'b', 'c'),
    type: fc.constantFrom('read' as const, 'write' as const, 'unlock' as const),
    start: fc.nat(SPAN),
    length: fc.nat(8),
  }),
  { maxLength: 60 },
)

describe('record locks', () => {
  test.prop([changes])('are those of a map of bytes', (list) => {
    const table = new LockTable()
    const model = new ByteMap()
    for (const { owner, type, start, length } of list) {
      const change = posix(owner, type, start, start + length)
      const blocked = model.blocked(change)
      expect(table.set(change)).toBe(blocked ? 'blocked' : 'granted')
      if (!blocked) model.set(change)
      for (let at = 0; at <= SPAN + 8; at++) {
        const bytes = [...model.held.values()].map((held) => held[at])
        expect(table.test(posix('x', 'read', at, at)) !== undefined).toBe(bytes.includes('write'))
        expect(table.test(posix('x', 'write', at, at)) !== undefined).toBe(bytes.some((byte) => byte !== undefined))
      }
    }
  })

  it('join their neighbours and tell the whole range', () => {
    const table = new LockTable()
    table.set(posix('a', 'write', 0, 9))
    table.set(posix('a', 'write', 20, END))
    table.set(posix('a', 'write', 10, 19))
    expect(table.test(posix('b', 'read', 15, 15))).toEqual({ type: 'write', start: 0, end: END, pid: 97 })
    table.set(posix('a', 'unlock', 5, 5))
    expect(table.test(posix('b', 'read', 5, 5))).toBeUndefined()
    expect(table.test(posix('b', 'read', 6, 6))).toEqual({ type: 'write', start: 6, end: END, pid: 97 })
  })

  it('do not see flock locks', () => {
    const table = new LockTable()
    expect(table.set(posix('a', 'write'))).toBe('granted')
    expect(table.set(flock('b', 'write'))).toBe('granted')
    table.releaseOwner('a', true)
    expect(table.empty).toBe(false)
    table.releaseOwner('a', false)
    table.releaseOwner('b', true)
    expect(table.empty).toBe(true)
  })
})

describe('flock locks', () => {
  it('are lost by a conversion that is refused', () => {
    const table = new LockTable()
    table.set(flock('a', 'read'))
    table.set(flock('b', 'read'))
    expect(table.set(flock('a', 'write'))).toBe('blocked')
    expect(table.set(flock('b', 'write'))).toBe('granted')
  })
})

/** The names of the waits that have ended, in the order they did. */
class Ended {
  readonly order: string[] = []

  watch(name: string, wait: Promise<void>): void {
    wait.then(
      () => this.order.push(name),
      (error: Error) => this.order.push(`${name} ${error.message}`),
    )
  }

  async settled(): Promise<string[]> {
    await new Promise((resolve) => setImmediate(resolve))
    return this.order
  }
}

describe('waiting', () => {
  it('serves in the order of coming, readers together', async () => {
    const manager = new LockManager()
    const ended = new Ended()
    manager.set(1, posix('a', 'write'))
    for (const [name, type] of [['b', 'read'], ['c', 'write'], ['d', 'read']] as const) {
      ended.watch(name, manager.wait(1, posix(name, type)))
    }
    expect(await ended.settled()).toEqual([])
    manager.set(1, posix('a', 'unlock'))
    expect(await ended.settled()).toEqual(['b', 'd'])
    manager.releaseOwner(1, 'b', false)
    expect(await ended.settled()).toEqual(['b', 'd'])
    manager.releaseOwner(1, 'd', false)
    expect(await ended.settled()).toEqual(['b', 'd', 'c'])
    manager.releaseOwner(1, 'c', false)
    expect(manager.size).toBe(0)
  })

  it('ends by EINTR when aborted, and leaves no trace', async () => {
    const manager = new LockManager()
    const ended = new Ended()
    const stop = new AbortController()
    manager.set(1, flock('a', 'write'))
    ended.watch('b', manager.wait(1, flock('b', 'write'), stop.signal))
    await ended.settled()
    stop.abort()
    expect(await ended.settled()).toEqual(['b EINTR'])
    manager.releaseOwner(1, 'a', true)
    expect(manager.size).toBe(0)
    await expect(manager.wait(1, flock('b', 'write'), stop.signal)).rejects.toThrow('EINTR')
    expect(manager.size).toBe(0)
  })

  it('finds a circle through many inodes', async () => {
    const manager = new LockManager()
    const ended = new Ended()
    const owners = ['a', 'b', 'c', 'd']
    for (const [inode, owner] of owners.entries()) manager.set(inode, posix(owner, 'write'))
    for (const [inode, owner] of owners.slice(0, 3).entries()) {
      ended.watch(owner, manager.wait(inode + 1, posix(owner, 'read', 5, 5)))
    }
    expect(await ended.settled()).toEqual([])
    await expect(manager.wait(0, posix('d', 'write', 5, 5))).rejects.toThrow('EDEADLK')
    for (const [inode, owner] of [...owners.entries()].reverse()) manager.releaseOwner(inode, owner, false)
    expect(await ended.settled()).toEqual(['c', 'b', 'a'])
  })

  it('of flock owners is never a deadlock', async () => {
    const manager = new LockManager()
    const ended = new Ended()
    manager.set(1, flock('a', 'write'))
    manager.set(2, flock('b', 'write'))
    ended.watch('a', manager.wait(2, flock('a', 'write')))
    ended.watch('b', manager.wait(1, flock('b', 'write')))
    expect(await ended.settled()).toEqual([])
    manager.releaseOwner(1, 'a', true)
    expect(await ended.settled()).toEqual(['b'])
  })

  it('is refused at once when asked not to wait', () => {
    const manager = new LockManager()
    manager.set(1, posix('a', 'read'))
    expect(() => manager.lock(1, { ...posix('b', 'write'), wait: false })).toThrow('EAGAIN')
    manager.lock(1, { ...posix('b', 'read'), wait: false })
    expect(manager.test(1, posix('c', 'write'))).toMatchObject({ type: 'read' })
  })
})
