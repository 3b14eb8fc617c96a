/**
 * Where a pass phrase comes from: a file, a terminal, or a new file of its own. Never the command line.
 * @packageDocumentation
 */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { randomBytes } from 'node:crypto'
import { dirname } from 'node:path'
import { createInterface } from 'node:readline'
import { Writable } from 'node:stream'
import { BrochError } from '../lib/error.js'

/** First line of a file or FIFO. @throws BrochError INVALID */
export function readPassfile(path: string): Uint8Array {
  const line = attempt(path).split(/\r?\n/)[0] ?? ''
  if (line === '') throw new BrochError('INVALID', `the pass phrase file ${path} is empty`)
  return new TextEncoder().encode(line)
}

function attempt(path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch (cause) {
    throw new BrochError('INVALID', `the pass phrase file ${path} cannot be read`, { cause })
  }
}

/** From the file given, else from the terminal, else from the default file. */
export async function getPassphrase(passfile: string | undefined, fallback: string): Promise<Uint8Array> {
  if (passfile !== undefined) return readPassfile(passfile)
  if (existsSync(fallback)) return readPassfile(fallback)
  if (process.stdin.isTTY) return ask('Pass phrase: ')
  throw new BrochError('INVALID', 'no pass phrase: give --passfile FILE (there is no terminal to ask on)')
}

/** For a new space: asked twice, or made and kept in a file of mode 0600. */
export async function newPassphrase(passfile: string | undefined, fallback: string): Promise<Uint8Array> {
  if (passfile !== undefined) return readPassfile(passfile)
  if (process.stdin.isTTY) return askTwice()
  mkdirSync(dirname(fallback), { recursive: true, mode: 0o700 })
  writeFileSync(fallback, `${randomBytes(24).toString('base64url')}\n`, { mode: 0o600, flag: 'wx' })
  console.log(`A pass phrase was made. It is in ${fallback}: keep a copy, nothing opens the space without it.`)
  return readPassfile(fallback)
}

async function askTwice(): Promise<Uint8Array> {
  const first = await ask('New pass phrase: ')
  const second = await ask('Again: ')
  if (first.length > 0 && Buffer.compare(first, second) === 0) return first
  throw new BrochError('INVALID', 'the two pass phrases differ, or are empty; nothing was made')
}

/** One line from the terminal, not shown. */
function ask(question: string): Promise<Uint8Array> {
  process.stderr.write(question)
  const silent = new Writable({ write: (_chunk, _encoding, done) => done() })
  const lines = createInterface({ input: process.stdin, output: silent, terminal: true })
  return new Promise((resolve, reject) => {
    lines.once('line', (line) => {
      lines.close()
      process.stderr.write('\n')
      resolve(new TextEncoder().encode(line))
    })
    lines.once('SIGINT', () => {
      lines.close()
      reject(new BrochError('ABORTED', 'stopped; nothing was changed'))
    })
  })
}
