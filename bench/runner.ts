/**
 * One interleaved run: each round does each group of rows on each contestant, in an order that rotates.
 * @packageDocumentation
 */
import { dirname, join } from 'node:path'
import type { Contestant, ContestantName } from './contestants.js'
import { freshHome, Instance } from './instance.js'
import type { Inputs } from './inputs.js'
import { cpuSeconds, peakMib, resetPeak, run } from './process.js'
import { nowUs, type Window } from './profile.js'
import type { RequestCounts, RequestTrace } from './request-trace.js'
import { type Group, type Row, valueOf, type Workspace } from './rows.js'

/** One measurement of one row. */
export type Sample =
  | { readonly row: string; readonly contestant: ContestantName; readonly failure: string }
  | {
      readonly row: string
      readonly contestant: ContestantName
      readonly failure?: never
      /** In the unit of the row. */
      readonly value: number
      /** From the end of the timed work until all of it was on the disk; only for rows that write. */
      readonly settleSeconds?: number
      /** Of the serving process, the settling included. */
      readonly cpuSeconds?: number
      readonly peakMib?: number
      /** When it was served, for profiles. */
      readonly window?: Window
      readonly requests?: RequestCounts
    }

export interface RunPlan {
  readonly groups: readonly Group[]
  readonly contestants: readonly Contestant[]
  readonly rounds: number
  readonly inputs: Inputs
  readonly work: string
  readonly timeoutMs: number
  readonly signal: AbortSignal
  readonly onSample: (sample: Sample, round: number) => void
  /** Arguments for Node when it serves a row: then each row has a process of its own. */
  readonly nodeArgs?: (row: Row) => readonly string[]
  readonly trace?: RequestTrace
}

/** Samples come through `onSample`. @throws when the run is stopped; then nothing is left behind either. */
export async function runPlan(plan: RunPlan): Promise<void> {
  for (let round = 0; round < plan.rounds; round += 1) {
    for (const [index, group] of plan.groups.entries()) {
      for (const contestant of rotated(plan.contestants, round + index)) {
        await runGroup(plan, group, contestant, (sample) => plan.onSample(sample, round))
        plan.signal.throwIfAborted()
      }
    }
  }
}

function rotated<T>(items: readonly T[], by: number): T[] {
  const at = by % items.length
  return [...items.slice(at), ...items.slice(0, at)]
}

/** A row that fails ends its group: what follows builds on it. */
async function runGroup(plan: RunPlan, group: Group, contestant: Contestant, report: (sample: Sample) => void): Promise<void> {
  let current = group[0]
  const home = freshHome(plan.work, contestant.name)
  let instance: Instance | undefined
  try {
    instance = await Instance.create({ contestant, home, signal: plan.signal })
    await instance.mount()
    await run(['mkdir', instance.dir], { timeoutMs: plan.timeoutMs, signal: plan.signal })
    const work = { ...plan.inputs, dir: instance.dir, backing: plan.work }
    for (const row of group) {
      current = row
      if (row.work === 'mount' && contestant.serve === undefined) continue
      report(await runRow(plan, row, instance, work, contestant.name))
    }
  } catch (error) {
    if (current !== undefined && !plan.signal.aborted) report({ row: current.id, contestant: contestant.name, failure: error instanceof Error ? error.message : String(error) })
  } finally {
    await instance?.dispose()
  }
}

async function runRow(plan: RunPlan, row: Row, instance: Instance, work: Workspace, contestant: ContestantName): Promise<Sample> {
  const options = { timeoutMs: plan.timeoutMs, signal: plan.signal, env: plan.inputs.env }
  const load = (...args: string[]): Promise<string> => run([join(work.inputs, 'load'), ...args], options)
  for (const command of row.prepare?.(work) ?? []) await run(command, options)
  const nodeArgs = plan.nodeArgs?.(row) ?? []
  if (row.cold) await instance.remountCold(nodeArgs)
  else if (row.work === 'mount' || nodeArgs.length > 0) await instance.remount(nodeArgs)
  if (row.work === 'mount') return { row: row.id, contestant, value: instance.mountSeconds * 1000, ...usage(instance.pid, 0) }

  await warm(row, work, load, options)
  if (!row.cold) await load('settle', work.dir, work.backing)
  plan.trace?.clear()
  const cpu = instance.pid === undefined ? 0 : cpuSeconds(instance.pid)
  if (instance.pid !== undefined) resetPeak(instance.pid)
  const fromUs = nowUs()
  const seconds = Number(await load(...row.work(work)))
  const settleSeconds = row.writes ? Number(await load('settle', work.dir, work.backing)) : undefined
  return {
    row: row.id,
    contestant,
    value: valueOf(row, seconds, work.sizes),
    ...(settleSeconds === undefined ? {} : { settleSeconds }),
    ...usage(instance.pid, cpu),
    ...(nodeArgs.length === 0 ? {} : { window: { fromUs, toUs: nowUs() } }),
    ...(plan.trace === undefined || instance.pid === undefined ? {} : { requests: plan.trace.counts(dirname(work.dir)) }),
  }
}

function usage(pid: number | undefined, before: number): { cpuSeconds?: number; peakMib?: number } {
  return pid === undefined ? {} : { cpuSeconds: cpuSeconds(pid) - before, peakMib: peakMib(pid) }
}

/** What all contestants read alike comes from memory, the programs included. */
async function warm(row: Row, work: Workspace, load: (...args: string[]) => Promise<string>, options: Parameters<typeof run>[1]): Promise<void> {
  await load('read', '/dev/null')
  if (row.program !== undefined) await run([row.program, '--version'], options)
  for (const input of row.reads) {
    if (input === 'tar') await load('read', join(work.inputs, 'tree.tar'))
    else await load('read-tree', join(work.inputs, input), '0')
  }
}
