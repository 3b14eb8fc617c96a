import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { appendFileSync, closeSync, cpSync, mkdirSync, openSync, readdirSync, readFileSync, readSync, rmSync, statSync, truncateSync, writeFileSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { MountedSpace, shell, whyNoMount } from '../support/mounted-space.js'

const BROCH = fileURLToPath(new URL('../../bin/broch', import.meta.url))
const reason = whyNoMount()
const MIB = 1024 * 1024

/** Runs the program on the space's store. */
async function broch(space: MountedSpace, ...args: string[]): Promise<{ code: number; out: string; error: string }> {
  const child = spawn(process.execPath, [BROCH, ...args], { env: { ...process.env, BROCH_HOME: join(space.home, 'broch') }, stdio: ['ignore', 'pipe', 'pipe'] })
  let [out, error] = ['', '']
  child.stdout.on('data', (data: Buffer) => (out += data.toString()))
  child.stderr.on('data', (data: Buffer) => (error += data.toString()))
  const [code] = (await once(child, 'close')) as [number]
  return { code, out, error }
}

interface Status {
  readonly mounts: readonly { readonly alarms: readonly { readonly kind: string; readonly message: string; readonly count: number }[] }[]
}

async function alarms(space: MountedSpace): Promise<string[]> {
  const status = JSON.parse((await broch(space, 'status', '--json')).out) as Status
  return status.mounts.flatMap((mount) => mount.alarms.map(({ kind }) => kind))
}

describe.skipIf(reason !== undefined)(`damage to the folder of the store${reason === undefined ? '' : ` (skipped: ${reason})`}`, () => {
  const space = new MountedSpace()
  /** the store as it was left, and what this device remembers of it */
  const whole = join(space.home, 'whole')
  let sums: Map<string, string>

  /** Each file with its sum, or `EIO`; nothing else may be shown. */
  async function look(): Promise<Map<string, string>> {
    const script = `cd $M; ls -A . || echo "EIO ."; for f in large small-1 small-2 folder/inner; do s=$(sha256sum < $f 2> $T/error) && echo "$f \${s%% *}" || { grep -q 'Input/output' $T/error && echo "$f EIO" || echo "$f gone"; }; done`
    const lines = (await shell(space, script)).split('\n').map((line) => line.split(' '))
    return new Map(lines.flatMap(([name, sum]) => (name !== undefined && sum !== undefined ? [[name, sum] as const] : [])))
  }

  const segments = () => readdirSync(join(space.store, 'segments')).sort().map((name) => join(space.store, 'segments', name))

  function restore(): void {
    rmSync(join(space.home, 'broch'), { recursive: true, force: true })
    cpSync(whole, join(space.home, 'broch'), { recursive: true })
  }

  /** Turns some bytes around. */
  function damage(path: string, at: number, length = 16): void {
    const fd = openSync(path, 'r+')
    const bytes = Buffer.alloc(length)
    readSync(fd, bytes, 0, length, at)
    writeSync(fd, bytes.map((byte) => byte ^ 0xff), 0, length, at)
    closeSync(fd)
  }

  /** Whether it mounts; if not, with what code and words it ended. */
  async function mounts(): Promise<{ code: number; said: string } | undefined> {
    try {
      await space.mount()
      return undefined
    } catch (error) {
      const said = String(error)
      return { code: Number(/ended with (\d+)/.exec(said)?.[1]), said }
    }
  }

  beforeAll(async () => {
    await space.mount()
    await shell(space, 'cd $M; head -c 12000000 /dev/urandom > large; echo one > small-1; echo two > small-2; mkdir folder; seq 5000 > folder/inner; sync .')
    expect(await space.stop()).toBe(0)
    cpSync(join(space.home, 'broch'), whole, { recursive: true })
    await space.mount()
    sums = await look()
    expect([...sums.keys()].sort()).toEqual(['folder/inner', 'large', 'small-1', 'small-2'])
    expect(await space.stop()).toBe(0)
  })
  afterAll(() => space.dispose())

  test('while it is mounted: what lay there fails with EIO, status names it, all else works and is kept', async () => {
    restore()
    await space.mount()
    damage(segments()[0] as string, 5 * MIB)
    const seen = await look()
    expect(seen).toEqual(new Map([...sums, ['large', 'EIO']]))
    expect(await alarms(space)).toEqual(['damaged'])
    expect((await broch(space, 'status')).out).toMatch(/ALARM/)
    await shell(space, 'echo three > $M/new; sync $M/new; rm $M/small-2; mv $M/small-1 $M/renamed; dd if=$M/large of=/dev/null bs=4096 count=1 status=none')
    expect(await space.stop()).toBe(0)
    const check = await broch(space, 'fsck', '--passfile', join(space.home, 'pass'), '--json')
    expect(check.code).toBe(20)
    expect(JSON.parse(check.out)).toMatchObject({ sound: false, problems: [{ kind: 'unreadable', path: '/large' }] })
    await space.mount()
    expect(await shell(space, 'cat $M/new $M/renamed; rm $M/large; ls $M | sort | tr "\\n" " "')).toBe('three\none\nfolder new renamed')
    expect(await space.stop()).toBe(0)
    expect((await broch(space, 'fsck', '--passfile', join(space.home, 'pass'))).code).toBe(0)
  })

  test('before it is mounted, anywhere: it says so, or shows nothing but what was there', async () => {
    const told = { refused: 0, failed: 0, unseen: 0 }
    for (let part = 0; part <= 12; part++) {
      restore()
      const segment = segments().at(-1) as string
      const size = statSync(segment).size
      damage(segment, Math.min(size - 16, Math.floor((size * part) / 12)))
      const refused = await mounts()
      if (refused !== undefined) {
        expect([17, 20, 21, 22]).toContain(refused.code)
        told.refused += 1
        continue
      }
      let failed = 0
      for (const [name, sum] of await look()) {
        if (sum !== sums.get(name)) failed += 1
        if (sum !== 'EIO' && sum !== 'gone') expect([name, sum]).toEqual([name, sums.get(name)])
      }
      if (failed > 0) told.failed += 1
      else told.unseen += 1
      await space.stop()
    }
    expect(told.refused + told.failed).toBeGreaterThan(8)
  })

  const refusals: [string, () => void, number[], RegExp][] = [
    ['format of a newer version', () => writeFileSync(join(space.store, 'format'), 'broch store 2\n'), [14], /format|version/],
    ['format of nonsense', () => writeFileSync(join(space.store, 'format'), Buffer.alloc(100_000, 0xff)), [14, 20], /format/],
    ['format missing', () => rmSync(join(space.store, 'format')), [11, 12, 20], /./],
    ['account damaged', () => damage(join(space.store, 'account'), 60, 1400), [10], /pass phrase|account/],
    ['account cut', () => truncateSync(join(space.store, 'account'), 500), [10], /pass phrase|account/],
    ['account empty', () => truncateSync(join(space.store, 'account'), 0), [10], /pass phrase|account/],
    ['account missing', () => rmSync(join(space.store, 'account')), [20], /account/],
    ['account asking for a terabyte of memory', () => writeSync(openSync(join(space.store, 'account'), 'r+'), Buffer.of(32, 8, 1), 0, 3, 16), [10], /pass phrase|account/],
    ['all segments missing', () => segments().forEach((path) => rmSync(path)), [20, 21], /missing|older|damaged/],
    ['all segments empty', () => segments().forEach((path) => truncateSync(path, 0)), [20, 21], /missing|older|damaged/],
    ['all segments zeros', () => segments().forEach((path) => writeFileSync(path, Buffer.alloc(statSync(path).size))), [20, 21], /missing|older|damaged/],
    ['a folder where a segment was', () => segments().slice(0, 1).forEach((path) => (rmSync(path), mkdirSync(path))), [17, 20, 21], /./],
  ]
  test.each(refusals)('%s: refused with a code and a reason, and nothing is made or changed', async (_what, break_, codes, words) => {
    restore()
    break_()
    const before = await shell(space, `cd ${space.store}; find . -type f -not -name lock | sort | xargs -r sha256sum`)
    // `start` makes a space where there is none: `mount` is what a script would use
    const refused = await broch(space, 'mount', space.dir, '--passfile', join(space.home, 'pass'))
    if (refused.code === 0) await broch(space, 'umount', '--force', space.dir)
    expect([refused.code, refused.error]).toEqual([expect.toSatisfy((code) => codes.includes(code as number)), expect.stringMatching(words)])
    expect(refused.error).not.toMatch(/at .*\.js:\d+/) // no stack
    const after = await shell(space, `cd ${space.store}; find . -type f -not -name lock | sort | xargs -r sha256sum`)
    if (!_what.startsWith('all segments') && !_what.startsWith('a folder')) expect(after).toBe(before)
  })

  test('cut in the middle: refused, or an older state that really was; never other bytes', async () => {
    for (const share of [0.1, 0.5, 0.9, 0.999]) {
      restore()
      const last = segments().at(-1) as string
      truncateSync(last, Math.floor(statSync(last).size * share))
      const refused = await mounts()
      if (refused === undefined) {
        for (const [name, sum] of await look()) if (sum !== 'gone' && sum !== 'EIO') expect([name, sum]).toEqual([name, sums.get(name)])
        await space.stop()
      } else expect([17, 20, 21]).toContain(refused.code)
    }
  })

  test('junk beside what is its own does no harm', async () => {
    restore()
    writeFileSync(join(space.store, 'README'), 'not of the store')
    writeFileSync(join(space.store, 'segments', '.DS_Store'), 'junk')
    writeFileSync(join(space.store, 'segments', 'zz~'), Buffer.alloc(10_000, 1))
    mkdirSync(join(space.store, 'segments', 'lost+found'))
    appendFileSync(segments().find((path) => /\d{8}-/.test(path)) as string, Buffer.alloc(1000, 3))
    const refused = await mounts()
    expect(refused?.said).toBeUndefined()
    expect(await look()).toEqual(sums)
    expect(await space.stop()).toBe(0)
    expect(readFileSync(join(space.store, 'README'), 'utf8')).toBe('not of the store')
  })
})
