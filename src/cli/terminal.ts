/**
 * Questions on the terminal whose answers are not shown.
 * @packageDocumentation
 */
import { openSync } from 'node:fs'
import { ReadStream } from 'node:tty'
import { BrochError } from '../lib/error.js'

const KEY = { interrupt: 0x03, end: 0x04, backspace: 0x08, newline: 0x0a, carriage: 0x0d, kill: 0x15, delete: 0x7f } as const

/** One for all questions: what was typed ahead answers the next. */
export class Terminal {
  readonly #ahead: number[] = []

  /** @throws BrochError ABORTED on Ctrl-C, Ctrl-D or the end of input */
  async ask(question: string): Promise<Uint8Array> {
    // a stream for each question: process.stdin may not read again when it is paused and resumed at once
    const input = new ReadStream(openTerminal())
    input.setRawMode(true) // before the question: who answers at once is not shown either
    process.stderr.write(question)
    try {
      return await this.#line(input)
    } finally {
      input.setRawMode(false)
      input.destroy()
      process.stderr.write('\n')
    }
  }

  #line(input: ReadStream): Promise<Uint8Array> {
    const typed: number[] = []
    return new Promise((resolve, reject) => {
      const abort = (): void => reject(new BrochError('ABORTED', 'stopped'))
      const hear = (data: Uint8Array): void => {
        this.#ahead.push(...data)
        const state = this.#take(typed)
        if (state === 'done') resolve(Uint8Array.from(typed))
        else if (state === 'aborted') abort()
      }
      hear(new Uint8Array())
      input.on('data', hear).on('end', abort).on('error', abort)
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

/** By a name that also opens after su(1), when the device belongs to another user. @throws BrochError INVALID */
function openTerminal(): number {
  for (const path of ['/dev/tty', '/dev/stdin']) {
    try {
      return openSync(path, 'r')
    } catch {
      continue
    }
  }
  throw new BrochError('INVALID', 'the terminal cannot be read: give --passfile FILE or --extpass CMD')
}

/** A whole character of UTF-8: its continuation bytes, then its first. */
function dropCharacter(typed: number[]): void {
  while (typed.length > 0 && ((typed.at(-1) as number) & 0xc0) === 0x80) typed.pop()
  typed.pop()
}
