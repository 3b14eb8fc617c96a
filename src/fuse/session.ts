/**
 * Requests of the kernel, answered by a Filesystem: at once where it answers at once.
 * @packageDocumentation
 */
import { ERRNO } from '../vfs/errno.js'
import type { Filesystem, NodeId } from '../vfs/filesystem.js'
import { errnoOf } from './errno.js'
import { type Operation, OPERATIONS, SILENT } from './operations.js'
import { IN_HEADER_BYTES, u64 } from './protocol.js'
import { ReplyBuffer } from './reply-buffer.js'

export interface SessionOptions {
  /** Sends one answer, in one piece or two; neither is valid afterwards. */
  readonly send: (answer: Buffer, data?: Uint8Array) => void
  readonly onFault: (error: unknown) => void
  /** After this a request that was not answered is given up with ETIMEDOUT: who waits for it must not wait for ever. */
  readonly deadlineMs: number
}

export class Session {
  readonly #fs: Filesystem
  readonly #options: SessionOptions
  readonly #reply = new ReplyBuffer()
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
    const unique = bytes.subarray(8, 16)
    const operation = OPERATIONS.get(opcode)
    if (operation === undefined) {
      this.#refuse(unique, ERRNO.ENOSYS)
      return
    }
    try {
      const caller = { uid: bytes.readUInt32LE(24), gid: bytes.readUInt32LE(28), pid: bytes.readUInt32LE(32) }
      const value = operation.run(this.#fs, { id: u64(bytes, 16) as NodeId, caller, body: bytes.subarray(IN_HEADER_BYTES) })
      if (value instanceof Promise) this.#later(Buffer.from(unique), operation, value)
      else if (!SILENT.has(opcode)) this.#answer(unique, operation, value)
    } catch (error) {
      if (!SILENT.has(opcode)) this.#fail(unique, error)
    }
  }

  #later(unique: Buffer, operation: Operation<unknown>, result: Promise<unknown>): void {
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
      once(() => this.#refuse(unique, ERRNO.ETIMEDOUT))
    }, this.#options.deadlineMs)
    result.then(
      (value) => once(() => this.#tryAnswer(unique, operation, value)),
      (error: unknown) => once(() => this.#fail(unique, error)),
    )
  }

  #tryAnswer(unique: Buffer, operation: Operation<unknown>, value: unknown): void {
    try {
      this.#answer(unique, operation, value)
    } catch (error) {
      this.#fail(unique, error)
    }
  }

  #fail(unique: Buffer, error: unknown): void {
    const code = errnoOf(error)
    if (code === ERRNO.EIO) this.#options.onFault(error)
    this.#refuse(unique, code)
  }

  #refuse(unique: Buffer, code: number): void {
    this.#options.send(this.#reply.finish(unique, code, 0, true))
  }

  #answer(unique: Buffer, operation: Operation<unknown>, value: unknown): void {
    const body = operation.reply(value, this.#reply)
    if (typeof body === 'number') this.#options.send(this.#reply.finish(unique, 0, body, true))
    else this.#options.send(this.#reply.finish(unique, 0, body.length, false), body)
  }
}
