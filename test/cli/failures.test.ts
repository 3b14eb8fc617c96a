import { appendFileSync, copyFileSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { defaultPaths, passfileOf } from '../../src/app/paths.node.js'
import { EXIT_CODES, exitCodeOf } from '../../src/cli/exit-code.js'
import { describeFailure } from '../../src/cli/message.js'
import { BrochError, type ErrorCode } from '../../src/lib/error.js'
import { BrochHome } from '../support/broch.js'

describe('wrong use', () => {
  const home = new BrochHome()
  afterAll(() => home.dispose())

  test.each([
    [[], 'Say what to do.'],
    [['moun', 'x'], 'Did you mean mount?'],
    [['mount'], 'Something is missing'],
    [['mount', 'x', '--frobnicate'], 'Unknown argument: frobnicate'],
    [['put', 'x'], 'say what to copy and, last, where to'],
    [['ls', '--passfile'], 'passfile'],
  ])('%j ends with 2 and says what is wrong', async (args, said) => {
    const { code, out, error } = await home.broch(...args)
    expect({ code, out }).toEqual({ code: 2, out: '' })
    expect(error).toContain(said)
  })

  test('shows the help of the command that was meant', async () => {
    expect((await home.broch('umount')).error).toMatch(/^broch umount <dir>\n/)
  })

  test('without a store each command says so', async () => {
    for (const args of [['ls'], ['mount', home.dir], ['passwd'], ['fsck'], ['put', 'x', '/']]) {
      const { code, error } = await home.broch(...args)
      expect({ args, code }).toEqual({ args, code: 11 })
      expect(error).toContain('there is no space in')
    }
    expect((await home.broch('status')).out).toContain('Nothing is mounted.\nThere is no space in')
  })
})

describe('a store that does not open', () => {
  const home = new BrochHome()
  const passfile = home.passfile('pass')
  const account = join(home.store, 'account')
  beforeAll(async () => {
    expect((await home.broch('init', '--passfile', passfile)).code).toBe(0)
    copyFileSync(account, home.path('account'))
  })
  afterAll(() => home.dispose())

  test('a second init leaves it alone', async () => {
    expect((await home.broch('init', '--passfile', passfile)).code).toBe(12)
    expect(readFileSync(account)).toEqual(readFileSync(home.path('account')))
  })

  test('a wrong pass phrase and a damaged record are told in the same words', async () => {
    const wrong = await home.broch('ls', '--passfile', home.passfile('wrong', 'wrong\n'))
    expect(wrong.code).toBe(10)
    const damages: (() => void)[] = [
      () => writeFileSync(account, ''),
      () => truncateSync(account, 100),
      () => appendFileSync(account, 'x'),
      () => writeFileSync(account, readFileSync(account).fill(0xff, 0, 4)), // its magic
      () => writeFileSync(account, readFileSync(account).fill(1, 16, 17)), // cost of scrypt
      () => writeFileSync(account, readFileSync(account).fill(0, 60)), // all slots
    ]
    for (const damage of damages) {
      copyFileSync(home.path('account'), account)
      damage()
      expect(await home.broch('ls', '--passfile', passfile)).toEqual(wrong)
    }
    copyFileSync(home.path('account'), account)
    expect((await home.broch('ls', '--passfile', passfile)).code).toBe(0)
  })

  test('a newer format, and a record that is gone', async () => {
    const format = readFileSync(join(home.store, 'format'))
    writeFileSync(join(home.store, 'format'), 'broch store 99\n')
    expect((await home.broch('ls', '--passfile', passfile)).code).toBe(14)
    writeFileSync(join(home.store, 'format'), format)
    rmSync(account)
    expect((await home.broch('ls', '--passfile', passfile)).code).toBe(20)
    copyFileSync(home.path('account'), account)
  })

  test('scripts get a failure as JSON', async () => {
    const { code, out } = await home.broch('ls', '--json', '--passfile', home.passfile('wrong', 'wrong\n'))
    expect(code).toBe(10)
    expect(JSON.parse(out)).toMatchObject({ version: 1, error: { exit: 10, message: expect.stringContaining('pass phrase is wrong') as string } })
  })

  test('a path that is not there', async () => {
    expect(await home.broch('cat', '/nope', '--passfile', passfile)).toEqual({ code: 19, out: '', error: 'broch: /nope: no such file or directory\n' })
  })
})

describe('messages', () => {
  const codes: ErrorCode[] = ['CORRUPT', 'WRONG_PASSPHRASE', 'STORE_LOCKED', 'NO_SPACE', 'NO_FUSE', 'MOUNT_BUSY', 'INTERNAL', 'ABORTED', 'TIMED_OUT', 'CONFLICT']

  test.each(codes)('%s has a documented exit code, and says what was kept', (code) => {
    const error = new BrochError(code, 'something went wrong')
    expect(EXIT_CODES.map(([number]) => number)).toContain(exitCodeOf(error))
    expect(describeFailure(error)).toMatch(/^broch: something went wrong\.\n.*(kept|changed|readable)/)
  })

  test('never pass on what acts on a terminal', () => {
    expect(describeFailure(new BrochError('INVALID', 'a\u001b[2Jb\u202ec'))).not.toMatch(/[\u001b\u202e]/)
  })
})

describe('where things lie', () => {
  test('all under BROCH_HOME when it is set, else in the XDG folders', () => {
    expect(defaultPaths({ BROCH_HOME: '/b' })).toEqual({ store: '/b/store', config: '/b', run: '/b/run', log: '/b/log', seen: '/b/seen' })
    const xdg = { XDG_DATA_HOME: '/d', XDG_CONFIG_HOME: '/c', XDG_STATE_HOME: '/s', XDG_RUNTIME_DIR: '/r' }
    expect(defaultPaths(xdg)).toEqual({ store: '/d/broch/store', config: '/c/broch', run: '/r/broch', log: '/s/broch/log', seen: '/s/broch/seen' })
    const { store, run } = defaultPaths({ BROCH_HOME: '', XDG_DATA_HOME: '' })
    expect(store).toBe(join(homedir(), '.local/share/broch/store'))
    expect(run).toBe(join(homedir(), '.local/state/broch/run'))
  })

  test('each store has a pass phrase file of its own', () => {
    const paths = defaultPaths({ BROCH_HOME: '/b' })
    expect(passfileOf(paths, '/b/store/')).toBe('/b/passphrase')
    expect(new Set(['/b/store', '/x', '/y'].map((store) => passfileOf(paths, store))).size).toBe(3)
  })
})
