import { chmodSync, linkSync, lstatSync, lutimesSync, mkdirSync, readdirSync, readFileSync, readlinkSync, statSync, symlinkSync, truncateSync, utimesSync, writeFileSync } from 'node:fs'
import { execFileSync } from 'node:child_process'
import { createHash, randomBytes } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { BrochHome } from '../support/broch.js'
import { typeAtTerminal, whyNoTerminal } from '../support/typist.js'

const noTerminal = await whyNoTerminal()
if (noTerminal !== undefined) console.log(`skipped: progress on a terminal: ${noTerminal}`)

/** What of a tree must come back: names as bytes, types, modes, times, contents, targets. */
function describeTree(dir: Buffer): string[] {
  const lines: string[] = []
  for (const name of readdirSync(dir, { encoding: 'buffer' }).sort((a, b) => Buffer.compare(a, b))) {
    const path = Buffer.concat([dir, Buffer.from('/'), name])
    const { mode, mtimeMs, size, nlink } = lstatSync(path)
    const kind = mode & 0o170000
    const isDirectory = kind === 0o040000
    const content = kind === 0o120000 ? readlinkSync(path) : isDirectory ? '' : createHash('sha256').update(readFileSync(path)).digest('hex')
    lines.push([name.toString('hex'), mode.toString(8), Math.round(mtimeMs), isDirectory ? '' : `${size} ${nlink}`, content].join(' '))
    if (isDirectory) lines.push(...describeTree(path))
  }
  return lines
}

describe('copying in and out without a mount', () => {
  const home = new BrochHome()
  const tree = home.path('tree')
  beforeAll(async () => {
    expect((await home.broch('init')).code).toBe(0)
    mkdirSync(`${tree}/deep/er`, { recursive: true })
    writeFileSync(`${tree}/small`, 'small')
    writeFileSync(`${tree}/empty`, '')
    writeFileSync(`${tree}/large`, randomBytes(3_000_001))
    writeFileSync(`${tree}/sparse`, 'begin')
    truncateSync(`${tree}/sparse`, 20_000_000)
    linkSync(`${tree}/small`, `${tree}/deep/hard`)
    symlinkSync('../small', `${tree}/deep/soft`)
    writeFileSync(Buffer.concat([Buffer.from(`${tree}/deep/`), Buffer.from([0xff, 0xfe, 0x41])]), 'no UTF-8')
    chmodSync(`${tree}/large`, 0o640)
    chmodSync(`${tree}/deep/er`, 0o1770)
    utimesSync(`${tree}/large`, 1_000_000_000.5, 999_999_999.25)
    utimesSync(`${tree}/empty`, -1000, -1000)
    lutimesSync(`${tree}/deep/soft`, 1_234_567_890, 1_234_567_891)
    utimesSync(`${tree}/deep/er`, 1, 2)
  })
  afterAll(() => home.dispose())

  test('gives back the same tree', async () => {
    expect(await home.broch('put', tree, '/')).toMatchObject({ code: 0, out: '' })
    mkdirSync(home.path('out'))
    expect(await home.broch('get', '/tree', home.path('out'))).toMatchObject({ code: 0, out: '' })
    expect(describeTree(Buffer.from(home.path('out', 'tree')))).toEqual(describeTree(Buffer.from(tree)))
    const { ino, blocks } = statSync(home.path('out', 'tree', 'small'))
    expect(statSync(home.path('out', 'tree', 'deep', 'hard')).ino).toBe(ino)
    expect(blocks).toBeGreaterThan(0)
    expect(statSync(home.path('out', 'tree', 'sparse')).blocks * 512).toBeLessThan(1_000_000)
  })

  test('replaces files, fills directories, and gives one file another name', async () => {
    writeFileSync(home.path('other'), 'other')
    expect((await home.broch('put', home.path('other'), '/tree/small')).code).toBe(0)
    expect(await home.broch('cat', '/tree/small', '/tree/deep/hard')).toMatchObject({ code: 0, out: 'othersmall' })
    expect((await home.broch('get', '/tree/small', home.path('renamed'))).code).toBe(0)
    expect(readFileSync(home.path('renamed'), 'utf8')).toBe('other')
  })

  test('follows symbolic links inside the space, and none that leaves it', async () => {
    expect(await home.broch('cat', '/tree/deep/soft')).toMatchObject({ code: 0, out: 'other' })
    symlinkSync('/etc/passwd', home.path('leaves'))
    expect((await home.broch('put', home.path('leaves'), '/leaves')).code).toBe(0)
    expect(await home.broch('cat', '/leaves')).toMatchObject({ code: 19, out: '', error: 'broch: /leaves: a symbolic link leads out of the space\n' })
  })

  test('lists names byte for byte, long lines, and JSON', async () => {
    expect((await home.broch('ls', '/tree/deep')).out).toBe('er\nhard\nsoft\n\u00ff\u00feA\n')
    expect((await home.broch('ls', '-l', '/tree/large')).out).toMatch(/^-rw-r----- 1 \d+ \d+ +3000001 2001-09-09 01:46 large\n$/)
    const rows: unknown = JSON.parse((await home.broch('ls', '--json', '/tree/deep')).out)
    expect(rows).toMatchObject([{ name: 'er', type: 'directory', mode: '1770' }, { name: 'hard' }, { name: 'soft', target: '../small' }, { nameBase64: '//5B' }])
  })

  test('goes on after what cannot be copied, and says so with 18', async () => {
    mkdirSync(home.path('mixed'))
    writeFileSync(home.path('mixed', 'good'), 'good')
    execFileSync('mkfifo', [home.path('mixed', 'fifo')])
    const { code, error } = await home.broch('put', home.path('mixed'), home.path('missing'), '/')
    expect(code).toBe(18)
    expect(error).toContain('fifo: devices, sockets and fifos are not copied')
    expect(error).toContain('missing: no such file or directory')
    expect((await home.broch('cat', '/mixed/good')).out).toBe('good')
  })

  test('makes and removes directories', async () => {
    expect((await home.broch('mkdir', '/new/dir')).code).toBe(19)
    expect((await home.broch('mkdir', '-p', '/new/dir', '/new')).code).toBe(0)
    expect(await home.broch('rm', '/new')).toMatchObject({ code: 19, error: 'broch: /new: is a directory\n' })
    expect((await home.broch('rm', '-r', '/new', '/tree')).code).toBe(0)
    expect((await home.broch('mkdir', '007', '--', '-x')).code).toBe(0)
    expect((await home.broch('ls')).out).toBe('-x\n007\nleaves\nmixed\n')
    expect((await home.broch('rm', '-r', '007', '--', '-x')).code).toBe(0)
    expect((await home.broch('ls')).out).toBe('leaves\nmixed\n')
    expect((await home.broch('fsck')).code).toBe(0)
  })

  test.skipIf(noTerminal !== undefined)('shows on a terminal how far it is, and names without what acts there', async () => {
    writeFileSync(home.path('es\u001b[31mcape'), randomBytes(2_000_000))
    const put = await typeAtTerminal(home, '[]', 'put', home.path('es\u001b[31mcape'), '/mixed')
    expect(put).toMatchObject({ code: 0, out: expect.stringMatching(/100 % \| 1\.9 MiB of 1\.9 MiB \| 1 of 1 files/) as string })
    const listed = await typeAtTerminal(home, '[]', 'ls', '/mixed')
    expect(listed.out).toContain('es\\u001b[31mcape')
    expect(listed.out).not.toContain('\u001b')
  })
})
