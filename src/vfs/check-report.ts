/**
 * What a check of a whole space finds. docs/design.md
 * @packageDocumentation
 */

export type ProblemKind =
  // damage: something a person put there cannot be had, or is told wrongly
  | 'unreadable'
  | 'link-count'
  | 'parents'
  | 'entry'
  | 'entry-count'
  | 'type'
  | 'size'
  | 'chunks'
  | 'cycle'
  | 'shared-block'
  // waste: nothing is lost, but space is
  | 'orphan'
  | 'garbage'

export const WASTE: ReadonlySet<ProblemKind> = new Set<ProblemKind>(['orphan', 'garbage'])

export interface Problem {
  readonly kind: ProblemKind
  /** From the root of the space, bytes that do not print as `\xNN`; empty for what has no name. */
  readonly path: string
  /** In words, for a person. */
  readonly what: string
}

/** What was gone over. */
export interface CheckCounts {
  readonly directories: number
  readonly files: number
  /** symlinks, fifos, sockets, devices */
  readonly others: number
  readonly entries: number
  /** deleted while open; freed at the next start */
  readonly deleted: number
  /** encrypted nodes opened */
  readonly nodes: number
  readonly fragments: number
  /** of file contents, opened */
  readonly bytes: number
  /** blocks that the root reaches */
  readonly blocks: number
}

export interface CheckReport {
  /** of the root that was checked; 0 for an empty space */
  readonly sequence: number
  readonly counts: CheckCounts
  /** at most {@link MAX_PROBLEMS}, in the order they were met */
  readonly problems: readonly Problem[]
  /** how many more there were */
  readonly unlisted: number
  /** nothing is damaged; there may be waste */
  readonly sound: boolean
}

export interface CheckProgress {
  readonly nodes: number
  readonly nodesInAll: number
  readonly bytes: number
}

export const MAX_PROBLEMS = 1000

/** Gathers counts and problems while a check runs. */
export class ReportDraft {
  readonly counts = { directories: 0, files: 0, others: 0, entries: 0, deleted: 0, nodes: 0, fragments: 0, bytes: 0, blocks: 0 }
  readonly #problems: Problem[] = []
  #met = 0
  #sound = true

  get isSound(): boolean {
    return this.#sound
  }

  problem(kind: ProblemKind, path: string, what: string): void {
    this.#met += 1
    if (!WASTE.has(kind)) this.#sound = false
    if (this.#problems.length < MAX_PROBLEMS) this.#problems.push({ kind, path, what })
  }

  finish(sequence: number): CheckReport {
    const problems = this.#problems
    return { sequence, counts: this.counts, problems, unlisted: this.#met - problems.length, sound: this.#sound }
  }
}

/** A name (binary string) as it can be shown on a terminal: nothing in it acts. */
export function printableName(name: string): string {
  const escape = (text: string): string => text.replace(/[^\x20-\x7e]|\\/g, (c) => `\\x${c.charCodeAt(0).toString(16).padStart(2, '0')}`)
  const bytes = Uint8Array.from(name, (c) => c.charCodeAt(0))
  try {
    const text = new TextDecoder('utf-8', { fatal: true }).decode(bytes)
    // letters of any script may stand; what moves a cursor, hides, or turns text around may not
    return text.replace(/[\p{C}\p{Zl}\p{Zp}\\]/gu, (c) => escape(String.fromCharCode(...new TextEncoder().encode(c))))
  } catch {
    return escape(name)
  }
}
