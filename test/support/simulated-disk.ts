/**
 * A disk that can be stopped at any operation and shows what a crash leaves of it.
 *
 * What was written and not synced may be there after a power cut in any part, in pieces of 512 bytes; files that came or
 * went since the last sync of their folder may have done so or not, each by itself. That is more than real disks lose.
 * @packageDocumentation
 */
import type { StoreFiles } from '../../src/store/embedded/store-files.js'

const PIECE = 512

interface Write {
  readonly at: number
  readonly bytes: Uint8Array
}

interface File {
  /** as it is now, in the page cache */
  now: Uint8Array
  /** as the disk has it for sure */
  durable: Uint8Array
  pending: Write[]
}

export class Stopped extends Error {}

/** Numbers from 0 to below 1, the same for the same seed. */
export function randomOf(seed: number): () => number {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let x = Math.imul(state ^ (state >>> 15), state | 1)
    x ^= x + Math.imul(x ^ (x >>> 7), x | 61)
    return ((x ^ (x >>> 14)) >>> 0) / 2 ** 32
  }
}

function written(old: Uint8Array, { at, bytes }: Write): Uint8Array {
  const grown = new Uint8Array(Math.max(old.length, at + bytes.length))
  grown.set(old)
  grown.set(bytes, at)
  return grown
}

export class SimulatedDisk implements StoreFiles {
  #names = new Map<string, File>()
  /** names as the disk has them for sure */
  #durableNames = new Map<string, File>()
  readonly #handles = new Map<number, File>()
  #nextHandle = 3
  /** Operations that change something, so far. */
  operations = 0
  /** Before which of them everything stops; a write is then cut short. */
  stopAt = Number.POSITIVE_INFINITY
  /** Bytes all files may have together. */
  capacity = Number.POSITIVE_INFINITY
  failSync = false

  bytes(): number {
    let sum = 0
    for (const { now } of this.#names.values()) sum += now.length
    return sum
  }

  /** What is there after the process was killed: everything that was written. */
  afterKill(): SimulatedDisk {
    return this.#image(() => true)
  }

  /** What may be there after a power cut. */
  afterPowerCut(random: () => number): SimulatedDisk {
    const share = random()
    return this.#image(() => random() < share)
  }

  #image(keep: () => boolean): SimulatedDisk {
    const disk = new SimulatedDisk()
    const paths = new Set([...this.#names.keys(), ...this.#durableNames.keys()])
    for (const path of paths) {
      const before = this.#durableNames.get(path)
      const after = this.#names.get(path)
      const file = before === after || keep() ? after : before
      if (file === undefined) continue
      let content = file.durable
      for (const { at, bytes } of file.pending) {
        for (let i = 0; i < bytes.length; i += PIECE) if (keep()) content = written(content, { at: at + i, bytes: bytes.subarray(i, i + PIECE) })
      }
      const copy = { now: content.slice(), durable: content.slice(), pending: [] }
      disk.#names.set(path, copy)
      disk.#durableNames.set(path, copy)
    }
    return disk
  }

  #count(): void {
    if (this.operations >= this.stopAt) throw new Stopped('stopped')
    this.operations++
  }

  #file(handle: number): File {
    const file = this.#handles.get(handle)
    if (file === undefined) throw new Error('EBADF')
    return file
  }

  list(folder: string): string[] {
    return [...this.#names.keys()].filter((path) => path.startsWith(`${folder}/`)).map((path) => path.slice(folder.length + 1))
  }

  size(path: string): number {
    return this.#named(path).now.length
  }

  #named(path: string): File {
    const file = this.#names.get(path)
    if (file === undefined) throw Object.assign(new Error('ENOENT'), { code: 'ENOENT' })
    return file
  }

  open(path: string, mode: 'read' | 'write' | 'create'): number {
    if (mode === 'create') {
      this.#count()
      if (this.#names.has(path)) throw new Error('EEXIST')
      this.#names.set(path, { now: new Uint8Array(0), durable: new Uint8Array(0), pending: [] })
    }
    this.#handles.set(this.#nextHandle, this.#named(path))
    return this.#nextHandle++
  }

  close(file: number): void {
    this.#file(file)
    this.#handles.delete(file)
  }

  get openFiles(): number {
    return this.#handles.size
  }

  allocate(length: number): Uint8Array {
    return new Uint8Array(length)
  }

  read(handle: number, into: Uint8Array, at: number): number {
    const part = this.#file(handle).now.subarray(at, at + into.length)
    into.set(part)
    return part.length
  }

  write(handle: number, buffers: readonly Uint8Array[], at: number): number {
    const file = this.#file(handle)
    const bytes = Uint8Array.from(Buffer.concat(buffers))
    const stops = this.operations >= this.stopAt
    const room = this.capacity - this.bytes() - Math.max(0, at - file.now.length)
    const fits = Math.max(0, Math.min(bytes.length, room))
    if (fits === 0 && bytes.length > 0 && !stops) throw Object.assign(new Error('ENOSPC'), { code: 'ENOSPC' })
    const write = { at, bytes: bytes.subarray(0, stops ? Math.floor(fits / 2) : fits) }
    file.now = written(file.now, write)
    file.pending.push(write)
    this.#count()
    return write.bytes.length
  }

  truncate(handle: number, length: number): void {
    this.#count()
    const file = this.#file(handle)
    file.now = file.now.slice(0, length)
    file.durable = file.now
    file.pending = []
  }

  async sync(handle: number): Promise<void> {
    this.#count()
    const file = this.#file(handle)
    const taken = [...file.pending]
    await new Promise((resolve) => setImmediate(resolve))
    this.#count()
    this.#synced(file, taken)
  }

  syncNow(handle: number): void {
    this.#count()
    const file = this.#file(handle)
    this.#synced(file, [...file.pending])
  }

  #synced(file: File, taken: readonly Write[]): void {
    if (this.failSync) throw Object.assign(new Error('EIO'), { code: 'EIO' })
    for (const write of taken) {
      if (!file.pending.includes(write)) continue
      file.durable = written(file.durable, write)
    }
    file.pending = file.pending.filter((write) => !taken.includes(write))
  }

  readWhole(path: string): Uint8Array {
    return this.#named(path).now
  }

  writeWhole(path: string, bytes: Uint8Array): void {
    this.#count()
    const old = this.#names.get(path)?.now.length ?? 0
    if (this.bytes() - old + bytes.length > this.capacity) throw Object.assign(new Error('ENOSPC'), { code: 'ENOSPC' })
    this.#names.set(path, { now: bytes.slice(), durable: new Uint8Array(0), pending: [{ at: 0, bytes: bytes.slice() }] })
  }

  remove(path: string): void {
    if (!this.#names.has(path)) return
    this.#count()
    this.#names.delete(path)
  }

  syncFolder(folder: string): void {
    this.#count()
    for (const path of [...this.#durableNames.keys()]) if (path.startsWith(`${folder}/`) && !this.#names.has(path)) this.#durableNames.delete(path)
    for (const [path, file] of this.#names) if (path.startsWith(`${folder}/`)) this.#durableNames.set(path, file)
  }

  /** Changes a byte where nobody looks. */
  flip(path: string, at: number): void {
    const file = this.#named(path)
    file.now[at] = (file.now[at] as number) ^ 0x55
    file.durable = file.now
  }
}
