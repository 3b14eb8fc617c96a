import { type ChildProcess, spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { mkdirSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs'
import { readFile, writeFile } from 'node:fs/promises'
import { setTimeout as pause } from 'node:timers/promises'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import type { MountStatus } from '../../src/cli/control-protocol.js'
import { BROCH, BrochHome, run } from '../support/broch.js'
import { whyNoMount } from '../support/mounted-space.js'

const reason = whyNoMount()
if (reason !== undefined) console.log(`skipped: mounts by the command line: ${reason}`)

/** Not one that has ended and waits for its parent to ask. */
function isRunning(pid: number): boolean {
  try {
    return !/\) Z /.test(readFileSync(`/proc/${pid}/stat`, 'latin1'))
  } catch {
    return false
  }
}

const CANARY = 'canary-8f3a'

describe.skipIf(reason !== undefined)('a mount in the background', () => {
  const home = new BrochHome()
  const dir = home.path('mnt')
  const secret = 'correct horse battery staple'
  const passfile = home.passfile('pass', `${secret}\n`)
  const users: ChildProcess[] = []

  const status = async () => JSON.parse((await home.broch('status', '--json')).out) as { mounts: MountStatus[]; store: { heldBy?: number } }
  const mount = async (): Promise<number> => {
    expect(await home.broch('mount', dir, '--passfile', passfile)).toMatchObject({ code: 0, error: '' })
    return (await status()).mounts[0]?.pid as number
  }
  const ended = async (pid: number): Promise<void> => {
    while (isRunning(pid)) await pause(20)
  }
  /** A program that works in the mount. */
  const use = async (): Promise<ChildProcess> => {
    const child = spawn('sleep', ['1000'], { cwd: dir })
    users.push(child)
    await once(child, 'spawn')
    return child
  }

  beforeAll(async () => {
    mkdirSync(dir)
    expect((await home.broch('init', '--passfile', passfile)).code).toBe(0)
  })
  afterEach(async () => {
    for (const child of users.splice(0)) if (child.exitCode === null && child.kill()) await once(child, 'exit')
    for (const { pid } of (await status()).mounts) {
      await home.broch('umount', '--force', dir)
      await ended(pid)
    }
  })
  afterAll(() => home.dispose())

  test('answers when the command returns, is told by status, and ends with umount', async () => {
    const pid = await mount()
    await writeFile(`${dir}/${CANARY}`, CANARY)
    const { mounts: [told], store } = await status()
    expect(told).toMatchObject({ dir, store: home.store, pid, readOnly: false, alarms: [] })
    expect(told?.usage?.bytes).toBeGreaterThan(0)
    expect(store.heldBy).toBe(pid)
    expect((await home.broch('status')).out).toMatch(new RegExp(`mounted at +${dir}\n[^]*process +${pid}, since`))
    expect(await home.broch('umount', dir)).toMatchObject({ code: 0, out: 'Unmounted. Everything is in the store.\n' })
    expect(isRunning(pid)).toBe(false)
    expect(readdirSync(dir)).toEqual([])
    expect((await home.broch('cat', `/${CANARY}`, '--passfile', passfile)).out).toBe(CANARY)
    expect((await status()).mounts).toEqual([])
  })

  test('shows its pass phrase to nobody, and no name in its log', async () => {
    const pid = await mount()
    expect(await readFile(`${dir}/${CANARY}`, 'utf8')).toBe(CANARY)
    for (const file of ['cmdline', 'environ']) expect(readFileSync(`/proc/${pid}/${file}`, 'latin1')).not.toContain(secret)
    const [socket] = readdirSync(home.path('home', 'run'))
    expect(statSync(home.path('home', 'run', socket as string)).mode & 0o777).toBe(0o600)
    expect((await home.broch('umount', dir)).code).toBe(0)
    const log = readFileSync(home.path('home', 'log', 'mount.log'), 'utf8')
    expect(log).toContain('unmounted')
    expect(log).not.toContain(CANARY)
    expect(log).not.toContain(secret)
  })

  test('fails with the code and words of its process', async () => {
    expect(await home.broch('mount', dir, '--passfile', home.passfile('wrong', 'wrong\n'))).toMatchObject({ code: 10, error: expect.stringContaining('pass phrase is wrong') as string })
    expect((await home.broch('mount', home.path('missing'), '--passfile', passfile)).code).toBe(32)
    expect((await home.broch('mount', home.path('pass'), '--passfile', passfile)).code).toBeGreaterThanOrEqual(32)
    expect((await status()).store.heldBy).toBeUndefined()
  })

  test('keeps other commands from the store, and says where it is', async () => {
    const pid = await mount()
    mkdirSync(home.path('other'))
    for (const args of [['ls'], ['put', passfile, '/'], ['passwd', '--new-passfile', passfile], ['mount', home.path('other')]]) {
      const { code, error } = await home.broch(...args, '--passfile', passfile)
      expect({ args, code }).toEqual({ args, code: 13 })
      expect(error).toContain(`the space is mounted at ${dir}, and process ${pid} has the store`)
    }
  })

  test('stays while it is in use, and is detached with force: what was written is kept', async () => {
    const pid = await mount()
    const user = await use()
    const refused = await home.broch('umount', dir)
    expect(refused.code).toBe(33)
    expect(refused.error).toContain(`${user.pid}`)
    await writeFile(`${dir}/late`, 'late')
    expect((await home.broch('umount', '--force', dir)).code).toBe(0)
    expect(isRunning(pid)).toBe(false)
    expect((await home.broch('cat', '/late', '--passfile', passfile)).out).toBe('late')
  })

  test('SIGTERM writes everything and ends, in use or not', async () => {
    const pid = await mount()
    await use()
    await writeFile(`${dir}/term`, 'term')
    process.kill(pid, 'SIGTERM')
    await ended(pid)
    expect((await home.broch('cat', '/term', '--passfile', passfile)).out).toBe('term')
  })

  test('after kill -9 nothing is told as mounted, and the next mount works', async () => {
    const pid = await mount()
    process.kill(pid, 'SIGKILL')
    await ended(pid)
    expect((await status()).mounts).toEqual([])
    expect(readdirSync(home.path('home', 'run'))).toEqual([])
    await mount()
    expect(await readFile(`${dir}/${CANARY}`, 'utf8')).toBe(CANARY)
  })

  test('what does not fit on the disk is not unmounted, and is kept until it does', async () => {
    const small = home.path('small')
    mkdirSync(small)
    expect((await run('mount', ['-t', 'tmpfs', '-o', 'size=64m', 'none', small])).code).toBe(0)
    try {
      const store = home.path('small', 'store')
      const args = ['--store', store, '--passfile', passfile]
      expect((await home.broch('init', ...args)).code).toBe(0)
      const bytes = randomBytes(5_000_000)
      // a commit by the clock may come between writing and filling the disk: then once more
      let code: number | null = 0
      for (let tries = 0; tries < 5 && code === 0; tries++) {
        rmSync(home.path('small', 'filler'), { force: true })
        expect((await home.broch('mount', dir, ...args)).code).toBe(0)
        await writeFile(`${dir}/large`, bytes)
        await run('dd', ['if=/dev/zero', `of=${home.path('small', 'filler')}`, 'bs=4k'])
        ;({ code } = await home.broch('umount', dir))
      }
      expect(code).toBe(16)
      expect((await status()).mounts).toHaveLength(1)
      rmSync(home.path('small', 'filler'))
      expect((await home.broch('umount', dir)).code).toBe(0)
      expect((await home.broch('get', '/large', home.path('large'), ...args)).code).toBe(0)
      expect(readFileSync(home.path('large')).equals(bytes)).toBe(true)
    } finally {
      await run('umount', ['-l', small])
    }
  })

  test('in the foreground a first Ctrl-C says who keeps it, a second forces', async () => {
    const pressed = await pressTwice(home.env, dir, passfile)
    expect(pressed.said).toContain('Not unmounted')
    expect(pressed.said).toContain('Ctrl-C again')
    expect(pressed.code).toBe(0)
    expect((await run('cat', ['/proc/mounts'])).out).not.toContain(` ${dir} `)
    expect((await home.broch('cat', '/front', '--passfile', passfile)).out).toBe('front')
  })
})

/** Mounts in the foreground, works there, and presses Ctrl-C twice. */
async function pressTwice(env: NodeJS.ProcessEnv, dir: string, passfile: string): Promise<{ said: string; code: number | null }> {
  const child = spawn(process.execPath, [BROCH, 'mount', '-f', dir, '--passfile', passfile], { env, stdio: ['ignore', 'pipe', 'pipe'] })
  let said = ''
  const hear = (data: Buffer): void => void (said += data.toString())
  child.stdout.on('data', hear)
  child.stderr.on('data', hear)
  const heard = async (text: string): Promise<void> => {
    while (!said.includes(text)) await Promise.race([once(child.stdout, 'data'), once(child, 'exit').then(() => Promise.reject(new Error(said)))])
  }
  await heard('Mounted at')
  const user = spawn('sleep', ['1000'], { cwd: dir })
  await once(user, 'spawn')
  await writeFile(`${dir}/front`, 'front')
  child.kill('SIGINT')
  await heard('Not unmounted')
  const gone = once(child, 'exit')
  child.kill('SIGINT')
  const [code] = (await gone) as [number | null]
  user.kill()
  await once(user, 'exit')
  return { said, code }
}
