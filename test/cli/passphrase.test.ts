import { execFileSync } from 'node:child_process'
import { chmodSync, existsSync, readFileSync, statSync } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { BROCH, BrochHome, run } from '../support/broch.js'
import { typeAtTerminal, whyNoTerminal } from '../support/typist.js'

describe('where a pass phrase comes from', () => {
  const home = new BrochHome()
  const passfile = home.passfile('pass', 'swordfish\nsecond line\n')
  beforeAll(async () => {
    expect((await home.broch('init', '--passfile', passfile)).code).toBe(0)
  })
  afterAll(() => home.dispose())

  test('a FIFO', async () => {
    execFileSync('mkfifo', ['-m', '600', home.path('fifo')])
    const [, outcome] = await Promise.all([writeFile(home.path('fifo'), 'swordfish\n'), home.broch('ls', '--passfile', home.path('fifo'))])
    expect(outcome).toEqual({ code: 0, out: '', error: '' })
  })

  test('standard input', async () => {
    const outcome = await run('sh', ['-c', `printf swordfish | "${process.execPath}" "${BROCH}" ls --passfile /dev/stdin`], { env: home.env })
    expect(outcome).toEqual({ code: 0, out: '', error: '' })
  })

  test('a program, split at spaces or given as it is, without a shell', async () => {
    expect((await home.broch('ls', '--extpass', `cat ${passfile}`)).code).toBe(0)
    expect((await home.broch('ls', '--extpass', 'sh', '--extpass=-c', '--extpass', 'echo sword$(echo fish)')).code).toBe(0)
    expect((await home.broch('ls', '--extpass', 'echo sword$(echo fish)')).code).toBe(10)
  })

  test('a program that fails, is missing, or prints nothing', async () => {
    for (const program of ['false', '/no/such/program', 'true']) {
      const { code, error } = await home.broch('ls', '--extpass', program)
      expect(code).toBe(2)
      expect(error).toContain('--extpass')
    }
  })

  test('a file that is empty, or missing', async () => {
    expect((await home.broch('ls', '--passfile', home.passfile('empty', '\nswordfish\n'))).code).toBe(2)
    expect((await home.broch('ls', '--passfile', home.path('missing'))).code).toBe(2)
  })

  test('a file that others can read is warned about', async () => {
    const open = home.passfile('open', 'swordfish\n')
    chmodSync(open, 0o644)
    const { code, error } = await home.broch('ls', '--passfile', open)
    expect(code).toBe(0)
    expect(error).toContain(`chmod 600 ${open}`)
  })

  test('is never asked for without a terminal', async () => {
    const { code, error } = await run(process.execPath, [BROCH, 'ls'], { env: home.env, input: 'swordfish\n' })
    expect(code).toBe(2)
    expect(error).toContain('there is no terminal to ask on')
  })
})

describe('a pass phrase made without a terminal', () => {
  const home = new BrochHome()
  afterAll(() => home.dispose())

  test('lies in a file of mode 0600, opens the space, and goes when it is changed', async () => {
    const made = home.path('home', 'passphrase')
    const { out } = await home.broch('init')
    expect(out).toContain(made)
    expect(statSync(made).mode & 0o777).toBe(0o600)
    expect(readFileSync(made, 'utf8')).toMatch(/^[\w-]{32}\n$/)
    expect(out).not.toContain(readFileSync(made, 'utf8').trim())
    expect((await home.broch('ls')).code).toBe(0)

    expect((await home.broch('passwd')).code).toBe(2)
    const fresh = home.passfile('fresh', 'fresh\n')
    expect((await home.broch('passwd', '--new-passfile', fresh)).code).toBe(0)
    expect(existsSync(made)).toBe(false)
    expect((await home.broch('ls', '--passfile', fresh)).code).toBe(0)
    expect((await home.broch('passwd', '--passfile', home.passfile('old', 'old\n'), '--new-passfile', fresh)).code).toBe(10)
  })

  test('is another one for another store', async () => {
    const { code, out } = await home.broch('init', '--store', home.path('elsewhere'))
    expect(code).toBe(0)
    expect(out).toMatch(/passphrase-[0-9a-f]{12}/)
    expect((await home.broch('ls', '--store', home.path('elsewhere'))).code).toBe(0)
  })
})

const reason = await whyNoTerminal()
if (reason !== undefined) console.log(`skipped: questions on a terminal: ${reason}`)

describe.skipIf(reason !== undefined)('questions on a terminal', () => {
  const home = new BrochHome()
  const type = (answers: string, ...args: string[]) => typeAtTerminal(home, answers, ...args)
  afterAll(() => home.dispose())

  test('a new pass phrase is asked twice and never shown', async () => {
    expect((await type("[(1, b'one\\r'), (2, b'other\\r')]", 'init')).code).toBe(2)
    expect(existsSync(home.store)).toBe(false)
    const { code, out } = await type("[(1, b'sesame\\r'), (2, b'sesame\\r')]", 'init')
    expect(out).toMatch(/New pass phrase: [\s\S]*The same again: [\s\S]*An empty space is in/)
    expect(out).not.toContain('sesame')
    expect(code).toBe(0)
  })

  test('one line is asked for, and can be edited', async () => {
    expect((await type("[(1, b'nonsense\\x15ses\\xc3\\xa4\\x7fam\\x08me\\r')]", 'ls')).code).toBe(0)
    expect((await type("[(1, b'wrong\\r')]", 'ls')).code).toBe(10)
    expect((await type("[(1, b'\\x03')]", 'ls')).code).toBe(40)
    expect((await type("[(1, b'\\x04')]", 'ls')).code).toBe(40)
  })

  test('what is typed ahead answers the next question', async () => {
    expect((await type("[(1, b'sesame\\rnew\\rnew\\r')]", 'passwd')).code).toBe(0)
    expect((await type("[(1, b'new\\r'), (1, b'newer\\r'), (1, b'newer\\r')]", 'passwd')).code).toBe(0)
    expect((await type("[(1, b'newer\\r')]", 'ls')).code).toBe(0)
  })
})
