/**
 * `start` and `init`: a space is made when there is none.
 * @packageDocumentation
 */
import { mkdirSync } from 'node:fs'
import { homedir } from 'node:os'
import { join, resolve } from 'node:path'
import { createSpace, hasSpace } from '../app/embedded-space.node.js'
import { BrochError } from '../lib/error.js'
import { command } from './command.js'
import { mountOptions, mountOptionsOf, mountSourceOf } from './mount-command.js'
import { runMount } from './mount-session.js'
import { passphraseOptions, paths, sourceOf, storeOption } from './options.js'
import { getPassphrase, newPassphrase, type Passphrase, type PassphraseSource } from './passphrase.js'
import { programName } from './program-name.js'
import { terminalVoice } from './voice.js'

export const startCommand = command({
  usage: 'start [dir]',
  summary: 'make a space if there is none, and mount it here in the foreground',
  about: [
    'Opens your space at DIR, and makes it first if there is none. Ctrl-C unmounts; the next start opens the same space.',
    'On a terminal a new space asks for a pass phrase, twice. Without a terminal one is made and kept in a file that only you can read.',
  ],
  positionals: { dir: { type: 'string', default: join(homedir(), 'Broch'), defaultDescription: '~/Broch', describe: 'where to mount; made if missing' } },
  options: { ...storeOption, ...passphraseOptions, ...mountOptions },
  examples: [
    ['broch start', 'your space at ~/Broch'],
    ['broch start /mnt/space -o noatime', 'somewhere else, with an option of mount(8)'],
  ],
  async run(args) {
    const options = mountOptionsOf(args)
    const source = mountSourceOf(args, options)
    const passphrase = hasSpace(args.store) ? await getPassphrase(source) : await makeSpace(args.store, source)
    makeMountPoint(args.dir)
    const request = { store: resolve(args.store), dir: args.dir, passphrase: passphrase.bytes, options, transport: args.transport, run: paths.run, acceptRollback: args['accept-rollback'] }
    await runMount(request, terminalVoice(), (dir, notes) => tell(dir, request.store, passphrase, notes))
    console.log('Unmounted. Everything is in the store.')
  },
})

export const initCommand = command({
  usage: 'init',
  summary: 'make an empty space',
  about: ['Makes an empty space in the store folder. Nothing is mounted.'],
  positionals: {},
  options: { ...storeOption, ...passphraseOptions },
  examples: [
    ['broch init', 'asks for a pass phrase, twice'],
    ['broch init --store /data/sealed --passfile ~/.pass', 'elsewhere, without a question'],
  ],
  async run(args) {
    if (hasSpace(args.store)) throw new BrochError('STORE_EXISTS', `there is a space in ${args.store} already`)
    const { kept } = await makeSpace(args.store, sourceOf(args))
    console.log(`An empty space is in ${args.store}.`)
    if (kept !== undefined) console.log(keptLine(kept))
    console.log(`Mount it: ${programName()} mount DIR${args.store === paths.store ? '' : ` --store ${args.store}`}`)
  },
})

async function makeSpace(store: string, source: PassphraseSource): Promise<Passphrase> {
  const passphrase = await newPassphrase(source)
  await createSpace(store, passphrase.bytes)
  return passphrase
}

/** What cannot be made (a stale mount lies there, say) is told when mounting. */
function makeMountPoint(dir: string): void {
  try {
    mkdirSync(resolve(dir), { recursive: true })
  } catch {
    return
  }
}

function tell(dir: string, store: string, { kept }: Passphrase, notes: readonly string[]): void {
  console.log(`Your space is at ${dir}. Use it like any other folder.`)
  console.log(`What is sealed lies in ${store}.`)
  if (kept !== undefined) console.log(keptLine(kept))
  for (const note of notes) console.log(note)
  console.log(`To stop: press Ctrl-C here, or run: ${programName()} umount ${dir}`)
}

function keptLine(file: string): string {
  return `The pass phrase is in ${file}. Keep a copy elsewhere: nothing opens the space without it.`
}
