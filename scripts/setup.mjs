/** Installs and builds what is missing or out of date. Plain JavaScript: it runs before anything is installed. */
import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

export const root = dirname(dirname(fileURLToPath(import.meta.url)))

/** Runs a command in the project; ends the process with its status when it fails. */
export function run(command, args) {
  const { status, error } = spawnSync(command, args, { cwd: root, stdio: ['ignore', 2, 2] })
  if (status === 0) return
  console.error(`broch: ${command} ${args.join(' ')} failed${error ? `: ${error.message}` : ''}`)
  process.exit(status ?? 1)
}

export function setUp() {
  const [major] = process.versions.node.split('.').map(Number)
  if (major < 20) {
    console.error(`broch needs Node 20 or later; this is ${process.version}. See https://nodejs.org/`)
    process.exit(1)
  }
  const stamp = join(root, 'node_modules', '.broch-lock')
  const lock = createHash('sha256').update(readFileSync(join(root, 'package-lock.json'))).digest('hex')
  if (!existsSync(stamp) || readFileSync(stamp, 'utf8') !== lock) {
    console.error('broch: installing dependencies (npm ci) ...')
    run('npm', ['ci', '--no-audit', '--no-fund', '--loglevel=error'])
    mkdirSync(dirname(stamp), { recursive: true })
    writeFileSync(stamp, lock)
  }
  buildWhenChanged(lock)
}

/** A compiler run takes longer than a start may: it is left out when nothing changed since the last. */
function buildWhenChanged(lock) {
  const stamp = join(root, 'dist', '.broch-build')
  const state = createHash('sha256').update(lock)
  const inputs = readdirSync(join(root, 'src'), { recursive: true }).filter((name) => name.endsWith('.ts')).map((name) => join('src', name))
  for (const name of [...inputs.sort(), 'tsconfig.json', 'tsconfig.build.json']) {
    const { size, mtimeMs } = statSync(join(root, name))
    state.update(`${name} ${size} ${mtimeMs}\n`)
  }
  const now = state.digest('hex')
  if (existsSync(stamp) && readFileSync(stamp, 'utf8') === now) return
  console.error('broch: building ...')
  run(process.execPath, [join(root, 'node_modules', 'typescript', 'bin', 'tsc'), '-p', 'tsconfig.build.json'])
  writeFileSync(stamp, now)
}
