/**
 * The single checks of `doctor`. Each looks and changes nothing.
 * @packageDocumentation
 */
import { spawnSync } from 'node:child_process'
import { closeSync, existsSync, openSync, readFileSync, statfsSync, statSync } from 'node:fs'
import { dirname } from 'node:path'
import { describeStore } from '../app/embedded-space.node.js'
import { programName } from './program-name.js'
import { showBytes } from './safe-text.js'

/** `note`: mounting works, something else does not. */
export interface Finding {
  readonly name: string
  readonly state: 'ok' | 'note' | 'problem'
  readonly detail: string
  /** a command, or what to do */
  readonly fix?: string
}

const OLDEST_NODE = [20, 11] as const
const LITTLE_SPACE = 1024 ** 3

export async function diagnose(store: string): Promise<Finding[]> {
  const isRoot = process.getuid?.() === 0
  const helpers = isRoot ? [mountProgram()] : [fusermount(), await descriptorHelper()]
  return [node(), device(), ...helpers, allowOther(isRoot), ...storeFolder(store), disk(store)]
}

function ok(name: string, detail: string): Finding {
  return { name, state: 'ok', detail }
}

function problem(name: string, detail: string, fix: string): Finding {
  return { name, state: 'problem', detail, fix }
}

function node(): Finding {
  const [major = 0, minor = 0] = process.versions.node.split('.').map(Number)
  const isNew = major > OLDEST_NODE[0] || (major === OLDEST_NODE[0] && minor >= OLDEST_NODE[1])
  return isNew ? ok('node', process.version) : problem('node', `${process.version} is too old`, `install Node ${OLDEST_NODE.join('.')} or later: https://nodejs.org/`)
}

function device(): Finding {
  try {
    closeSync(openSync('/dev/fuse', 'r+'))
    return ok('fuse device', '/dev/fuse opens')
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : 'error'
    if (code === 'ENOENT') return problem('fuse device', 'there is no /dev/fuse', 'modprobe fuse   (in a container: give it the device, docker run --device /dev/fuse --cap-add SYS_ADMIN)')
    if (code === 'EACCES') return problem('fuse device', 'this user may not open /dev/fuse', 'chmod 666 /dev/fuse   (as root)')
    return problem('fuse device', `/dev/fuse does not open (${code})`, 'in a container: docker run --device /dev/fuse --cap-add SYS_ADMIN')
  }
}

function mountProgram(): Finding {
  return hasProgram('mount') ? ok('mount', 'mount(8) is there') : problem('mount', 'mount(8) is missing', 'apt install mount')
}

function fusermount(): Finding {
  return hasProgram('fusermount3') ? ok('fusermount3', 'is there') : problem('fusermount3', 'is missing; only root can mount without it', 'apt install fuse3')
}

/** One of three ways to receive the descriptor from fusermount3. */
async function descriptorHelper(): Promise<Finding> {
  const ways: string[] = []
  if (await import('koffi').then(() => true, () => false)) ways.push('koffi')
  for (const program of ['python3', 'perl']) if (hasProgram(program)) ways.push(program)
  if (ways.length > 0) return ok('descriptor helper', ways.join(', '))
  return problem('descriptor helper', 'neither koffi nor python3 nor perl is there; one is needed to mount as an ordinary user', 'apt install python3')
}

function allowOther(isRoot: boolean): Finding {
  const isSet = readOr('/etc/fuse.conf').split('\n').some((line) => line.trim() === 'user_allow_other')
  if (isRoot || isSet) return ok('allow_other', isRoot ? 'root may use it' : 'user_allow_other is set in /etc/fuse.conf')
  return { name: 'allow_other', state: 'note', detail: 'not for ordinary users: other users cannot be let into a mount', fix: 'echo user_allow_other >> /etc/fuse.conf   (as root)' }
}

function storeFolder(dir: string): Finding[] {
  const { exists, heldBy } = describeStore(dir)
  if (!exists) return [{ name: 'store', state: 'note', detail: `there is no space in ${dir} yet`, fix: `${programName()} init, or ${programName()} start` }]
  const findings: Finding[] = []
  const { mode, uid } = statSync(dir)
  if ((mode & 0o077) === 0) findings.push(ok('store folder', `${dir}, closed to others`))
  else findings.push({ name: 'store folder', state: 'note', detail: `others can look into ${dir} (it is sealed all the same)`, fix: `chmod 700 ${dir}` })
  if (process.getuid?.() !== 0 && uid !== process.getuid?.()) findings.push(problem('store owner', `${dir} belongs to user ${uid}`, `chown -R $(id -u):$(id -g) ${dir}   (as root)`))
  findings.push(heldBy === undefined ? ok('store lock', 'free') : { name: 'store lock', state: 'note', detail: `process ${heldBy} has the store`, fix: `${programName()} status` })
  return findings
}

function disk(dir: string): Finding {
  let folder = dir
  while (!existsSync(folder) && dirname(folder) !== folder) folder = dirname(folder)
  const { bavail, bsize } = statfsSync(folder)
  const free = bavail * bsize
  if (free >= LITTLE_SPACE) return ok('disk', `${showBytes(free)} free`)
  return { name: 'disk', state: 'note', detail: `only ${showBytes(free)} free where the store lies`, fix: `make room, or give --store DIR on another disk (df -h ${folder})` }
}

function hasProgram(name: string): boolean {
  return spawnSync('sh', ['-c', `command -v ${name}`], { stdio: 'ignore' }).status === 0
}

function readOr(path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return ''
  }
}
