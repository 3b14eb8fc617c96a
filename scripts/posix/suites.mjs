/** The suites: each gives what it found, as text, and throws when that is not what was expected. */
import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { PJDFSTEST, POSIXTEST } from './expected.mjs'

/** Asynchronous, so that what the mounted program prints is read meanwhile. */
async function output(command, args, { env = {}, ...options } = {}) {
  const child = spawn(command, args, { env: { ...process.env, NO_COLOR: '1', ...env }, stdio: ['ignore', 'pipe', 'pipe'], ...options })
  let text = ''
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (data) => (text += data))
  const [status, signal] = await once(child, 'close')
  return { status: status ?? signal, text }
}

/** @param found - name to 'ok', 'failed' or 'skipped' */
function judge(found, expected, text) {
  const wrong = []
  for (const [name, result] of found) {
    const wanted = name in expected.failed ? 'failed' : name in expected.skipped ? 'skipped' : 'ok'
    if (result !== wanted) wrong.push(`${name}: ${result}, expected ${wanted}`)
  }
  for (const name of [...Object.keys(expected.failed), ...Object.keys(expected.skipped)]) {
    if (!found.has(name)) wrong.push(`${name}: expected something of it, but there is no such test`)
  }
  if (found.size === 0) wrong.push('nothing ran')
  if (wrong.length > 0) throw new Error(`${wrong.join('\n')}\n${text}`)
  const count = (result) => [...found.values()].filter((value) => value === result).length
  return `${count('ok')} passed, ${count('failed')} failed as expected, ${count('skipped')} skipped as expected`
}

/** Everything that the suite has for Linux: chflags(2) and NFSv4 ACLs, its other features, are compiled for BSD alone. */
const pjdfstestConfig = (remount) => `
[features]
posix_fallocate = {}
rename_ctime = {}
stat_st_birthtime = {}
utime_now = {}
utimensat = {}

[settings]
naptime = 0.01
allow_remount = ${remount}

[dummy_auth]
entries = [["nobody", "nogroup"], ["daemon", "daemon"]]
`

/** The tests that remount run in a process of their own: others leave files open for writing, which forbids it anywhere. */
export async function pjdfstest(mount, tools) {
  const env = { PATH: `${mountWithoutHelper(mount)}:${process.env.PATH}` }
  const words = { ok: 'ok', FAILED: 'failed', skipped: 'skipped' }
  const found = new Map()
  let said = ''
  for (const [remount, ...patterns] of [[false], [true, 'erofs']]) {
    const config = join(mount.home, 'pjdfstest.toml')
    writeFileSync(config, pjdfstestConfig(remount))
    const { text } = await output(tools.pjdfstest, ['-c', config, '-p', mount.dir, '-s', mount.other, ...patterns], { env })
    for (const [, name, word] of text.matchAll(/^([a-z0-9_:]+) +(ok|FAILED|skipped)$/gm)) found.set(name, words[word])
    said += text
  }
  return judge(found, PJDFSTEST, said)
}

/** A folder for PATH: mount(8) would look for a helper of ours, which may not be installed on this machine. */
function mountWithoutHelper(mount) {
  const bin = join(mount.home, 'bin')
  mkdirSync(bin)
  const real = spawnSync('sh', ['-c', 'command -v mount'], { encoding: 'utf8' }).stdout.trim()
  writeFileSync(join(bin, 'mount'), `#!/bin/sh\nexec ${real} -i "$@"\n`, { mode: 0o755 })
  return bin
}

export async function posixtest(mount, tools) {
  const dir = join(mount.dir, 'posixtest')
  mkdirSync(dir)
  const { text } = await output(tools.posixtest, ['-test.v'], { env: { POSIXTEST_DIR: dir }, cwd: mount.home })
  rmSync(dir, { recursive: true })
  const words = { PASS: 'ok', FAIL: 'failed', SKIP: 'skipped' }
  const lines = [...text.matchAll(/^ +--- (PASS|FAIL|SKIP): TestPosix\/(\w+) /gm)]
  return judge(new Map(lines.map(([, word, name]) => [name, words[word]])), POSIXTEST, text)
}

const EVERYTHING = {
  close_open: 1, read: 10, write: 10, mapread: 10, mapwrite: 10, invalidate: 1, truncate: 3, fsync: 0, fdatasync: 0,
  posix_fallocate: 3, punch_hole: 5, sendfile: 3, posix_fadvise: 1, copy_file_range: 5,
}
const UNMAPPED = { ...EVERYTHING, mapread: 0, mapwrite: 0, invalidate: 0 }

