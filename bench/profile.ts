/**
 * Where the time of the serving process went, from the profiles that Node writes with `--cpu-prof`.
 * @packageDocumentation
 */
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

const SHOWN = 25
const SAMPLE_US = 250

/** On the clock that Node and V8 share (CLOCK_MONOTONIC). */
export interface Window {
  readonly fromUs: number
  readonly toUs: number
}

interface Frame {
  readonly functionName: string
  readonly url: string
  readonly lineNumber: number
}

interface CpuProfile {
  readonly nodes: readonly { readonly id: number; readonly callFrame: Frame }[]
  readonly startTime: number
  readonly samples: readonly number[]
  readonly timeDeltas: readonly number[]
}

export function nowUs(): number {
  return Number(process.hrtime.bigint() / 1000n)
}

/** Arguments under which Node writes a profile of each thread when it ends. */
export function profileArgs(dir: string): string[] {
  return ['--cpu-prof', `--cpu-prof-dir=${dir}`, `--cpu-prof-interval=${SAMPLE_US}`]
}

/** Self time by function inside the window, largest first, in microseconds. */
export function selfTimes(profile: CpuProfile, window: Window): Map<string, number> {
  const names = new Map(profile.nodes.map(({ id, callFrame }) => [id, nameOf(callFrame)]))
  const times = new Map<string, number>()
  let at = profile.startTime
  profile.samples.forEach((id, index) => {
    const delta = profile.timeDeltas[index] ?? 0
    at += delta
    if (at < window.fromUs || at > window.toUs) return
    const name = names.get(id) ?? '?'
    times.set(name, (times.get(name) ?? 0) + delta)
  })
  return new Map([...times].sort(([, a], [, b]) => b - a))
}

function nameOf({ functionName, url, lineNumber }: Frame): string {
  if (url === '') return functionName
  const place = url.replace(/^.*\/(dist|node_modules)\//, (_, folder: string) => (folder === 'dist' ? '' : 'node_modules/'))
  return `${functionName === '' ? '(anonymous)' : functionName}  ${place}:${lineNumber + 1}`
}

/** What bounds a row: shares of the time that the thread was not idle. */
export function profileText(title: string, dir: string, window: Window): string {
  const files = existsSync(dir) ? readdirSync(dir).filter((name) => name.endsWith('.cpuprofile')) : []
  const threads = files.map((name) => threadText(join(dir, name), window)).filter((text) => text !== '')
  return [`\n${title}`, ...(threads.length > 0 ? threads : ['  no profile was written: the process did not end by itself'])].join('\n')
}

/** Empty for a profile of another time. */
function threadText(file: string, window: Window): string {
  const times = selfTimes(JSON.parse(readFileSync(file, 'utf8')) as CpuProfile, window)
  if (times.size === 0) return ''
  const idle = times.get('(idle)') ?? 0
  times.delete('(idle)')
  const busy = [...times.values()].reduce((sum, time) => sum + time, 0)
  const wall = window.toUs - window.fromUs
  const lines = [...times].slice(0, SHOWN).map(([name, time]) => `  ${((100 * time) / busy).toFixed(1).padStart(5)} %  ${(time / 1000).toFixed(1).padStart(8)} ms  ${name}`)
  return [`  busy ${(busy / 1000).toFixed(0)} ms, idle ${(idle / 1000).toFixed(0)} ms of ${(wall / 1000).toFixed(0)} ms  (${file})`, ...lines].join('\n')
}
