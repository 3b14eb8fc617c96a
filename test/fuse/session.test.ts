import { describe, expect, test } from 'vitest'
import { OP } from '../../src/fuse/protocol.js'
import { Session } from '../../src/fuse/session.js'
import { ERRNO } from '../../src/vfs/errno.js'
import type { Entry, Filesystem, NodeId } from '../../src/vfs/filesystem.js'
import { testSpace } from '../support/space.js'

const ROOT = 1

/** Of a thread that is being killed. */
const KILLED = 4242

function request(opcode: number, unique: number, body: Uint8Array, pid = KILLED): Buffer {
  const header = Buffer.alloc(40)
  header.writeUInt32LE(40 + body.length, 0)
  header.writeUInt32LE(opcode, 4)
  header.writeBigUInt64LE(BigInt(unique), 8)
  header.writeBigUInt64LE(BigInt(ROOT), 16)
  header.writeUInt32LE(pid, 32)
  return Buffer.concat([header, body])
}

function interrupt(unique: number): Buffer {
  const body = Buffer.alloc(8)
  body.writeBigUInt64LE(BigInt(unique), 0)
  return request(OP.INTERRUPT, unique + 1, body)
}

/** A real filesystem, some operations of which end when the test says so. */
async function slowSession(changed: (fs: Filesystem) => Partial<Filesystem>, deadlineMs = 60_000) {
  const fs = await testSpace().open()
  const forgotten: [NodeId, number][] = []
  const answers: { unique: number; code: number }[] = []
  const faults: unknown[] = []
  const slow = new Proxy<Filesystem>(fs, {
    get: (target, name) => {
      if (name === 'forget') return (id: NodeId, count: number) => forgotten.push([id, count])
      const value: unknown = Reflect.get(changed(target), name) ?? Reflect.get(target, name)
      return typeof value === 'function' ? (value as () => unknown).bind(target) : value
    },
  })
  const send = (header: Buffer): void => {
    answers.push({ unique: Number(header.readBigUInt64LE(8)), code: Math.abs(header.readInt32LE(4)) })
  }
  const session = new Session(slow, { send, onFault: (error) => faults.push(error), deadlineMs, isKilled: (pid) => pid === KILLED })
  return { session, fs, forgotten, answers, faults }
}

const NAME = Buffer.from('a\0')
const caller = { uid: 0, gid: 0, pid: 1 }

describe('session', () => {
  test('a lookup of who is killed is answered EINTR at once, and what it found later is forgotten', async () => {
    let found: (entry: Entry) => void = () => undefined
    const waiting = new Promise<Entry>((resolve) => (found = resolve))
    const { session, fs, forgotten, answers } = await slowSession(() => ({ lookup: () => waiting }))
    session.receive(request(OP.LOOKUP, 10, NAME))
    expect(answers).toEqual([])
    session.receive(interrupt(10))
    expect(answers).toEqual([{ unique: 10, code: ERRNO.EINTR }])
    const entry = await fs.create(caller, ROOT as NodeId, Buffer.from('a'), { mode: 0o644, umask: 0 })
    found(entry)
    await waiting
    await Promise.resolve()
    expect(forgotten).toEqual([[entry.id, 1]])
    expect(answers).toHaveLength(1)
    expect(session.waiting).toBe(0)
  })

  test('who handles a signal and goes on is not answered EINTR', async () => {
    let end: (entry: Entry) => void = () => undefined
    const waiting = new Promise<Entry>((resolve) => (end = resolve))
    const { session, fs, answers } = await slowSession(() => ({ lookup: () => waiting }))
    session.receive(request(OP.LOOKUP, 10, NAME, KILLED + 1))
    session.receive(interrupt(10))
    expect(answers).toEqual([])
    end(await fs.create(caller, ROOT as NodeId, Buffer.from('a'), { mode: 0o644, umask: 0 }))
    await waiting
    await Promise.resolve()
    expect(answers).toEqual([{ unique: 10, code: 0 }])
  })

  test('a change that waits is not answered EINTR: it will happen', async () => {
    let end: () => void = () => undefined
    const waiting = new Promise<void>((resolve) => (end = resolve))
    const { session, answers } = await slowSession(() => ({ unlink: () => waiting }))
    session.receive(request(OP.UNLINK, 10, NAME))
    session.receive(interrupt(10))
    expect(answers).toEqual([])
    end()
    await waiting
    await Promise.resolve()
    expect(answers).toEqual([{ unique: 10, code: 0 }])
  })

  test('an interrupt of what is answered already does nothing', async () => {
    const { session, answers } = await slowSession(() => ({}))
    session.receive(request(OP.LOOKUP, 10, NAME))
    session.receive(interrupt(10))
    expect(answers).toEqual([{ unique: 10, code: 0 }])
  })

  test('who waits past the deadline is told ETIMEDOUT', async () => {
    const { session, answers } = await slowSession(() => ({ rmdir: () => new Promise<void>(() => undefined) }), 1)
    session.receive(request(OP.RMDIR, 10, NAME))
    await expect.poll(() => answers).toEqual([{ unique: 10, code: ERRNO.ETIMEDOUT }])
  })

  test('an operation that throws what it should not is EIO, told of, and the next one works', async () => {
    const { session, answers, faults } = await slowSession(() => ({ readlink: () => { throw new TypeError('a bug') } }))
    session.receive(request(OP.READLINK, 10, Buffer.alloc(0)))
    session.receive(request(OP.LOOKUP, 12, NAME))
    expect(answers).toEqual([{ unique: 10, code: ERRNO.EIO }, { unique: 12, code: 0 }])
    expect(faults).toHaveLength(1)
  })

  test('a request of unknown kind or cut short is refused, and nothing breaks', async () => {
    const { session, answers } = await slowSession(() => ({}))
    session.receive(request(9999, 10, Buffer.alloc(0)))
    session.receive(request(OP.READ, 12, Buffer.alloc(3)))
    expect(answers).toEqual([{ unique: 10, code: ERRNO.ENOSYS }, { unique: 12, code: ERRNO.EIO }])
  })
})
