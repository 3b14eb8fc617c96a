/**
 * Questions on the terminal whose answers are not shown.
 * @packageDocumentation
 */
import type { ReadStream } from 'node:tty'
import { BrochError } from '../lib/error.js'

const KEY = { interrupt: 0x03, end: 0x04, backspace: 0x08, newline: 0x0a, carriage: 0x0d, kill: 0x15, delete: 0x7f } as const

/** One reader for several questions: what was typed ahead answers the next. */
export class Terminal {
  readonly #input: ReadStream
  #ahead: number[] = []

  constructor(input: ReadStream = process.stdin) {
    this.#input = input
  }

  /** @throws BrochError ABORTED on Ctrl-C, Ctrl-D or the end of input */
  async ask(question: string): Promise<Uint8Array> {
    const wasRaw = this.#input.isRaw
    this.#input.setRawMode(true) // before the question: who answers at once is not shown either
    process.stderr.write(question)
    try {
      return await this.#line()
    } finally {
      this.#input.setRawMode(wasRaw)
      this.#input.pause()
      process.stderr.write('\n')
    }
  }

  #line(): Promise<Uint8Array> {
    const typed: number[] = []
    return new Promise((resolve, reject) => {
      const stop = (): void => {
        this.#input.off('data', hear).off('end', ended)
      }
      const ended = (): void => {
        stop()
        reject(new BrochError('ABORTED', 'stopped'))
      }
      const hear = (data: Uint8Array): void => {
        this.#ahead.push(...data)
        const state = this.#take(typed)
        if (state === 'open') return
        stop()
        if (state === 'done') resolve(Uint8Array.from(typed))
        else reject(new BrochError('ABORTED', 'stopped'))
      }
      this.#input.on('data', hear).on('end', ended)
      hear(new Uint8Array())
      if (this.#input.listenerCount('data') > 0) this.#input.resume()
    })
  }

  /** Edits the line by the keys typed so far. */
  #take(typed: number[]): 'open' | 'done' | 'aborted' {
    for (let key = this.#ahead.shift(); key !== undefined; key = this.#ahead.shift()) {
      if (key === KEY.newline || key === KEY.carriage) return 'done'
      if (key === KEY.interrupt || key === KEY.end) return 'aborted'
      if (key === KEY.backspace || key === KEY.delete) dropCharacter(typed)
      else if (key === KEY.kill) typed.length = 0
      else typed.push(key)
    }
    return 'open'
  }
}

/** A whole character of UTF-8: its continuation bytes, then its first. */
function dropCharacter(typed: number[]): void {
  while (typed.length > 0 && ((typed.at(-1) as number) & 0xc0) === 0x80) typed.pop()
  typed.pop()
}
