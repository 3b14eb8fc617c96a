/**
 * Open files of the store, a bounded number: the one used longest ago is closed, and opened again when asked for.
 * @packageDocumentation
 */
import type { FileHandle, StoreFiles } from './store-files.js'

interface OpenFile {
  readonly file: FileHandle
  /** being synced or appended to: stays open */
  pins: number
  /** to be closed when the last pin goes */
  doomed: boolean
}

export class OpenFiles {
  readonly #files: StoreFiles
  readonly #limit: number
  readonly #mode: 'read' | 'write'
  /** by path, the one used longest ago first */
  readonly #open = new Map<string, OpenFile>()
  #last: { path: string; file: FileHandle } | undefined

  constructor(files: StoreFiles, mode: 'read' | 'write', limit: number) {
    this.#files = files
    this.#mode = mode
    this.#limit = limit
  }

  get count(): number {
    return this.#open.size
  }

  /** Good until the next call. */
  get(path: string): FileHandle {
    if (this.#last?.path === path) return this.#last.file // reads come in runs
    const known = this.#open.get(path)
    const entry = known ?? { file: this.#files.open(path, this.#mode), pins: 0, doomed: false }
    if (known !== undefined) this.#open.delete(path)
    this.#open.set(path, entry)
    this.#last = { path, file: entry.file }
    this.#trim(path)
    return entry.file
  }

  create(path: string): void {
    this.#open.set(path, { file: this.#files.open(path, 'create'), pins: 0, doomed: false })
    this.#trim(path)
  }

  async pinned<T>(path: string, use: (file: FileHandle) => Promise<T>): Promise<T> {
    const file = this.get(path)
    const entry = this.#open.get(path) as OpenFile
    entry.pins++
    try {
      return await use(file)
    } finally {
      entry.pins--
      if (entry.doomed && entry.pins === 0) this.#files.close(entry.file)
    }
  }

  close(path: string): void {
    const entry = this.#open.get(path)
    if (entry === undefined) return
    this.#open.delete(path)
    if (this.#last?.path === path) this.#last = undefined
    entry.doomed = true
    if (entry.pins === 0) this.#files.close(entry.file)
  }

  closeAll(): void {
    for (const path of [...this.#open.keys()]) this.close(path)
  }

  #trim(keep: string): void {
    for (const [path, { pins }] of this.#open) {
      if (this.#open.size <= this.#limit) return
      if (pins === 0 && path !== keep) this.close(path)
    }
  }
}
