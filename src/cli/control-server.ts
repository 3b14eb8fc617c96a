/**
 * The socket over which a running mount is asked. Only its user can reach it.
 * @packageDocumentation
 */
import { chmodSync, mkdirSync, rmSync } from 'node:fs'
import { createServer, type Server, type Socket } from 'node:net'
import { join } from 'node:path'
import { BrochError } from '../lib/error.js'
import { type Ask, type Answer, decodeAsk, encodeLine, MAX_LINE_BYTES } from './control-protocol.js'
import { shortPath } from './socket-path.js'

export type AnswerAsk = (ask: Ask) => Promise<Answer>

export class ControlServer {
  readonly #server: Server
  readonly #path: string
  readonly #open = new Set<Promise<void>>()

  private constructor(server: Server, path: string) {
    this.#server = server
    this.#path = path
  }

  /** @throws BrochError IO when the folder cannot be used */
  static async listen(folder: string, answer: AnswerAsk): Promise<ControlServer> {
    const path = join(folder, `${process.pid}.sock`)
    try {
      mkdirSync(folder, { recursive: true, mode: 0o700 })
      rmSync(path, { force: true }) // of a process that had this number before
      const server = createServer()
      const control = new ControlServer(server, path)
      server.on('connection', (socket) => control.#serve(socket, answer))
      await control.#bind()
      server.unref()
      return control
    } catch (cause) {
      throw new BrochError('IO', 'the socket for broch status cannot be made', { cause })
    }
  }

  /** After what was asked is answered. */
  async close(): Promise<void> {
    this.#server.close()
    rmSync(this.#path, { force: true })
    await Promise.all(this.#open)
  }

  #bind(): Promise<void> {
    const short = shortPath(this.#path)
    const mask = process.umask(0o177)
    return new Promise<void>((resolve, reject) => {
      this.#server.once('error', reject)
      this.#server.listen(short.path, resolve)
    }).finally(() => {
      process.umask(mask)
      short.release()
    }).then(() => chmodSync(this.#path, 0o600))
  }

  #serve(socket: Socket, answer: AnswerAsk): void {
    let line = ''
    socket.setEncoding('utf8')
    socket.on('error', () => socket.destroy())
    const hear = (data: string): void => {
      line += data
      if (line.length > MAX_LINE_BYTES) socket.destroy()
      if (!line.includes('\n')) return
      socket.off('data', hear)
      const done = reply(line, answer).then((text) => sent(socket, text))
      this.#open.add(done)
      void done.finally(() => this.#open.delete(done))
    }
    socket.on('data', hear)
  }
}

async function reply(line: string, answer: AnswerAsk): Promise<string> {
  try {
    return encodeLine(await answer(decodeAsk(line)))
  } catch (error) {
    const { code, message } = error instanceof BrochError ? error : new BrochError('INTERNAL', 'the mount could not answer')
    return encodeLine({ ok: false, code, message })
  }
}

/** Also resolves when the other side has gone. */
function sent(socket: Socket, text: string): Promise<void> {
  return new Promise((resolve) => {
    socket.once('close', () => resolve())
    socket.end(text, () => resolve())
  })
}
