/**
 * A command, said once: its parser, its help and its page in docs/cli.md come from the same description.
 * @packageDocumentation
 */
import type { Argv, InferredOptionTypes, Options, PositionalOptions } from 'yargs'

type Positionals = Record<string, PositionalOptions>
type Flags = Record<string, Options>

export type Arguments<P extends Positionals, O extends Flags> = InferredOptionTypes<P> & InferredOptionTypes<O>

export interface CommandDescription<P extends Positionals, O extends Flags> {
  /** as the parser reads it: `mount <dir>` */
  readonly usage: string
  /** as a person reads it, when that is another */
  readonly synopsis?: string
  /** one line, for the list of commands */
  readonly summary: string
  /** paragraphs of its own help */
  readonly about: readonly string[]
  readonly positionals: P
  readonly options: O
  readonly examples: readonly (readonly [command: string, meaning: string])[]
  readonly run: (args: Arguments<P, O>) => Promise<void>
}

export interface Command {
  readonly usage: string
  readonly synopsis: string
  readonly summary: string
  readonly register: (parser: Argv) => Argv
}

export function command<const P extends Positionals, const O extends Flags>(description: CommandDescription<P, O>): Command {
  const { usage, synopsis = usage, summary, about, positionals, options, examples, run } = description
  const build = (parser: Argv): Argv => {
    parser.usage([`broch ${synopsis}`, ...about].join('\n\n'))
    for (const [name, positional] of Object.entries(positionals)) parser.positional(name, positional)
    parser.options(options)
    for (const [line, meaning] of examples) parser.example(line, meaning)
    return parser
  }
  return {
    usage,
    synopsis,
    summary,
    register: (parser) => parser.command(usage, summary, build, (args) => run(args as unknown as Arguments<P, O>)),
  }
}
