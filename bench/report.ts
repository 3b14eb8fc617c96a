/**
 * Samples as tables that people read.
 * @packageDocumentation
 */
import type { ContestantName } from './contestants.js'
import { type Row, speedRatio } from './rows.js'
import type { Sample } from './runner.js'
import type { Sizes } from './sizes.js'

export interface Spread {
  readonly median: number
  readonly min: number
  readonly max: number
}

export type Cell = { readonly kind: 'none' } | { readonly kind: 'failed'; readonly why: string } | { readonly kind: 'measured'; readonly value: Spread; readonly settle?: Spread; readonly cpu?: Spread; readonly peak?: Spread }

export interface ResultRow {
  readonly row: Row
  readonly title: string
  readonly cells: ReadonlyMap<ContestantName, Cell>
}

export function spreadOf(values: readonly number[]): Spread | undefined {
  const sorted = values.filter((value) => !Number.isNaN(value)).sort((a, b) => a - b)
  const middle = sorted.length / 2
  const [low, high] = [sorted[Math.ceil(middle) - 1], sorted[Math.floor(middle)]]
  if (low === undefined || high === undefined) return undefined
  return { median: (low + high) / 2, min: sorted[0] ?? low, max: sorted.at(-1) ?? high }
}

/** One failure makes the whole cell a failure: a median of what did not fail would flatter. */
export function cellOf(samples: readonly Sample[]): Cell {
  const failed = samples.find((sample) => sample.failure !== undefined)
  if (failed?.failure !== undefined) return { kind: 'failed', why: failed.failure }
  const done = samples.flatMap((sample) => (sample.failure === undefined ? [sample] : []))
  const value = spreadOf(done.map((sample) => sample.value))
  if (value === undefined) return { kind: 'none' }
  const parts = { settle: done.map((s) => s.settleSeconds ?? Number.NaN), cpu: done.map((s) => s.cpuSeconds ?? Number.NaN), peak: done.map((s) => s.peakMib ?? Number.NaN) }
  const spreads = Object.entries(parts).flatMap(([name, values]) => {
    const spread = spreadOf(values)
    return spread === undefined ? [] : [[name, spread]]
  })
  return { kind: 'measured', value, ...(Object.fromEntries(spreads) as object) }
}

export function resultRows(rows: readonly Row[], names: readonly ContestantName[], samples: readonly Sample[], sizes: Sizes): ResultRow[] {
  return rows.map((row) => ({
    row,
    title: row.title(sizes),
    cells: new Map(names.map((name) => [name, cellOf(samples.filter((sample) => sample.row === row.id && sample.contestant === name))])),
  }))
}

export function medianOf(result: ResultRow, name: ContestantName): number | undefined {
  const cell = result.cells.get(name)
  return cell?.kind === 'measured' ? cell.value.median : undefined
}

/** How many times as fast Broch is as another; undefined when one of them has no figure. */
export function brochRatio(result: ResultRow, than: ContestantName): number | undefined {
  const [broch, other] = [medianOf(result, 'broch'), medianOf(result, than)]
  return broch === undefined || other === undefined ? undefined : speedRatio(result.row, broch, other)
}

export function figure(value: number): string {
  if (value >= 100) return Math.round(value).toLocaleString('en-US')
  return value >= 10 ? value.toFixed(1) : value.toFixed(2)
}

function times(ratio: number | undefined): string {
  return ratio === undefined ? '-' : `${figure(ratio)}x`
}

function text(cell: Cell | undefined): string {
  if (cell === undefined || cell.kind === 'none') return '-'
  if (cell.kind === 'failed') return 'failed'
  const { median, min, max } = cell.value
  return min === max ? figure(median) : `${figure(median)} (${figure(min)}-${figure(max)})`
}

/** Medians with the range, and how many times as fast Broch is; with the goals beside if asked. */
export function mainTable(results: readonly ResultRow[], names: readonly ContestantName[], goals: boolean): string {
  const others = names.filter((name) => name !== 'broch' && names.includes('broch'))
  const goalOf = (row: Row, than: ContestantName): number | undefined => {
    const { anchor } = row
    if (anchor === undefined || (than !== 'plain' && than !== 'gocryptfs')) return undefined
    return speedRatio(row, anchor.goal, anchor[than])
  }
  const goalFor = goals ? others.filter((name) => name !== 'securefs') : []
  const head = ['work', 'unit', ...names, ...others.map((name) => `broch/${name}`), ...goalFor.map((name) => `goal/${name}`)]
  const body = results.map((result) => [
    result.title,
    result.row.unit,
    ...names.map((name) => text(result.cells.get(name))),
    ...others.map((name) => times(brochRatio(result, name))),
    ...goalFor.map((name) => times(goalOf(result.row, name))),
  ])
  return layOut([head, ...body])
}

/** What a row cost the serving process, and how long it owed something to the disk. */
export function costTable(results: readonly ResultRow[], names: readonly ContestantName[]): string {
  const served = names.filter((name) => name !== 'plain')
  const head = ['cost', ...served.map((name) => `${name} CPU s`), ...served.map((name) => `${name} peak MiB`), ...names.map((name) => `${name} settle s`)]
  const part = (result: ResultRow, name: ContestantName, of: 'cpu' | 'peak' | 'settle'): string => {
    const cell = result.cells.get(name)
    const spread = cell?.kind === 'measured' ? cell[of] : undefined
    return spread === undefined ? '-' : figure(spread.median)
  }
  const body = results.map((result) => [
    result.title,
    ...served.map((name) => part(result, name, 'cpu')),
    ...served.map((name) => part(result, name, 'peak')),
    ...names.map((name) => part(result, name, 'settle')),
  ])
  return layOut([head, ...body])
}

/** Requests of the kernel in the last round, the most frequent kinds first. */
export function requestText(results: readonly ResultRow[], samples: readonly Sample[]): string {
  const lines = results.flatMap(({ row, title, cells }) => {
    const counted = [...cells.keys()].flatMap((name) => {
      const sample = samples.findLast((one) => one.row === row.id && one.contestant === name && one.failure === undefined)
      if (sample?.failure !== undefined || sample?.requests === undefined) return []
      const kinds = Object.entries(sample.requests).sort(([, a], [, b]) => b - a)
      const total = kinds.reduce((sum, [, count]) => sum + count, 0)
      return [`  ${name.padEnd(9)} ${String(total).padStart(8)}: ${kinds.map(([kind, count]) => `${kind} ${count}`).join(', ')}`]
    })
    return [title, ...counted]
  })
  return `\nRequests:\n${lines.join('\n')}`
}

/** Markdown that is also readable on a terminal: the first column to the left, figures to the right. */
function layOut(lines: readonly (readonly string[])[]): string {
  const widths = (lines[0] ?? []).map((_, column) => Math.max(3, ...lines.map((line) => (line[column] ?? '').length)))
  const drawn = lines.map((line) => `| ${line.map((cell, column) => (column === 0 ? cell.padEnd(widths[column] ?? 0) : cell.padStart(widths[column] ?? 0))).join(' | ')} |`)
  const rule = `| ${widths.map((width, column) => (column === 0 ? '-'.repeat(width) : `${'-'.repeat(width - 1)}:`)).join(' | ')} |`
  return [drawn[0], rule, ...drawn.slice(1)].join('\n')
}
