/**
 * The command line of the benchmark.
 * @packageDocumentation
 */
import { resolve } from 'node:path'
import { parseArgs } from 'node:util'

export interface Arguments {
  readonly help: boolean
  readonly rows: ReadonlySet<string> | undefined
  readonly contestants: ReadonlySet<string> | undefined
  readonly rounds: number
  readonly quick: boolean
  readonly goals: boolean
  readonly dir: string
  readonly json: string | undefined
  readonly svg: string | undefined
  readonly cpuProf: string | undefined
  readonly requests: boolean
}

const CONTESTANTS = ['plain', 'broch', 'gocryptfs', 'securefs']

export const HELP = (rows: string): string => `npm run bench -- [OPTION...]

Measures Broch beside the plain disk, gocryptfs and securefs (if installed), in one interleaved run.

  --rows A,B          only these rows
  --contestants A,B   only these: ${CONTESTANTS.join(', ')}
  --rounds N          how often each row is measured (3; with --quick 1)
  --quick             small sizes: a hint in a few minutes
  --goals             the ratios that the project aims at, beside those measured
  --dir DIR           work folder, on the disk to be measured (/var/tmp)
  --json FILE         all samples
  --svg FILE          the ratios as a picture (docs/performance.svg is made so)
  --cpu-prof DIR      profiles of Broch, one process per row, and what took its time
  --requests          how many requests of which kind the kernel sent in each row

With --cpu-prof or --requests the times are longer than without.

Rows:
${rows}

"Cold" rows need root, which alone can drop the page cache. Nothing is left behind, also after Ctrl-C.`

export interface Known {
  readonly rowIds: readonly string[]
  readonly defaultDir: string
}

/** What was asked for, or what is wrong with it. */
export function parseArguments(argv: readonly string[], known: Known): Arguments | string {
  const parsed = attempt(argv)
  if (typeof parsed === 'string') return parsed
  const rows = names(parsed.rows)
  const contestants = names(parsed.contestants)
  const strange = [...(rows ?? [])].find((id) => !known.rowIds.includes(id)) ?? [...(contestants ?? [])].find((name) => !CONTESTANTS.includes(name))
  if (strange !== undefined) return `There is no row or contestant "${strange}". See: npm run bench -- --help`
  const rounds = Number(parsed.rounds ?? (parsed.quick ? 1 : 3))
  if (!Number.isSafeInteger(rounds) || rounds < 1) return '--rounds wants a number from 1 up.'
  const file = (path: string | undefined): string | undefined => (path === undefined ? undefined : resolve(path))
  const { help, quick, goals, requests } = parsed
  const dir = resolve(parsed.dir ?? known.defaultDir)
  return { help, rows, contestants, rounds, quick, goals, requests, dir, json: file(parsed.json), svg: file(parsed.svg), cpuProf: file(parsed['cpu-prof']) }
}

function names(list: string | undefined): ReadonlySet<string> | undefined {
  return list === undefined ? undefined : new Set(list.split(',').filter((name) => name !== ''))
}

function attempt(argv: readonly string[]) {
  const flag = { type: 'boolean', default: false } as const
  const text = { type: 'string' } as const
  const options = { help: { ...flag, short: 'h' }, rows: text, contestants: text, rounds: text, quick: flag, goals: flag, dir: text, json: text, svg: text, 'cpu-prof': text, requests: flag } as const
  try {
    return parseArgs({ args: [...argv], options }).values
  } catch (error) {
    return `${error instanceof Error ? error.message : String(error)}\nSee: npm run bench -- --help`
  }
}
