/**
 * How a mount speaks: to the terminal in the foreground, to a log in the background. Never of file names or contents.
 * @packageDocumentation
 */
import { appendFileSync, mkdirSync, renameSync, statSync } from 'node:fs'
import { dirname } from 'node:path'
import { BrochError } from '../lib/error.js'
import { RateLimit } from './rate-limit.js'

export interface Voice {
  /** Something the user waits for or asked for. */
  say(text: string): void
  /** A request failed: the kind of failure, at most once a minute each. */
  fault(error: unknown): void
}

export function terminalVoice(): Voice {
  const limit = new RateLimit()
  return {
    say: (text) => console.log(text),
    fault: (error) => {
      const line = limit.pass(kindOf(error))
      if (line !== undefined) console.error(`broch: ${line}`)
    },
  }
}

/** Past this the log is begun anew; the one before is kept beside it. */
const MAX_LOG_BYTES = 1024 * 1024

export function logVoice(path: string): Voice {
  const limit = new RateLimit()
  const write = (text: string): void => {
    try {
      appendFileSync(path, `${new Date().toISOString()} ${process.pid} ${text}\n`, { mode: 0o600 })
    } catch {
      return // a mount goes on without its log
    }
  }
  return {
    say: write,
    fault: (error) => {
      const line = limit.pass(kindOf(error))
      if (line !== undefined) write(line)
    },
  }
}

/** Makes the log's folder, and puts a long log aside. */
export function prepareLog(path: string): void {
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 })
  const size = statSync(path, { throwIfNoEntry: false })?.size ?? 0
  if (size > MAX_LOG_BYTES) renameSync(path, `${path}.1`)
}

/** Messages of ours hold no names; of others only the kind is told. */
function kindOf(error: unknown): string {
  if (error instanceof BrochError) return `${error.code}: ${error.message}`
  if (!(error instanceof Error)) return 'a request failed'
  return 'code' in error ? `a request failed: ${error.name} ${String(error.code)}` : `a request failed: ${error.name}`
}
