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

export interface RequestReader {
  readonly name: 'poll' | 'thread pool'
  /** Resolves when the mount is gone; the descriptor is closed then. Rejects with what reading failed for. */
  readonly done: Promise<void>
}

/** @param receive - gets one whole request, valid until it returns */
export function readRequests(fd: number, receive: (bytes: Buffer) => void): RequestReader {
  const handle = process.env['BROCH_READER'] === 'pool' ? undefined : pipeHandle(fd)
  if (handle === undefined) return { name: 'thread pool', done: readOnPool(fd, receive).finally(() => closeSync(fd)) }
  return { name: 'poll', done: readByPoll(handle, receive) }
}

interface PipeHandle {
  open(fd: number): number | undefined
}

/** A libuv pipe on the descriptor; undefined when this Node has no such thing. */
function pipeHandle(fd: number): PipeHandle | undefined {
  try {
    const { binding } = process as unknown as { readonly binding: (name: string) => { Pipe: new (kind: number) => PipeHandle; constants: { SOCKET: number } } }
    const { Pipe, constants } = binding('pipe_wrap')
    const handle = new Pipe(constants.SOCKET)
    return (handle.open(fd) ?? 0) === 0 ? handle : undefined
  } catch {
    return undefined
  }
}

function readByPoll(handle: PipeHandle, receive: (bytes: Buffer) => void): Promise<void> {
  const buffer = Buffer.allocUnsafe(BUFFER_BYTES)
  const onread = {
    buffer,
    callback: (length: number): boolean => {
      receive(buffer.subarray(0, length))
      return true
    },
  }
  const options = { handle, onread, writable: false }
  const socket = new Socket(options)
  return new Promise((done, fail) => {
    socket.on('error', (error: NodeJS.ErrnoException) => {
      if (error.code === 'ENODEV') done()
      else fail(error)
    })
    socket.on('close', () => done())
    socket.resume()
  })
}

/** These say that the request went away or that there is none yet. */
const AGAIN = new Set(['ENOENT', 'EINTR', 'EAGAIN', 'EPERM'])

function readOnPool(fd: number, receive: (bytes: Buffer) => void): Promise<void> {
  const buffer = Buffer.allocUnsafe(BUFFER_BYTES)
  return new Promise((done, fail) => {
    const next = (): void => {
      read(fd, buffer, 0, BUFFER_BYTES, null, (error, length) => {
        if (error?.code === 'ENODEV') done()
        else if (error !== null && !AGAIN.has(error.code ?? '')) fail(error)
        else {
          if (error === null) receive(buffer.subarray(0, length))
          // EPERM: not mounted yet
          if (error?.code === 'EPERM') setImmediate(next)
          else next()
        }
      })
    }
    next()
  })
}
