/**
 * An ordinary refusal about one path, for the person who named it. Never for a log: it holds a name.
 * @packageDocumentation
 */
export class PathError extends Error {
  override readonly name = 'PathError'
  readonly path: string
  /** as errno(3) names it */
  readonly code: string

  constructor(path: string, code: string) {
    super(`${path}: ${code}`)
    this.path = path
    this.code = code
  }
}
