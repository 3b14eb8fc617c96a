/**
 * Requests of the kernel, answered by a Filesystem: at once where it answers at once.
 * @packageDocumentation
 */
import { ERRNO } from '../vfs/errno.js'
import type { Filesystem, NodeId } from '../vfs/filesystem.js'
import { errnoOf } from './errno.js'
import { INTERRUPTIBLE, lookupsCounted, type Operation, OPERATIONS, SILENT } from './operations.js'
import { IN_HEADER_BYTES, OP, u64 } from './protocol.js'
import { ReplyBuffer } from './reply-buffer.js'

export interface SessionOptions {
  /** Sends one answer, in one piece or two; neither is valid afterwards. */
  readonly send: (answer: Buffer, data?: Uint8Array) => void
  readonly onFault: (error: unknown) => void
  /** After this a request that was not answered is given up with ETIMEDOUT: who waits for it must not wait for ever. */
  readonly deadlineMs: number
  /** Whether this thread is being killed: then nobody is there to be surprised by EINTR. */
  readonly isKilled: (pid: number) => boolean
}

export class Session {
  readonly #fs: Filesystem
  readonly #options: SessionOptions
  readonly #reply = new ReplyBuffer()
  /** Requests that wait for an answer that comes later, and what to do when the kernel wants them no more. */
  readonly #waiting = new Map<string, () => void>()

  constructor(fs: Filesystem, options: SessionOptions) {
    this.#fs = fs
    this.#options = options
  }

  get waiting(): number {
    return this.#waiting.size
  }

  /** @param bytes - one whole request; not kept */
  receive(bytes: Buffer): void {
    const opcode = bytes.readUInt32LE(4)
    const unique = bytes.subarray(8, 16)
    const operation = OPERATIONS.get(opcode)
    if (operation === undefined) {
      if (opcode === OP.INTERRUPT) this.#waiting.get(name(bytes.subarray(IN_HEADER_BYTES)))?.()
      else this.#refuse(unique, ERRNO.ENOSYS)
      return
    }
    try {
      const caller = { uid: bytes.readUInt32LE(24), gid: bytes.readUInt32LE(28), pid: bytes.readUInt32LE(32) }
      const value = operation.run(this.#fs, { id: u64(bytes, 16) as NodeId, caller, body: bytes.subarray(IN_HEADER_BYTES) })
      if (value instanceof Promise) this.#later({ unique: Buffer.from(unique), opcode, pid: caller.pid }, operation, value)
      else if (!SILENT.has(opcode)) this.#answer(unique, operation, value)
    } catch (error) {
      if (!SILENT.has(opcode)) this.#fail(unique, error)
    }
  }

  #later({ unique, opcode, pid }: LateRequest, operation: Operation<unknown>, result: Promise<unknown>): void {
    let answered = false
    const once = (answer: () => void): void => {
      if (answered) return
      answered = true
      this.#waiting.delete(name(unique))
      clearTimeout(deadline)
      answer()
    }
    const giveUp = (code: number): void => once(() => this.#refuse(unique, code))
    const deadline = setTimeout(() => giveUp(ERRNO.ETIMEDOUT), this.#options.deadlineMs)
    // a program that handles its signal and goes on expects no EINTR of stat(2) and its like: no disk gives it
    this.#waiting.set(name(unique), () => {
      if (INTERRUPTIBLE.has(opcode) && this.#options.isKilled(pid)) giveUp(ERRNO.EINTR)
    })
    const arrived = (value: unknown): void => {
      // the kernel counts no lookup in an answer that it did not get
      if (answered) for (const id of lookupsCounted(opcode, value)) this.#fs.forget(id, 1)
      once(() => this.#tryAnswer(unique, operation, value))
    }
    result.then(arrived, (error: unknown) => once(() => this.#fail(unique, error))).catch(this.#options.onFault)
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

  /** What cannot even be refused must not end the process: all others wait on it. */
  #refuse(unique: Buffer, code: number): void {
    try {
      this.#options.send(this.#reply.finish(unique, code, 0, true))
    } catch (error) {
      this.#options.onFault(error)
    }
  }

  #answer(unique: Buffer, operation: Operation<unknown>, value: unknown): void {
    const body = operation.reply(value, this.#reply)
    if (typeof body === 'number') this.#options.send(this.#reply.finish(unique, 0, body, true))
    else this.#options.send(this.#reply.finish(unique, 0, body.length, false), body)
  }
}

interface LateRequest {
  readonly unique: Buffer
  readonly opcode: number
  readonly pid: number
}

/** The number of a request, as a key. */
function name(unique: Buffer): string {
  return unique.toString('latin1', 0, 8)
}
