/**
 * Lets a message through once a minute, and says how often it came meanwhile.
 * @packageDocumentation
 */

const WINDOW_MS = 60_000
/** Different messages remembered; past it the oldest is forgotten. */
const MAX_MESSAGES = 100

export class RateLimit {
  readonly #now: () => number
  readonly #seen = new Map<string, { since: number; held: number }>()

  constructor(now: () => number = Date.now) {
    this.#now = now
  }

  /** The line to write, or undefined when the message was written lately. */
  pass(message: string): string | undefined {
    const known = this.#seen.get(message)
    const now = this.#now()
    if (known !== undefined && now - known.since < WINDOW_MS) {
      known.held += 1
      return undefined
    }
    this.#seen.delete(message)
    this.#seen.set(message, { since: now, held: 0 })
    if (this.#seen.size > MAX_MESSAGES) this.#seen.delete(this.#seen.keys().next().value as string)
    return known === undefined || known.held === 0 ? message : `${message} (and ${known.held} times more before)`
  }
}
