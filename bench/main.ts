/**
 * `npm run bench`: how fast Broch is, beside the plain disk and other encrypted filesystems.
 * @packageDocumentation
 */
import { mkdirSync, mkdtempSync, rmSync, statfsSync, writeFileSync } from 'node:fs'
import { cpus, release, tmpdir, totalmem } from 'node:os'
import { join, resolve } from 'node:path'
import { type Contestant, contestants } from './contestants.js'
import { canDropCaches } from './instance.js'
import { makeInputs } from './inputs.js'
import { isInstalled } from './process.js'
import { type Arguments, HELP, parseArguments } from './arguments.js'
import { costTable, mainTable, resultRows } from './report.js'
import { chosenGroups, type Group, ROWS } from './rows.js'
import { runPlan, type Sample } from './runner.js'
import { FULL, QUICK, type Sizes } from './sizes.js'

const TMPFS_MAGIC = 0x01021994
const ROW_TIMEOUT_MS = 600_000

/** @returns the exit code */
async function bench(args: Arguments): Promise<number> {
  const names = args.contestants
  const chosen = contestants().filter(({ name }) => names === undefined || names.has(name))
  const taking = chosen.filter(({ missing }) => missing === undefined)
  const groups = chosenGroups(args.rows).map(installed).filter((group) => group.length > 0)
  for (const { missing } of chosen) if (missing !== undefined) console.log(`left out: ${missing}`)
  const sizes = args.quick ? QUICK : FULL
  mkdirSync(args.dir, { recursive: true })
  const work = mkdtempSync(join(args.dir, 'broch-bench-'))
  const stop = stopOnSignal()
  const samples: Sample[] = []
  try {
    warnings(work)
    console.error(`preparing in ${work} ...`)
    const inputs = await makeInputs(join(work, 'inputs'), sizes, stop)
    const onSample = (sample: Sample, round: number): void => {
      samples.push(sample)
      console.error(`round ${round + 1}: ${sample.row} ${sample.contestant} ${sample.failure ?? sample.value.toPrecision(4)}`)
    }
    await runPlan({ groups, contestants: taking, rounds: args.rounds, inputs, work, timeoutMs: ROW_TIMEOUT_MS, signal: stop, onSample })
  } catch (error) {
    if (!stop.aborted) throw error
    console.error('stopped; everything is unmounted and removed')
  } finally {
    rmSync(work, { recursive: true, force: true })
  }
  report(args, groups, taking, samples, sizes)
  return stop.aborted ? 130 : samples.some(({ failure }) => failure !== undefined) ? 1 : 0
}

function report(args: Arguments, groups: readonly Group[], taking: readonly Contestant[], samples: readonly Sample[], sizes: Sizes): void {
  const rows = groups.flat().filter(({ id }) => args.rows === undefined || args.rows.has(id))
  const names = taking.map(({ name }) => name)
  const results = resultRows(rows, names, samples, sizes)
  console.log(`\n${mainTable(results, names, args.goals)}\n\n${costTable(results, names)}`)
  console.log(`\nMedians of ${args.rounds} round${args.rounds === 1 ? '' : 's'}, with the range. broch/x: how many times as fast as x.${args.quick ? ' --quick: small sizes, a hint at most.' : ''}`)
  for (const sample of samples) if (sample.failure !== undefined) console.log(`failed: ${sample.row} on ${sample.contestant}: ${sample.failure}`)
  if (args.json !== undefined) writeFileSync(args.json, `${JSON.stringify({ machine: machine(), rounds: args.rounds, sizes, samples }, undefined, 2)}\n`)
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

const args = parseArguments(process.argv.slice(2), { rowIds: ROWS.map(({ id }) => id), defaultDir: resolve(tmpdir()) })
if (typeof args === 'string') {
  console.error(args)
  process.exitCode = 2
} else if (args.help) console.log(HELP(ROWS.map((row) => `  ${row.id.padEnd(14)} ${row.title(FULL)}`).join('\n')))
else process.exitCode = await bench(args)
