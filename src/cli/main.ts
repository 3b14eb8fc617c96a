/**
 * The command line: parse, call, print.
 * @packageDocumentation
 */
import { mkdirSync } from 'node:fs'
import { homedir } from 'node:os'
import { join, resolve } from 'node:path'
import yargs from 'yargs'
import { hideBin } from 'yargs/helpers'
import { changeSpacePassphrase, createSpace, hasSpace } from '../app/embedded-space.node.js'
import { defaultPaths, passfileOf } from '../app/paths.node.js'
import { unmount } from '../fuse/mount.node.js'
import { BrochError } from '../lib/error.js'
import { exitCodeOf } from './exit-code.js'
import { mountInForeground } from './mount-command.js'
import { getPassphrase, newPassphrase, readPassfile } from './passphrase.js'

const paths = defaultPaths()

/** What cannot be made (a stale mount lies there, say) is told when mounting. */
function makeMountPoint(dir: string): void {
  try {
    mkdirSync(resolve(dir), { recursive: true })
  } catch {
    return
  }
}

const parser = yargs(hideBin(process.argv))
  .scriptName('broch')
  .usage('$0 COMMAND\n\nKeeps your files encrypted, and mounts them as an ordinary directory.')
  .option('store', { type: 'string', default: paths.store, describe: 'folder of the sealed data' })
  .option('passfile', { type: 'string', describe: 'file (or FIFO) whose first line is the pass phrase' })
  .command('start [dir]', 'make a space if there is none, and mount it here in the foreground', (y) => y.positional('dir', { type: 'string', default: join(homedir(), 'Broch') }).option('nonempty', { type: 'boolean', default: false }), async (a) => {
    const fresh = !hasSpace(a.store)
    const passphrase = await (fresh ? newPassphrase : getPassphrase)(a.passfile, passfileOf(paths, a.store))
    if (fresh) await createSpace(a.store, passphrase)
    makeMountPoint(a.dir)
    await mountInForeground({ store: a.store, dir: a.dir, passphrase, nonEmpty: a.nonempty, flags: [] })
  })
  .command('init', 'make an empty space', {}, async (a) => {
    const store = String(a['store'])
    if (hasSpace(store)) throw new BrochError('STORE_EXISTS', `there is a space in ${store} already; nothing was changed`)
    await createSpace(store, await newPassphrase(a['passfile'] as string | undefined, passfileOf(paths, store)))
    console.log(`An empty space is in ${store}. Mount it: broch mount DIR`)
  })
  .command('mount <dir>', 'mount the space in the foreground', (y) => y.positional('dir', { type: 'string', demandOption: true }).option('nonempty', { type: 'boolean', default: false }).option('o', { type: 'string', default: '', describe: 'options as of mount(8): ro,allow_other,noexec...' }), async (a) => {
    const passphrase = await getPassphrase(a.passfile, passfileOf(paths, a.store))
    const flags = a.o.split(',').filter((flag) => flag !== '')
    await mountInForeground({ store: a.store, dir: a.dir, passphrase, nonEmpty: a.nonempty, flags })
  })
  .command('umount <dir>', 'unmount, when nothing is open there', (y) => y.positional('dir', { type: 'string', demandOption: true }).option('force', { type: 'boolean', default: false, describe: 'detach even if files are open' }), async (a) => {
    await unmount(a.dir, a.force)
  })
  .command('passwd', 'change the pass phrase', (y) => y.option('new-passfile', { type: 'string', describe: 'file with the new pass phrase' }), async (a) => {
    const old = await getPassphrase(a.passfile, passfileOf(paths, a.store))
    if (a.newPassfile === undefined && !process.stdin.isTTY) throw new BrochError('INVALID', 'give --new-passfile FILE (there is no terminal to ask on)')
    const fresh = a.newPassfile === undefined ? await newPassphrase(undefined, passfileOf(paths, a.store)) : readPassfile(a.newPassfile)
    await changeSpacePassphrase(a.store, old, fresh)
    console.log('The pass phrase is changed.')
  })
  .demandCommand(1, 'Say what to do. For example: broch start')
  .strict()
  .fail((message, error: unknown) => {
    if (error !== undefined && error !== null) throw error as Error
    throw new BrochError('INVALID', message)
  })
  .help()

try {
  await parser.parseAsync()
} catch (error) {
  console.error(`broch: ${error instanceof Error ? error.message : String(error)}`)
  process.exitCode = exitCodeOf(error)
}
