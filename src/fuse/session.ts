/**
 * Requests of the kernel, answered by a Filesystem: at once where it answers at once.
 * @packageDocumentation
 */
import { ERRNO } from '../vfs/errno.js'
import type { Filesystem, NodeId } from '../vfs/filesystem.js'
import { errnoOf } from './errno.js'
import { HANDLERS, type Reply } from './operations.js'
import { IN_HEADER_BYTES, NO_REPLY, OUT_HEADER_BYTES, u64 } from './protocol.js'

const NONE = Buffer.alloc(0)

export interface SessionOptions {
  readonly send: (header: Buffer, data: Uint8Array) => void
  readonly onFault: (error: unknown) => void
  /** After this a request that was not answered is given up with ETIMEDOUT: who waits for it must not wait for ever. */
  readonly deadlineMs: number
}

export class Session {
  readonly #fs: Filesystem
  readonly #options: SessionOptions
  /** How many requests wait for an answer that comes later. */
  #waiting = 0

  constructor(fs: Filesystem, options: SessionOptions) {
    this.#fs = fs
    this.#options = options
  }

  get waiting(): number {
    return this.#waiting
  }

  /** @param bytes - one whole request; not kept */
  receive(bytes: Buffer): void {
    const opcode = bytes.readUInt32LE(4)
    const unique = bytes.toString('latin1', 8, 16)
    const handler = HANDLERS.get(opcode)
    try {
      if (handler === undefined) {
        this.#answer(unique, ERRNO.ENOSYS, NONE)
        return
      }
      const caller = { uid: bytes.readUInt32LE(24), gid: bytes.readUInt32LE(28), pid: bytes.readUInt32LE(32) }
      const id = u64(bytes, 16) as NodeId
      const reply = handler(this.#fs, { opcode, unique, id, caller, body: bytes.subarray(IN_HEADER_BYTES) })
      if (reply instanceof Promise) this.#later(unique, reply)
      else this.#answer(unique, 0, reply)
    } catch (error) {
      this.#fail(unique, error)
    }
  }

  #later(unique: string, reply: Promise<Reply>): void {
    this.#waiting += 1
    let answered = false
    const once = (answer: () => void): void => {
      if (answered) return
      answered = true
      this.#waiting -= 1
      clearTimeout(deadline)
      answer()
    }
    const deadline = setTimeout(() => {
      once(() => this.#answer(unique, ERRNO.ETIMEDOUT, NONE))
    }, this.#options.deadlineMs)
    reply.then(
      (value) => once(() => this.#answer(unique, 0, value)),
      (error: unknown) => once(() => this.#fail(unique, error)),
    )
  }

  #fail(unique: string, error: unknown): void {
    const code = errnoOf(error)
    if (code === ERRNO.EIO) this.#options.onFault(error)
    this.#answer(unique, code, NONE)
  }

  #answer(unique: string, code: number, reply: Reply): void {
    if (reply === NO_REPLY) return
    const data = reply ?? NONE
    const header = Buffer.allocUnsafe(OUT_HEADER_BYTES)
    header.writeUInt32LE(OUT_HEADER_BYTES + data.length, 0)
    header.writeInt32LE(-code, 4)
    header.write(unique, 8, 'latin1')
    this.#options.send(header, data)
  }
}
