/**
 * `mount` and `umount`.
 * @packageDocumentation
 */
import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { hasStore } from '../app/embedded-space.node.js'
import { type MountOptions, parseMountOptions } from '../fuse/mount-options.js'
import { TRANSPORT_NAMES, type TransportName } from '../fuse/transport.js'
import { unmount } from '../fuse/unmount.node.js'
import { BrochError } from '../lib/error.js'
import { mountInBackground } from './background.js'
import { command } from './command.js'
import { askMount, askStatus, mountAt, type RunningMount } from './control-client.js'
import { runMount } from './mount-session.js'
import { passphraseOptions, mountLog, paths, sourceOf, type StoreArguments, storeOption } from './options.js'
import { getPassphrase, type PassphraseSource } from './passphrase.js'
import { showBytes, showCount } from './safe-text.js'
import { terminalVoice } from './voice.js'

export const mountOptions = {
  o: { type: 'string', array: true, nargs: 1, default: [] as string[], defaultDescription: 'none', describe: 'options as of mount(8), with commas: ro, noatime, allow_other, noexec ... (docs/mount-options.md)' },
  nonempty: { type: 'boolean', default: false, describe: 'mount over a directory that has entries' },
  'accept-rollback': { type: 'boolean', default: false, describe: 'take a store that is older than what this device saw: for a backup that you restored' },
  transport: { choices: TRANSPORT_NAMES, default: 'kernel' as TransportName, describe: 'how requests of the kernel come: its own protocol, or through libfuse 2 (slower, less)' },
} as const

/** @throws BrochError INVALID, naming the option */
export function mountOptionsOf({ o, nonempty }: { readonly o: readonly string[]; readonly nonempty: boolean }): MountOptions {
  const options = parseMountOptions(o.join(','))
  return { ...options, nonEmpty: options.nonEmpty || nonempty }
}

/** `--passfile` goes before `-o passfile=`, which is for fstab. */
export function mountSourceOf(args: StoreArguments, { passfile }: MountOptions): PassphraseSource {
  return sourceOf({ ...args, passfile: args.passfile ?? passfile })
}

export const mountCommand = command({
  usage: 'mount <dir>',
  summary: 'mount the space',
  about: [
    'Mounts the space at DIR, an empty directory. A process in the background serves it; this command returns when the mount answers.',
    'What that process has to say goes to the log. broch status shows it, broch umount ends it.',
  ],
  positionals: { dir: { type: 'string', demandOption: true, describe: 'where to mount' } },
  options: {
    ...storeOption,
    ...passphraseOptions,
    ...mountOptions,
    foreground: { alias: 'f', type: 'boolean', default: false, describe: 'stay here and serve it; Ctrl-C unmounts' },
  },
  examples: [
    ['broch mount ~/Broch', 'in the background'],
    ['broch mount -f -o ro ~/Broch', 'here, and nothing can be changed'],
    ['broch mount --extpass "pass show broch" ~/Broch', 'the pass phrase from a password manager'],
  ],
  async run(args) {
    if (!hasStore(args.store)) throw new BrochError('NO_STORE', `there is no space in ${args.store}`)
    const options = mountOptionsOf(args)
    const { bytes } = await getPassphrase(mountSourceOf(args, options))
    const request = { store: resolve(args.store), dir: resolve(args.dir), passphrase: bytes, options, transport: args.transport, run: paths.run, acceptRollback: args['accept-rollback'] }
    if (!args.foreground) {
      const { pid, dir, notes } = await mountInBackground(request, mountLog)
      console.log([`Mounted at ${dir} by process ${pid}.`, ...notes].join('\n'))
      return
    }
    await runMount(request, terminalVoice(), (dir, notes) => console.log([`Mounted at ${dir}. Press Ctrl-C to unmount.`, ...notes].join('\n')))
    console.log('Unmounted. Everything is in the store.')
  },
})

export const umountCommand = command({
  usage: 'umount <dir>',
  summary: 'unmount, and wait until everything is in the store',
  about: [
    'Commits, unmounts, and returns when the process of the mount has written everything and ended.',
    'While files are open there it refuses, and names the programs. What cannot be written (the disk is full, say) is not unmounted either.',
  ],
  positionals: { dir: { type: 'string', demandOption: true, describe: 'where it is mounted' } },
  options: { force: { type: 'boolean', default: false, describe: 'detach even though files are open: they get errors, what was written is kept' } },
  examples: [['broch umount ~/Broch', '']],
  async run({ dir, force }) {
    const mount = await mountAt(paths.run, dir)
    if (mount === undefined) await unmount(dir, { force })
    else await unmountAndWait(mount, force)
    console.log(mount === undefined ? 'Unmounted. If its process still runs, it writes what is left and ends by itself.' : 'Unmounted. Everything is in the store.')
  },
})

/** Past this the user is told what is waited for. */
const PATIENCE_MS = 1000
const POLL_MS = 100

async function unmountAndWait({ socket, status: { pid } }: RunningMount, force: boolean): Promise<void> {
  const waiting = setInterval(() => void tellWaiting(socket, pid), PATIENCE_MS)
  try {
    await askMount(socket, { ask: 'unmount', force })
    while (isAlive(pid)) await new Promise((resolve) => setTimeout(resolve, POLL_MS))
  } finally {
    clearInterval(waiting)
  }
}

async function tellWaiting(socket: string, pid: number): Promise<void> {
  const status = await askStatus(socket)
  if (typeof status === 'string') console.error(`Waiting for process ${pid} to end ...`)
  else console.error(`Waiting for process ${pid}: ${showBytes(status.dirtyBytes)} in ${showCount(status.dirtyInodes, 'file')} still to be written ...`)
}

/** A process that has ended stays in the table until its parent asks: that is not waited for. */
function isAlive(pid: number): boolean {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1')
    return stat[stat.lastIndexOf(')') + 2] !== 'Z'
  } catch {
    return false
  }
}
