import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { isInstalled } from '../../bench/process.js'
import { whyNoMount } from '../support/mounted-space.js'

const MAIN = fileURLToPath(new URL('../../bench/main.ts', import.meta.url))
const reason = whyNoMount() ?? (isInstalled('cc') ? undefined : 'no C compiler (apt-get install gcc libc6-dev)')
if (reason !== undefined) console.log(`skipped: runs of the benchmark: ${reason}`)

describe.skipIf(reason !== undefined)('runs of the benchmark', () => {
  let dir = ''
  beforeAll(() => {
    dir = mkdtempSync(join(tmpdir(), 'broch-bench-test-'))
  })
  afterAll(() => {
    rmSync(dir, { recursive: true, force: true })
  })

  const start = (...args: string[]) => {
    const child = spawn(process.execPath, ['--import', 'tsx', MAIN, '--quick', '--contestants', 'plain,broch', '--dir', dir, ...args], { stdio: ['ignore', 'pipe', 'pipe'] })
    const seen = { out: '', error: '' }
    child.stdout.on('data', (data: Buffer) => (seen.out += data.toString()))
    child.stderr.on('data', (data: Buffer) => (seen.error += data.toString()))
    return { child, seen, closed: once(child, 'close') as Promise<[number | null]> }
  }
  const expectNothingLeft = (): void => {
    expect(readFileSync('/proc/mounts', 'utf8')).not.toContain(dir)
    expect(readdirSync(dir).filter((name) => name.startsWith('broch-bench-'))).toEqual([])
  }

  test('a row is measured on both, and nothing is left', async () => {
    const json = join(dir, 'out.json')
    const { seen, closed } = start('--rows', 'create', '--json', json)
    expect(await closed, seen.error).toEqual([0, null])
    expect(seen.out).toMatch(/create 1,000 of 4 KiB, sync +\| +\/s/)
    const { samples } = JSON.parse(readFileSync(json, 'utf8')) as { samples: { value: number }[] }
    expect(samples.map(({ value }) => value > 0)).toEqual([true, true])
    expectNothingLeft()
  })

  test('Ctrl-C in the middle unmounts and removes everything', async () => {
    const { child, seen, closed } = start('--rows', 'random-fsync', '--rounds', '1000')
    await new Promise<void>((resolve) => {
      child.stderr.on('data', () => {
        if (seen.error.includes('random-fsync broch')) resolve()
      })
    })
    child.kill('SIGINT')
    expect(await closed, seen.error).toEqual([130, null])
    expectNothingLeft()
  })
})
