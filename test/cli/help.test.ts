import { readFileSync } from 'node:fs'
import { afterAll, describe, expect, test } from 'vitest'
import { manual } from '../../src/cli/manual.js'
import { BrochHome, run } from '../support/broch.js'

describe('help', () => {
  const home = new BrochHome()
  afterAll(() => home.dispose())

  test('docs/cli.md says what --help says (npm run docs:cli)', async () => {
    expect(await manual()).toBe(readFileSync(new URL('../../docs/cli.md', import.meta.url), 'utf8'))
  })

  test('npm start passes its arguments on', async () => {
    const { code, out } = await run('npm', ['start', '--silent', '--', '--help'], { env: home.env })
    expect(code).toBe(0)
    expect(out).toContain('broch start [dir]')
  })

  test('the first page names commands, files, environment and exit codes', async () => {
    const { code, out } = await home.broch('--help')
    expect(code).toBe(0)
    for (const word of ['broch mount <dir>', 'Files:', 'BROCH_HOME', 'Exit codes:', 'wrong pass phrase']) expect(out).toContain(word)
  })

  test('prints the version', async () => {
    const { version } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')) as { version: string }
    expect((await home.broch('version')).out).toBe(`${version}\n`)
    expect((await home.broch('--version')).out).toBe(`${version}\n`)
  })

  test('completes commands, in scripts that the shells take', async () => {
    const { out } = await home.broch('--get-yargs-completions', 'broch', 'um')
    expect(out).toContain('umount')
    const script = home.passfile('completion.bash', (await home.broch('completion', 'bash')).out)
    expect((await run('bash', ['-n', script])).code).toBe(0)
    expect((await home.broch('completion', 'zsh')).out).toContain('#compdef broch')
  })
})

describe('doctor', () => {
  const home = new BrochHome()
  afterAll(() => home.dispose())

  test('tells each thing, with what helps, and ends with 0 or 30', async () => {
    const { code, out } = await home.broch('doctor', '--json')
    const { findings } = JSON.parse(out) as { findings: { name: string; state: string; fix?: string }[] }
    expect(code).toBe(findings.some(({ state }) => state === 'problem') ? 30 : 0)
    for (const { state, fix } of findings) if (state !== 'ok') expect(fix).toBeTruthy()
    expect(findings.map(({ name }) => name)).toEqual(expect.arrayContaining(['node', 'fuse device', 'store', 'disk']))
  })
})