/** `share`: of the operations altogether. The sizes cross the borders of inline data, fragments and chunks. */
export const FSX = [
  { name: 'with mmap', share: 0.4, length: 1_048_576, most: 65_536, weights: EVERYTHING },
  { name: 'without mmap', share: 0.25, length: 1_048_576, most: 65_536, weights: UNMAPPED },
  // aligned allocations come out empty now and then, which every filesystem refuses
  { name: 'O_DIRECT', share: 0.2, length: 1_048_576, most: 65_536, align: 512, weights: { ...UNMAPPED, posix_fallocate: 0 }, direct: true },
  { name: 'small file', share: 0.1, length: 40_000, most: 4096, weights: EVERYTHING },
  { name: 'large file', share: 0.04, length: 16_777_216, most: 262_144, weights: EVERYTHING },
  { name: 'synced', share: 0.01, length: 1_048_576, most: 65_536, weights: { ...EVERYTHING, fsync: 2, fdatasync: 2 }, msync: true },
]

function fsxConfig({ length, most, align = 1, weights, msync = false }) {
  const lines = Object.entries(weights).map(([name, weight]) => `${name} = ${weight.toFixed(1)}`)
  return `flen = ${length}\nnomsyncafterwrite = ${!msync}\n[opsize]\nmax = ${most}\nmin = ${align}\nalign = ${align}\n[weights]\n${lines.join('\n')}\n`
}

export async function fsx(mount, tools, variant, { operations, seed }) {
  const name = `fsx-${variant.name.replaceAll(' ', '-')}`
  const config = join(mount.home, `${name}.toml`)
  writeFileSync(config, fsxConfig(variant))
  const count = Math.round(operations * variant.share)
  const file = join(mount.dir, name)
  const env = variant.direct === true ? { LD_PRELOAD: tools.direct, DIRECT_FILE: file } : {}
  const { status, text } = await output(tools.fsx, ['-f', config, '-N', String(count), '-S', String(seed), '-P', mount.home, file], { env })
  if (status !== 0) throw new Error(`seed ${seed}, ${count} operations, configuration:\n${fsxConfig(variant)}\n${text.split('\n').slice(-60).join('\n')}`)
  return `${count} operations without a difference, seed ${seed}`
}

/** Of stress-ng's filesystem class all but those that are about other things (binderfs, eventfd), work on the whole machine (fanotify, io, bind-mount), or ask for what no FUSE filesystem has (chattr, verity). */
const STRESSORS = [
  'access', 'chdir', 'chmod', 'chown', 'copy-file', 'dentry', 'dir', 'dirdeep', 'dirmany', 'dnotify', 'fallocate', 'fcntl', 'fiemap', 'filename',
  'flock', 'fpunch', 'fsize', 'fstat', 'getdent', 'handle', 'hdd', 'inotify', 'iomix', 'lease', 'link', 'locka', 'lockf', 'lockofd', 'mknod',
  'open', 'rename', 'symlink', 'sync-file', 'touch', 'utime', 'xattr',
]

/** Two workers of each, one after the other. */
export async function stressNg(mount) {
  const dir = join(mount.dir, 'stress-ng')
  mkdirSync(dir)
  for (const stressor of STRESSORS) {
    const { status, text } = await output('timeout', ['120', 'stress-ng', `--${stressor}`, '2', '--timeout', '1', '--verify', '--temp-path', dir])
    if (status !== 0) throw new Error(`${stressor} ended with ${status}:\n${text}`)
  }
  rmSync(dir, { recursive: true })
  return `${STRESSORS.length} stressors`
}

const FIO = {
  'buffered, any size': ['--ioengine=psync', '--rw=randwrite', '--bsrange=1k-96k', '--bs_unaligned'],
  'O_DIRECT, 8 at once': ['--ioengine=libaio', '--iodepth=8', '--direct=1', '--rw=randrw', '--bs=4k'],
  'mmap': ['--ioengine=mmap', '--rw=randwrite', '--bs=4k', '--fsync=64'],
  'sequential, with fsync': ['--ioengine=psync', '--rw=write', '--bs=128k', '--fsync=16', '--fallocate=none'],
}

export async function fio(mount) {
  for (const [name, args] of Object.entries(FIO)) {
    const fixed = ['--name=verify', `--directory=${mount.dir}`, '--size=16m', '--verify=crc32c', '--verify_fatal=1', '--unlink=1', '--minimal']
    const { status, text } = await output('timeout', ['300', 'fio', ...fixed, ...args], { cwd: mount.home })
    if (status !== 0) throw new Error(`${name} ended with ${status}:\n${text}`)
  }
  return Object.keys(FIO).join('; ')
}
