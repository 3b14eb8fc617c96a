/**
 * Notes of what this device saw last, in a folder of the user.
 * @packageDocumentation
 */
import { mkdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { isBrochError } from '../lib/error.js'
import { attempt } from '../store/embedded/store-error.js'
import { writeDurably } from '../store/embedded/store-files.node.js'
import type { MemoryShelf } from './root-memory.js'

export class FolderShelf implements MemoryShelf {
  readonly #folder: string

  constructor(folder: string) {
    this.#folder = folder
  }

  read(name: string): Uint8Array | undefined {
    try {
      return attempt('read what this device saw last', () => new Uint8Array(readFileSync(join(this.#folder, name))))
    } catch (error) {
      if (isBrochError(error, 'MISSING_BLOCK')) return undefined
      throw error
    }
  }

  write(name: string, record: Uint8Array): void {
    try {
      mkdirSync(this.#folder, { recursive: true, mode: 0o700 })
      writeDurably(this.#folder, name, record)
    } catch {
      // what was committed is safe all the same
    }
  }
}
