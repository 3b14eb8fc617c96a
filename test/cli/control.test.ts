import { mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { connect, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { askMount, findMounts } from '../../src/cli/control-client.js'
import { type Answer, decodeAnswer, decodeAsk, type MountStatus } from '../../src/cli/control-protocol.js'
import { ControlServer } from '../../src/cli/control-server.js'
import { RateLimit } from '../../src/cli/rate-limit.js'
import { showBytes, showName } from '../../src/cli/safe-text.js'
import { BrochError } from '../../src/lib/error.js'

const STATUS: MountStatus = {
  dir: '/m', store: '/s', pid: process.pid, since: '2020-01-01T00:00:00.000Z', transport: 'kernel', readOnly: false, dirtyBytes: 1, dirtyInodes: 2,
  sequence: 3, usage: { blocks: 4, bytes: 5, freeBytes: 6, totalBytes: 7 }, alarms: [],
}

describe('the socket of a mount', () => {
  let folder = ''
  let server: ControlServer | undefined
  beforeEach(() => {
    folder = join(mkdtempSync(join(tmpdir(), 'broch-control-')), 'd'.repeat(90)) // longer than a socket's address
  })
  afterEach(async () => {
    await server?.close()
    server = undefined
    rmSync(join(folder, '..'), { recursive: true, force: true })
  })
  const listen = async (answer: () => Promise<Answer>): Promise<string> => {
    server = await ControlServer.listen(folder, answer)
    return join(folder, readdirSync(folder)[0] as string)
  }

  test('answers, and only its user can reach it', async () => {
    const socket = await listen(() => Promise.resolve({ ok: true, status: STATUS }))
    expect(statSync(socket).mode & 0o777).toBe(0o600)
    expect(statSync(folder).mode & 0o777).toBe(0o700)
    expect(await findMounts(folder)).toEqual({ mounts: [{ socket, status: STATUS }], silent: [] })
  })

  test('passes on a refusal with its code', async () => {
    const socket = await listen(() => Promise.reject(new BrochError('MOUNT_BUSY', 'in use')))
    await expect(askMount(socket, { ask: 'unmount', force: false })).rejects.toMatchObject({ code: 'MOUNT_BUSY', message: 'in use' })
  })

  test('of a mount that cannot say how it is is told apart from one that has gone', async () => {
    await listen(() => Promise.resolve({ ok: true }))
    expect(await findMounts(folder)).toEqual({ mounts: [], silent: [process.pid] })
  })

  test('closes after what was asked is answered', async () => {
    let release: (answer: Answer) => void = () => undefined
    const asked = new Promise<void>((heard) => {
      void listen(() => {
        heard()
        return new Promise((resolve) => (release = resolve))
      }).then((socket) => (answer = askMount(socket, { ask: 'unmount', force: false })))
    })
    let answer: Promise<unknown> = Promise.resolve()
    await asked
    const closed = server?.close()
    release({ ok: true })
    await closed
    await expect(answer).resolves.toBeUndefined()
  })

  test('refuses what is no question, and lines without end', async () => {
    const socket = await listen(() => Promise.resolve({ ok: true }))
    const say = (line: string) => new Promise<string>((resolve) => {
      let heard = ''
      // through the short path that the client uses too
      process.chdir(folder)
      const connection = connect(`./${socket.slice(folder.length + 1)}`, () => connection.write(line))
      connection.on('data', (data) => (heard += data.toString()))
      connection.on('error', () => undefined)
      connection.on('close', () => resolve(heard))
    })
    const before = process.cwd()
    try {
      expect(await say('nonsense\n')).toContain('"INVALID"')
      expect(await say('{"v":2,"ask":"status"}\n')).toContain('"UNSUPPORTED"')
      expect(await say('x'.repeat(70_000))).toBe('')
    } finally {
      process.chdir(before)
    }
  })

  test('of a process that was killed is recognised and taken away', async () => {
    await listen(() => Promise.resolve({ ok: true, status: STATUS }))
    const stale = join(folder, '..', 's.sock')
    const dead = createServer()
    await new Promise<void>((resolve) => dead.listen(stale, resolve))
    // a socket file without a listener: bound under another name, so that closing leaves it
    writeFileSync(join(folder, 'plain.sock'), '')
    const { linkSync } = await import('node:fs')
    linkSync(stale, join(folder, 'stale.sock'))
    await new Promise((resolve) => dead.close(resolve))
    expect((await findMounts(folder)).mounts).toHaveLength(1)
    expect(readdirSync(folder)).not.toContain('stale.sock')
  })
})

describe('the control protocol', () => {
  test.each(['', '[]', 'null', '{"v":1}', '{"v":1,"ask":"unmount"}', '{"v":1,"ask":"unmount","force":"yes"}', '{"v":1,"ask":"passphrase"}'])('refuses %s', (line) => {
    expect(() => decodeAsk(line)).toThrow(BrochError)
  })

  test('an answer without a line is an error, not a status', () => {
    expect(() => decodeAnswer('')).toThrow(BrochError)
  })
})

describe('what is told', () => {
  test('a fault comes through once a minute, with how often it came', () => {
    let now = 0
    const limit = new RateLimit(() => now)
    expect(limit.pass('a')).toBe('a')
    expect(limit.pass('a')).toBeUndefined()
    expect(limit.pass('b')).toBe('b')
    now += 59_999
    expect(limit.pass('a')).toBeUndefined()
    now += 1
    expect(limit.pass('a')).toBe('a (and 2 times more before)')
  })

  test('names show nothing that acts on a terminal', () => {
    expect(showName(Buffer.from('a\u001b[31mb\u009bc\nd'))).toBe('a\\u001b[31mb\\u009bc\\u000ad')
    expect(showName(Uint8Array.of(0xff, 0x41, 0x1b))).toBe('\\xffA\\x1b')
    expect(showName(Buffer.from('Äpfel 日本'))).toBe('Äpfel 日本')
  })

  test.each([[0, '0 bytes'], [1023, '1023 bytes'], [1536, '1.5 KiB'], [2 ** 53, '8.0 PiB']])('%d bytes are %s', (bytes, text) => {
    expect(showBytes(bytes)).toBe(text)
  })
})
