/** The suites' programs: got through their registries, kept outside the tree. */
import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, readFileSync } from 'node:fs'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

export const CACHE = process.env.BROCH_TEST_TOOLS ?? join(process.env.XDG_CACHE_HOME ?? join(homedir(), '.cache'), 'broch-test-tools')
const CRATES = { pjdfstest: '0.2.2', fsx: '0.3.2' }
const here = fileURLToPath(new URL('.', import.meta.url))

function runs(command, ...args) {
  return spawnSync(command, args, { stdio: 'ignore' }).status === 0
}

/** What this machine lacks, each with the command that brings it; undefined when the suites can run. */
export function whyNoSuites() {
  if (process.platform !== 'linux' || !existsSync('/dev/fuse')) return 'there is no /dev/fuse (modprobe fuse)'
  if (process.getuid() !== 0) return 'they change users, which needs root (sudo npm run test:posix)'
  if (!runs('cargo', '--version')) return 'cargo is missing (apt-get install cargo, or https://rustup.rs; 1.85 or later)'
  if (!runs('go', 'version')) return 'go is missing (apt-get install golang; 1.21 or later)'
  for (const [program, args] of [['cc', ['--version']], ['fio', ['--version']], ['stress-ng', ['--version']]]) {
    if (!runs(program, ...args)) return `${program} is missing (bash scripts/install-test-tools.sh)`
  }
  return undefined
}

function must(what, command, args, options = {}) {
  const { status, stdout, stderr } = spawnSync(command, args, { encoding: 'utf8', maxBuffer: 2 ** 28, ...options })
  if (status !== 0) throw new Error(`${what} failed:\n${stdout}${stderr}`)
}

/** Builds what is not there in the wanted version. Minutes the first time, nothing later. */
export function getTools() {
  mkdirSync(CACHE, { recursive: true })
  const known = existsSync(join(CACHE, '.crates.toml')) ? readFileSync(join(CACHE, '.crates.toml'), 'utf8') : ''
  for (const [name, version] of Object.entries(CRATES)) {
    if (known.includes(`"${name} ${version} `)) continue
    console.log(`building ${name} ${version} (once; kept in ${CACHE}) ...`)
    must(`building ${name}`, 'cargo', ['install', '--locked', '--root', CACHE, `${name}@${version}`])
  }
  must('building posixtest', 'go', ['test', '-c', '-o', join(CACHE, 'posixtest'), '.'], { cwd: join(here, 'posixtest') })
  must('building the O_DIRECT shim', 'cc', ['-shared', '-fPIC', '-o', join(CACHE, 'direct.so'), join(here, 'direct.c'), '-ldl'])
  return {
    pjdfstest: join(CACHE, 'bin', 'pjdfstest'),
    fsx: join(CACHE, 'bin', 'fsx'),
    posixtest: join(CACHE, 'posixtest'),
    direct: join(CACHE, 'direct.so'),
  }
}
