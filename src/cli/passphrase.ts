/**
 * Where a pass phrase comes from: a file, a command, a terminal, or a new file of its own. Never the command line.
 * @packageDocumentation
 */
import { spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { existsSync, mkdirSync, writeFileSync } from 'node:fs'
import { open } from 'node:fs/promises'
import { dirname } from 'node:path'
import { BrochError } from '../lib/error.js'
import { Terminal } from './terminal.js'

export interface PassphraseSource {
  readonly passfile: string | undefined
  /** a command and its arguments; empty for none */
  readonly extpass: readonly string[]
  /** the file made when there was no terminal */
  readonly kept: string
}

export interface Passphrase {
  readonly bytes: Uint8Array
  /** the file it lies in, when Broch made one */
  readonly kept?: string
}

const MAX_BYTES = 65_536
/** One for all questions. */
const terminal = new Terminal()

/** Of a space that is there. @throws BrochError INVALID when there is none to be had */
export async function getPassphrase(source: PassphraseSource): Promise<Passphrase> {
  const given = await givenPassphrase(source)
  if (given !== undefined) return { bytes: given }
  if (existsSync(source.kept)) return { bytes: await readPassfile(source.kept), kept: source.kept }
  if (process.stdin.isTTY) return { bytes: notEmpty(await terminal.ask('Pass phrase: ')) }
  throw new BrochError('INVALID', 'no pass phrase: give --passfile FILE or --extpass CMD (there is no terminal to ask on)')
}

/** For a new space: given, asked twice, or made and kept in a file of mode 0600. */
export async function newPassphrase(source: PassphraseSource): Promise<Passphrase> {
  const given = await givenPassphrase(source)
  if (given !== undefined) return { bytes: given }
  if (existsSync(source.kept)) return { bytes: await readPassfile(source.kept), kept: source.kept }
  if (process.stdin.isTTY) return { bytes: await askTwice() }
  writePassfile(source.kept, randomBytes(24).toString('base64url'))
  return { bytes: await readPassfile(source.kept), kept: source.kept }
}

/** @throws BrochError ABORTED; INVALID when the two differ */
export async function askTwice(): Promise<Uint8Array> {
  const first = notEmpty(await terminal.ask('New pass phrase: '))
  const second = await terminal.ask('The same again: ')
  if (Buffer.compare(first, second) === 0) return first
  throw new BrochError('INVALID', 'the two pass phrases differ')
}

export async function givenPassphrase({ passfile, extpass }: Pick<PassphraseSource, 'passfile' | 'extpass'>): Promise<Uint8Array | undefined> {
  if (passfile !== undefined) return readPassfile(passfile)
  return extpass.length > 0 ? runForPassphrase(extpass) : undefined
}

/** First line of a file or FIFO. @throws BrochError INVALID */
async function readPassfile(path: string): Promise<Uint8Array> {
  try {
    const file = await open(path, 'r')
    try {
      const stat = await file.stat()
      if (stat.isFile() && (stat.mode & 0o077) !== 0) console.error(`broch: warning: others can read the pass phrase file ${path}. To close it: chmod 600 ${path}`)
      return notEmpty(firstLine(await readUpTo(file)), 'the pass phrase file is empty')
    } finally {
      await file.close()
    }
  } catch (cause) {
    if (cause instanceof BrochError) throw cause
    throw new BrochError('INVALID', `the pass phrase file ${path} cannot be read`, { cause })
  }
}

async function readUpTo(file: Awaited<ReturnType<typeof open>>): Promise<Uint8Array> {
  const buffer = Buffer.alloc(MAX_BYTES)
  let end = 0
  while (end < MAX_BYTES && !buffer.subarray(0, end).includes(0x0a)) {
    const { bytesRead } = await file.read(buffer, end, MAX_BYTES - end, null)
    if (bytesRead === 0) break
    end += bytesRead
  }
  return buffer.subarray(0, end)
}

/** No shell takes part: what it is given is a program and its arguments. */
async function runForPassphrase([program = '', ...args]: readonly string[]): Promise<Uint8Array> {
  const child = spawn(program, args, { stdio: ['inherit', 'pipe', 'inherit'] })
  const parts: Buffer[] = []
  child.stdout.on('data', (data: Buffer) => parts.push(data))
  const code = await new Promise<number | null>((resolve, reject) => {
    child.once('error', (cause) => reject(new BrochError('INVALID', `the command of --extpass cannot be run: ${program}`, { cause })))
    child.once('close', resolve)
  })
  if (code !== 0) throw new BrochError('INVALID', `the command of --extpass ended with ${code ?? 'a signal'}, so there is no pass phrase`)
  return notEmpty(firstLine(Buffer.concat(parts)), 'the command of --extpass printed no pass phrase')
}

/** One value is split at spaces; several are taken as they are. */
export function extpassArguments(values: readonly string[]): string[] {
  return values.length === 1 ? (values[0] as string).split(' ').filter((word) => word !== '') : [...values]
}

function firstLine(bytes: Uint8Array): Uint8Array {
  const end = bytes.indexOf(0x0a)
  const line = end === -1 ? bytes : bytes.subarray(0, end)
  return line.at(-1) === 0x0d ? line.subarray(0, -1) : line
}

function notEmpty(passphrase: Uint8Array, otherwise = 'the pass phrase is empty'): Uint8Array {
  if (passphrase.length === 0) throw new BrochError('INVALID', otherwise)
  return passphrase
}

function writePassfile(path: string, text: string): void {
  try {
    mkdirSync(dirname(path), { recursive: true, mode: 0o700 })
    writeFileSync(path, `${text}\n`, { mode: 0o600, flag: 'wx' })
  } catch (cause) {
    throw new BrochError('IO', `the pass phrase that was made cannot be kept in ${path}`, { cause })
  }
}
