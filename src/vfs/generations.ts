/**
 * What was used lately, in two generations: each use is one look-up in a set, and what was not used for one whole
 * generation is given up.
 * @packageDocumentation
 */
export class Generations<T> {
  readonly #most: number
  readonly #giveUp: (item: T) => void
  #young = new Set<T>()
  #old = new Set<T>()

  /**
   * @param most - items in both generations
   * @param giveUp - called once for an item not used any more; it counts again from its next use on
   */
  constructor(most: number, giveUp: (item: T) => void) {
    this.#most = most
    this.#giveUp = giveUp
  }

  use(item: T): void {
    this.#young.add(item)
    if (this.#young.size <= this.#most / 2) return
    const idle = this.#old
    this.#old = this.#young
    this.#young = new Set()
    for (const old of idle) if (!this.#old.has(old)) this.#giveUp(old)
  }

  forget(item: T): void {
    this.#young.delete(item)
    this.#old.delete(item)
  }
}
