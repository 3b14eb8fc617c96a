/**
 * A store in one folder of this machine. docs/format.md §6
 * @packageDocumentation
 */
import { randomBytes } from 'node:crypto'
import { accessSync, constants, existsSync, mkdirSync, readFileSync, statSync } from 'node:fs'
import { statfs } from 'node:fs/promises'
import { join } from 'node:path'
import type { Crypto } from '../../crypto/crypto.js'
import { utf8 } from '../../lib/bytes.js'
import { BrochError } from '../../lib/error.js'
import { LogStore } from './log-store.js'
import { OpenFiles } from './open-files.js'
import { Reserve } from './reserve.js'
import { attempt } from './store-error.js'
import { nodeFiles, writeDurably } from './store-files.node.js'
import { takeLock } from './store-lock.node.js'

const FORMAT = 'broch store 1\n'
/** A store of a terabyte has 16,000 segments; a process may often open no more than 1,024 files. */
const OPEN_FILES = 128
const RESERVE_BYTES = 4 * 1024 * 1024

export interface EmbeddedOptions {
  readonly dir: string
  readonly crypto: Crypto
  readonly create?: boolean
  /** Also where the folder cannot be written to. */
  readonly readOnly?: boolean
}

export class EmbeddedStore extends LogStore {
  readonly #dir: string
  readonly #unlock: () => void

  private constructor({ dir, crypto }: EmbeddedOptions, readOnly: boolean, unlock: () => void) {
    super({
      crypto,
      files: nodeFiles,
      open: new OpenFiles(nodeFiles, readOnly ? 'read' : 'write', OPEN_FILES),
      reserve: new Reserve(nodeFiles, join(dir, 'reserve'), RESERVE_BYTES, (length) => randomBytes(length)),
      folder: dir,
      readOnly,
      room: () => roomIn(dir),
    })
    this.#dir = dir
    this.#unlock = unlock
  }

  /**
   * `readOnly` of what comes back says whether it can be written to.
   * @throws BrochError NO_STORE, STORE_EXISTS, STORE_LOCKED, NEWER_FORMAT, READ_ONLY, CORRUPT, IO
   */
  static open(options: EmbeddedOptions): EmbeddedStore {
    const { dir, create = false } = options
    if (create) makeFolders(dir)
    else checkFormat(dir)
    const readOnly = !create && (options.readOnly === true || !isWritable(dir))
    const unlock = takeLock(join(dir, 'lock'), readOnly ? 'read' : 'write')
    try {
      if (!readOnly) mkdirSync(join(dir, 'hints'), { recursive: true, mode: 0o700 })
      const store = new EmbeddedStore(options, readOnly, unlock)
      if (create) writeDurably(dir, 'format', utf8(FORMAT))
      return store
    } catch (error) {
      unlock()
      throw error
    }
  }

  readAccount(): Uint8Array {
    return attempt('read the account record', () => new Uint8Array(readFileSync(join(this.#dir, 'account'))))
  }

  /** In one step: the old record or the new one is there, whatever happens. */
  writeAccount(record: Uint8Array): void {
    if (this.readOnly) throw new BrochError('READ_ONLY', 'the store is open for reading only')
    writeDurably(this.#dir, 'account', record)
  }

  /** What is unsafe about who may look at the folder or change it, for people; undefined when nothing is. */
  warning(): string | undefined {
    const { uid, mode } = statSync(this.#dir)
    const me = process.geteuid?.()
    if (me !== undefined && uid !== me && uid !== 0) return `${this.#dir} belongs to user ${uid}, who can remove or replace what is in it`
    if ((mode & 0o077) !== 0) return `${this.#dir} can be entered by other users of this machine: chmod 700 ${this.#dir}`
    return undefined
  }

  override async close(): Promise<void> {
    try {
      await super.close()
    } finally {
      this.#unlock()
    }
  }
}

function makeFolders(dir: string): void {
  if (existsSync(join(dir, 'format'))) throw new BrochError('STORE_EXISTS', `there is a store in ${dir} already`)
  attempt('make the store', () => mkdirSync(join(dir, 'segments'), { recursive: true, mode: 0o700 }))
}

function checkFormat(dir: string): void {
  const path = join(dir, 'format')
  if (!existsSync(path)) throw new BrochError('NO_STORE', `there is no store in ${dir}`)
  const text = attempt('read the format of the store', () => readFileSync(path, 'latin1'))
  if (text === FORMAT) return
  const found = JSON.stringify(text.trim().slice(0, 40))
  if (!/^broch store \d+\n$/.test(text)) throw new BrochError('CORRUPT', `the file "format" of the store is damaged: it should say "${FORMAT.trim()}", and says ${found}`)
  throw new BrochError('NEWER_FORMAT', `the store has another format (${found}); this program knows "${FORMAT.trim()}": use the program that made it`)
}

function isWritable(dir: string): boolean {
  try {
    accessSync(dir, constants.W_OK)
    accessSync(join(dir, 'segments'), constants.W_OK)
    return true
  } catch {
    return false
  }
}

async function roomIn(dir: string): Promise<{ freeBytes: number; totalBytes: number }> {
  const { bavail, blocks, bsize } = await statfs(dir)
  return { freeBytes: bavail * bsize, totalBytes: blocks * bsize }
}
