/**
 * Refuses what the store has no room for before it is acknowledged, so that a full disk is told to the program that
 * writes and not to a commit that has nobody to tell.
 * @packageDocumentation
 */
import type { BlockStore, StoreUsage } from '../store/block.js'
import { errno } from './errno.js'

const MIB = 1024 * 1024
/** Kept back so that deleting, and committing what was acknowledged, works on a full store. */
const RESERVE_BYTES = 16 * MIB
/** Bytes admitted at most between two looks at the store: others may fill the disk too. */
const STRIDE_BYTES = 64 * MIB

/** What is kept back of a store: less of a small one. */
export function reserveOf({ totalBytes }: Pick<StoreUsage, 'totalBytes'>): number {
  return Math.min(RESERVE_BYTES, Math.floor(totalBytes / 16))
}

export class SpaceGuard {
  readonly #blocks: BlockStore
  readonly #dirtyBytes: () => number
  #admissible = 0

  /** @param dirtyBytes - what the next commits will write, about */
  constructor(blocks: BlockStore, dirtyBytes: () => number) {
    this.#blocks = blocks
    this.#dirtyBytes = dirtyBytes
  }

  /** True when the last look left room for this; false asks for a {@link look}. */
  admits(bytes: number): boolean {
    if (bytes > this.#admissible) return false
    this.#admissible -= bytes
    return true
  }

  /** Looks at the store again. @throws Errno ENOSPC when these bytes do not fit. */
  async look(bytes: number): Promise<void> {
    const usage = await this.#blocks.usage()
    const room = usage.freeBytes - reserveOf(usage) - this.#dirtyBytes() - bytes
    if (room < 0) {
      this.#admissible = 0
      throw errno('ENOSPC')
    }
    // half of what is left: the nearer the end, the more often it is looked at
    this.#admissible = Math.min(STRIDE_BYTES, Math.floor(room / 2))
  }
}
