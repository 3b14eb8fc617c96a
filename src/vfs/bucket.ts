/**
 * One bucket of a directory in memory: as its bytes while nothing changes, as a map of names while something does.
 *
 * Bytes take a third of the memory of objects, and hundreds of thousands of entries are held.
 * @packageDocumentation
 */
import { compareEntries, decodeBucket, type DirectoryEntry, encodeBucket, findInBucket } from '../cryptree/directory-content.js'

type State =
  | { readonly kind: 'packed'; readonly bytes: Uint8Array }
  | { readonly kind: 'open'; readonly entries: Map<string, DirectoryEntry> }

export class Bucket {
  #state: State

  private constructor(state: State) {
    this.#state = state
  }

  static of(entries: readonly DirectoryEntry[]): Bucket {
    return new Bucket({ kind: 'open', entries: new Map(entries.map((entry) => [entry.name, entry])) })
  }

  /** @param bytes - kept, and known to be of the format */
  static packed(bytes: Uint8Array): Bucket {
    return new Bucket({ kind: 'packed', bytes })
  }

  /** Bytes of memory, about; 0 for one that is open, which will be packed when it is committed. */
  get cost(): number {
    return this.#state.kind === 'packed' ? this.#state.bytes.length : 0
  }

  /** @param hash - of the name: asked for only where it helps */
  get(name: string, hash: () => number): DirectoryEntry | undefined {
    return this.#state.kind === 'packed' ? findInBucket(this.#state.bytes, name, hash()) : this.#state.entries.get(name)
  }

  /** In order of hash and name. */
  sorted(): DirectoryEntry[] {
    return this.#state.kind === 'packed' ? decodeBucket(this.#state.bytes) : [...this.#state.entries.values()].sort(compareEntries)
  }

  /** By name, to be changed. */
  open(): Map<string, DirectoryEntry> {
    if (this.#state.kind === 'packed') this.#state = Bucket.of(this.sorted()).#state
    return (this.#state as State & { kind: 'open' }).entries
  }

  /** Its bytes; from now on it is kept as these. */
  pack(): Uint8Array {
    if (this.#state.kind === 'open') this.#state = { kind: 'packed', bytes: encodeBucket(this.sorted()) }
    return this.#state.bytes
  }
}
