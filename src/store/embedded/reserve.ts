/**
 * Room kept on the disk, so that a full disk still takes the commit that deletes something.
 * @packageDocumentation
 */
import type { StoreFiles } from './store-files.js'

export class Reserve {
  readonly #files: StoreFiles
  readonly #path: string
  readonly #bytes: number
  readonly #fill: (length: number) => Uint8Array
  #whole: boolean

  /** @param fill - bytes that no file system stores in less room than their length */
  constructor(files: StoreFiles, path: string, bytes: number, fill: (length: number) => Uint8Array) {
    this.#files = files
    this.#path = path
    this.#bytes = bytes
    this.#fill = fill
    this.#whole = this.#sizeNow() === bytes
  }

  get whole(): boolean {
    return this.#whole
  }

  /** True when there was something to give up. */
  release(): boolean {
    const held = this.#sizeNow() > 0
    this.#whole = this.#bytes === 0
    this.#files.remove(this.#path)
    return held
  }

  /** True when it is whole. */
  restore(): boolean {
    if (this.#whole) return true
    try {
      this.#files.writeWhole(this.#path, this.#fill(this.#bytes))
      this.#whole = true
    } catch {
      this.release()
    }
    return this.#whole
  }

  #sizeNow(): number {
    try {
      return this.#files.size(this.#path)
    } catch {
      return 0
    }
  }
}
