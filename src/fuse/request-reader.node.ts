/**
 * Reading requests from /dev/fuse: through the event loop's own poll, or one read at a time on the thread pool.
 *
 * The first costs a third of the second's CPU, but no public interface of Node gives it: a libuv pipe handle takes the
 * descriptor, where net.Socket alone refuses it. Where that is not to be had the second is used.
 * @packageDocumentation
 */
import { closeSync, read } from 'node:fs'
import { Socket } from 'node:net'
import { MAX_WRITE } from './protocol.js'

const BUFFER_BYTES = MAX_WRITE + 4096

/** The kernel's first request comes with the mount. Where the event loop has not brought it by then, it never will. */
const FIRST_MS = 3000

export interface RequestReader {
  readonly name: 'poll' | 'thread pool'
  /** Resolves when the mount is gone; the descriptor is closed then. Rejects with what reading failed for. */
  readonly done: Promise<void>
  /** The descriptor is closed: its number may be another file's by now. */
  readonly isClosed: boolean
  /** Closes the descriptor: the kernel then fails what is asked of the mount. */
  stop(): void
}

/** A libuv pipe: what of it is used. */
export interface PipeHandle {
  open(fd: number): number | undefined
}

export interface ReaderOptions {
  /** @returns undefined when this Node has no such thing */
  readonly openHandle?: (fd: number) => PipeHandle | undefined
  readonly firstMs?: number
}

/** @param receive - gets one whole request, valid until it returns */
export function readRequests(fd: number, receive: (bytes: Buffer) => void, { openHandle = pipeHandle, firstMs = FIRST_MS }: ReaderOptions = {}): RequestReader {
  const handle = process.env['BROCH_READER'] === 'pool' ? undefined : openHandle(fd)
  if (handle === undefined) return new PoolReader(fd, receive, () => closeSync(fd))
  return new PollReader(fd, handle, receive, firstMs)
}

export function pipeHandle(fd: number): PipeHandle | undefined {
  try {
    const { binding } = process as unknown as { readonly binding: (name: string) => { Pipe: new (kind: number) => PipeHandle; constants: { SOCKET: number } } }
    const { Pipe, constants } = binding('pipe_wrap')
    const handle = new Pipe(constants.SOCKET)
    return (handle.open(fd) ?? 0) === 0 ? handle : undefined
  } catch {
    return undefined
  }
}

/** docs/decisions/0008-stay-awake.md */
const VIGIL_MS = 0.1

/**
 * Keeps the event loop awake for a moment after a request: the next one of a program that goes on comes in less time
 * than it takes a processor to fall asleep and be woken.
 */
class Vigil {
  #until = 0
  #isKept = false

  extend(): void {
    this.#until = performance.now() + VIGIL_MS
    if (this.#isKept) return
    this.#isKept = true
    setImmediate(this.#keep)
  }

  readonly #keep = (): void => {
    if (performance.now() < this.#until) setImmediate(this.#keep)
    else this.#isKept = false
  }
}

class PollReader implements RequestReader {
  name: RequestReader['name'] = 'poll'
  readonly done: Promise<void>
  readonly #socket: Socket
  #pool: PoolReader | undefined

  constructor(fd: number, handle: PipeHandle, receive: (bytes: Buffer) => void, firstMs: number) {
    const buffer = Buffer.allocUnsafe(BUFFER_BYTES)
    const callback = (length: number): boolean => {
      clearTimeout(first)
      receive(buffer.subarray(0, length))
      vigil.extend()
      return true
    }
    const vigil = new Vigil()
    const options = { handle, onread: { buffer, callback }, writable: false }
    this.#socket = new Socket(options)
    const polled = this.#poll()
    let fallBack: (done: Promise<void>) => void = () => undefined
    const silent = new Promise<void>((resolve) => {
      fallBack = resolve
    })
    const first = setTimeout(() => {
      this.#socket.pause()
      this.#pool = new PoolReader(fd, receive, () => this.#socket.destroy())
      this.name = this.#pool.name
      fallBack(this.#pool.done)
    }, firstMs)
    this.done = Promise.race([polled, silent]).finally(() => clearTimeout(first))
  }

  get isClosed(): boolean {
    return this.#socket.destroyed
  }

  stop(): void {
    this.#pool?.stop()
    this.#socket.destroy()
  }

  #poll(): Promise<void> {
    return new Promise((done, fail) => {
      this.#socket.on('error', (error: NodeJS.ErrnoException) => {
        if (error.code === 'ENODEV') done()
        else fail(error)
      })
      this.#socket.on('close', () => done())
      this.#socket.resume()
    })
  }
}

/** These say that the request went away or that there is none yet. */
const AGAIN = new Set(['ENOENT', 'EINTR', 'EAGAIN'])
/** A descriptor that polling was tried on does not wait: it is asked again after this. */
const AGAIN_MS = 1

class PoolReader implements RequestReader {
  readonly name = 'thread pool'
  readonly done: Promise<void>
  isClosed = false
  #stopped = false

  constructor(fd: number, receive: (bytes: Buffer) => void, close: () => void) {
    const buffer = Buffer.allocUnsafe(BUFFER_BYTES)
    this.done = new Promise<void>((done, fail) => {
      const next = (): void => {
        read(fd, buffer, 0, BUFFER_BYTES, null, (error, length) => {
          if (error === null) receive(buffer.subarray(0, length))
          if (this.#stopped || error?.code === 'ENODEV') done()
          else if (error === null) next()
          else if (AGAIN.has(error.code ?? '')) setTimeout(next, error.code === 'EAGAIN' ? AGAIN_MS : 0)
          else fail(error)
        })
      }
      next()
    }).finally(() => {
      this.isClosed = true
      close()
    })
  }

  /** A read that waits for a request ends with it, or with the mount. */
  stop(): void {
    this.#stopped = true
  }
}
