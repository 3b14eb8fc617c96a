/**
 * What this device last saw of a space, so that nobody can pass off older state as new. docs/format.md §5.5
 * @packageDocumentation
 */
import type { Crypto, PublicSignKey, SymmetricKey } from '../crypto/crypto.js'
import { concatBytes, equalBytes, utf8 } from '../lib/bytes.js'
import { BrochError } from '../lib/error.js'
import { CID_BYTES, type Cid } from '../store/block.js'
import type { PointerStore, SignedPointer } from '../store/pointer.js'
import type { Remembered } from '../store/tree.js'

/** Where it is kept: not with the store, whose keeper could put it back too. */
export interface MemoryShelf {
  /** Undefined when nothing is kept under the name. */
  read(name: string): Uint8Array | undefined
  /** In one step. Failing is no error: it is tried again with the next change. */
  write(name: string, record: Uint8Array): void
}

const MAGIC = utf8('broch seen 1\n')
const SEQUENCE_AT = MAGIC.length
const ROOT_AT = SEQUENCE_AT + 8
const MAC_AT = ROOT_AT + CID_BYTES
const RECORD_BYTES = MAC_AT + 32

/** A write for each commit would cost as much as the commit. */
const WRITE_SECONDS = 10

export class RootMemory {
  readonly #shelf: MemoryShelf
  readonly #crypto: Crypto
  readonly #key: SymmetricKey
  readonly #name: string
  #latest: Remembered | undefined
  #timer: ReturnType<typeof setTimeout> | undefined

  /** @param secret - only who is logged in has it: nobody else makes a record that is believed */
  constructor(shelf: MemoryShelf, crypto: Crypto, writer: PublicSignKey, secret: SymmetricKey) {
    this.#shelf = shelf
    this.#crypto = crypto
    this.#key = crypto.auth(concatBytes([utf8('broch/1/seen'), writer]), secret)
    this.#name = Array.from(crypto.sha256(writer).subarray(0, 16), (byte) => byte.toString(16).padStart(2, '0')).join('')
  }

  /** @throws BrochError ROLLED_BACK when what is kept is not what was written */
  recall(): Remembered | undefined {
    const record = this.#shelf.read(this.#name)
    if (record === undefined) return undefined
    const mac = this.#crypto.auth(record.subarray(0, MAC_AT), this.#key)
    if (record.length !== RECORD_BYTES || !equalBytes(mac, record.subarray(MAC_AT))) {
      throw new BrochError('ROLLED_BACK', 'the note of what this device saw last is damaged, so the store may be an older copy')
    }
    const view = new DataView(record.buffer, record.byteOffset)
    return { sequence: Number(view.getBigUint64(SEQUENCE_AT)), root: record.slice(ROOT_AT, MAC_AT) as Cid }
  }

  /** Only of what is durable. Written soon, and at `close`. */
  note({ sequence, root }: Remembered): void {
    if (root === undefined) return
    this.#latest = { sequence, root }
    if (this.#timer !== undefined) return
    this.#timer = setTimeout(() => {
      this.#write()
    }, WRITE_SECONDS * 1000)
    if (typeof this.#timer === 'object') this.#timer.unref() // a number in browsers
  }

  close(): void {
    this.#write()
  }

  #write(): void {
    clearTimeout(this.#timer)
    this.#timer = undefined
    const latest = this.#latest
    if (latest?.root === undefined) return
    this.#latest = undefined
    const record = new Uint8Array(RECORD_BYTES)
    record.set(MAGIC)
    new DataView(record.buffer).setBigUint64(SEQUENCE_AT, BigInt(latest.sequence))
    record.set(latest.root, ROOT_AT)
    record.set(this.#crypto.auth(record.subarray(0, MAC_AT), this.#key), MAC_AT)
    this.#shelf.write(this.#name, record)
  }
}

/** Pointers whose updates by one writer are noted once they are durable. */
export class NotedPointers implements PointerStore {
  readonly #inner: PointerStore
  readonly #writer: PublicSignKey
  readonly #memory: RootMemory

  constructor(inner: PointerStore, writer: PublicSignKey, memory: RootMemory) {
    this.#inner = inner
    this.#writer = writer
    this.#memory = memory
  }

  get(writer: PublicSignKey): Promise<SignedPointer | undefined> {
    return this.#inner.get(writer)
  }

  async swap(pointers: readonly SignedPointer[]): Promise<void> {
    await this.#inner.swap(pointers)
    for (const { writer, sequence, root } of pointers) if (equalBytes(writer, this.#writer)) this.#memory.note({ sequence, root })
  }
}
