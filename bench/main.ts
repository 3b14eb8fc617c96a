/**
 * `npm run bench`: how fast Broch is, beside the plain disk and other encrypted filesystems.
 * @packageDocumentation
 */
import { mkdirSync, mkdtempSync, rmSync, statfsSync, writeFileSync } from 'node:fs'
import { cpus, release, totalmem } from 'node:os'
import { join } from 'node:path'
import { type Arguments, HELP, parseArguments } from './arguments.js'
import { ratioChart } from './chart.js'
import { type ContestantName, contestants } from './contestants.js'
import { makeInputs } from './inputs.js'
import { canDropCaches } from './instance.js'
import { isInstalled } from './process.js'
import { profileArgs, profileText } from './profile.js'
import { costTable, mainTable, requestText, type ResultRow, resultRows } from './report.js'
import { RequestTrace } from './request-trace.js'
import { chosenGroups, type Group, type Row, ROWS } from './rows.js'
import { type RunPlan, runPlan, type Sample } from './runner.js'
import { FULL, QUICK, type Sizes } from './sizes.js'

const TMPFS_MAGIC = 0x01021994
const ROW_TIMEOUT_MS = 600_000

interface Measured {
  readonly rows: readonly Row[]
  readonly names: readonly ContestantName[]
  readonly samples: readonly Sample[]
  readonly sizes: Sizes
}

/** @returns the exit code */
async function bench(args: Arguments): Promise<number> {
  // a profile is of Broch alone
  const chosen = contestants().filter(({ name }) => (args.cpuProf === undefined ? args.contestants === undefined || args.contestants.has(name) : name === 'broch'))
  const taking = chosen.filter(({ missing }) => missing === undefined)
  for (const { missing } of chosen) if (missing !== undefined) console.log(`left out: ${missing}`)
  const groups = chosenGroups(args.rows).map(installed).filter((group) => group.length > 0)
  const sizes = args.quick ? QUICK : FULL
  const stop = stopOnSignal()
  const samples = await measure(args, { groups, contestants: taking, rounds: args.rounds }, sizes, stop)
  const rows = groups.flat().filter(({ id }) => (args.rows === undefined || args.rows.has(id)) && samples.some(({ row }) => row === id))
  if (rows.length > 0) report(args, { rows, names: taking.map(({ name }) => name), samples, sizes })
  return stop.aborted ? 130 : samples.some(({ failure }) => failure !== undefined) ? 1 : 0
}

/** The samples until the end, or until the run was stopped; nothing else is left of it. */
async function measure(args: Arguments, what: Pick<RunPlan, 'groups' | 'contestants' | 'rounds'>, sizes: Sizes, signal: AbortSignal): Promise<Sample[]> {
  mkdirSync(args.dir, { recursive: true })
  const work = mkdtempSync(join(args.dir, 'broch-bench-'))
  const samples: Sample[] = []
  let trace: RequestTrace | undefined
  try {
    warnings(work)
    console.error(`preparing in ${work} ...`)
    const inputs = await makeInputs(join(work, 'inputs'), sizes, new Set(what.groups.flat().flatMap(({ reads }) => reads)), signal)
    if (args.requests) trace = await RequestTrace.open(join(work, 'tracefs'))
    const onSample = (sample: Sample, round: number): void => {
      samples.push(sample)
      console.error(`round ${round + 1}: ${sample.row} ${sample.contestant} ${sample.failure ?? sample.value.toPrecision(4)}`)
    }
    const { cpuProf } = args
    const profiling = cpuProf === undefined ? {} : { nodeArgs: ({ id }: Row) => profileArgs(join(cpuProf, id)) }
    await runPlan({ ...what, ...profiling, inputs, work, timeoutMs: ROW_TIMEOUT_MS, signal, onSample, ...(trace === undefined ? {} : { trace }) })
  } catch (error) {
    if (!signal.aborted) throw error
    console.error('stopped; everything is unmounted and removed')
  } finally {
    await trace?.close()
    rmSync(work, { recursive: true, force: true })
  }
  return samples
}

function report(args: Arguments, { rows, names, samples, sizes }: Measured): void {
  const results = resultRows(rows, names, samples, sizes)
  console.log(`\n${mainTable(results, names, args.goals)}\n\n${costTable(results, names)}`)
  console.log(`\nMedians of ${args.rounds} round${args.rounds === 1 ? '' : 's'}, with the range. broch/x: how many times as fast as x.${args.quick ? ' --quick: small sizes, a hint at most.' : ''}`)
  for (const sample of samples) if (sample.failure !== undefined) console.log(`failed: ${sample.row} on ${sample.contestant}: ${sample.failure}`)
  if (args.requests) console.log(requestText(results, samples))
  if (args.cpuProf !== undefined) printProfiles(args.cpuProf, results, samples)
  if (args.json !== undefined) writeFileSync(args.json, `${JSON.stringify({ machine: machine(), rounds: args.rounds, sizes, samples }, undefined, 2)}\n`)
  if (args.svg !== undefined) writeFileSync(args.svg, ratioChart(results, names))
}

/** Of the last round: its window chooses the profile that holds it. */
function printProfiles(dir: string, results: readonly ResultRow[], samples: readonly Sample[]): void {
  for (const { row, title } of results) {
    const sample = samples.findLast((one) => one.row === row.id)
    const window = sample?.failure === undefined ? sample?.window : undefined
    if (window !== undefined) console.log(profileText(title, join(dir, row.id), window))
  }
}

/** A row whose program is not there is left out, and what follows it in its filesystem. */
function installed(group: Group): Group {
  const at = group.findIndex(({ program }) => program !== undefined && !isInstalled(program))
  if (at < 0) return group
  const { program, id } = group[at] ?? {}
  console.log(`left out: row ${id}: ${program} is not installed (apt-get install ${program})`)
  return group.slice(0, at)
}

function warnings(work: string): void {
  if (statfsSync(work).type === TMPFS_MAGIC) console.error(`warning: ${work} is in memory (tmpfs): fsync costs nothing there. Choose a folder on a disk with --dir.`)
  if (!canDropCaches()) console.error('warning: only root can drop the page cache: "cold" rows have a new process, but may read from memory.')
}

function machine(): Record<string, string | number> {
  return { node: process.version, kernel: release(), cpu: cpus()[0]?.model ?? 'unknown', cores: cpus().length, memoryMib: Math.round(totalmem() / 2 ** 20) }
}

/** The first signal ends the run in order; the terminal's next one is the user's own decision. */
function stopOnSignal(): AbortSignal {
  const controller = new AbortController()
  for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    process.once(name, () => {
      console.error('stopping: unmounting and removing what the benchmark made ...')
      controller.abort()
    })
  }
  return controller.signal
}

const args = parseArguments(process.argv.slice(2), { rowIds: ROWS.map(({ id }) => id), defaultDir: '/var/tmp' })
if (typeof args === 'string') {
  console.error(args)
  process.exitCode = 2
} else if (args.help) console.log(HELP(ROWS.map((row) => `  ${row.id.padEnd(14)} ${row.title(FULL)}`).join('\n')))
else {
  process.exitCode = await bench(args).catch((error: unknown) => {
    console.error(`bench: ${error instanceof Error ? error.message : String(error)}`)
    return 1
  })
}
