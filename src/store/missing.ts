/**
 * Collects what is missing in several branches, so that all of it is fetched in one go.
 * @packageDocumentation
 */
import { type Cid, NeedBlocks } from './block.js'

export class Missing {
  readonly #cids: Cid[] = []

  /** Runs `step`; undefined when it lacked blocks, which are noted. */
  attempt<T>(step: () => T): T | undefined {
    try {
      return step()
    } catch (error) {
      if (!(error instanceof NeedBlocks)) throw error
      for (const cid of error.cids) this.#cids.push(cid)
      return undefined
    }
  }

  /** @throws NeedBlocks when anything was missing. */
  raise(): void {
    if (this.#cids.length > 0) throw new NeedBlocks(this.#cids)
  }
}
