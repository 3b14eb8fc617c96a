/**
 * `passwd`: another pass phrase for the same space.
 * @packageDocumentation
 */
import { rmSync } from 'node:fs'
import { changeSpacePassphrase, hasStore } from '../app/embedded-space.node.js'
import { BrochError } from '../lib/error.js'
import { command } from './command.js'
import { passphraseOptions, sourceOf, storeOption } from './options.js'
import { askTwice, extpassArguments, getPassphrase, givenPassphrase } from './passphrase.js'
import { whileUnmounted } from './unmounted-space.js'

export const passwdCommand = command({
  usage: 'passwd',
  summary: 'change the pass phrase',
  about: [
    'The account record is replaced in one step: whatever happens, one of the two pass phrases opens the space. The files are not encrypted anew.',
    'Who has a copy of the old record and knows the old pass phrase can still open it.',
  ],
  positionals: {},
  options: {
    ...storeOption,
    ...passphraseOptions,
    'new-passfile': { type: 'string', requiresArg: true, describe: 'file or FIFO with the new pass phrase' },
    'new-extpass': { type: 'string', array: true, nargs: 1, describe: 'program that prints the new one, as --extpass' },
  },
  examples: [
    ['broch passwd', 'asks for the old one, and twice for the new one'],
    ['broch passwd --passfile old --new-passfile new', 'without a question'],
  ],
  async run(args) {
    if (!hasStore(args.store)) throw new BrochError('NO_STORE', `there is no space in ${args.store}`)
    const old = await getPassphrase(sourceOf(args))
    const given = await givenPassphrase({ passfile: args['new-passfile'], extpass: extpassArguments(args['new-extpass'] ?? []) })
    if (given === undefined && !process.stdin.isTTY) {
      throw new BrochError('INVALID', 'no new pass phrase: give --new-passfile FILE or --new-extpass CMD (there is no terminal to ask on)')
    }
    const fresh = given ?? (await askTwice())
    await whileUnmounted(args.store, () => changeSpacePassphrase(args.store, old.bytes, fresh))
    console.log('The pass phrase is changed.')
    if (old.kept === undefined) return
    rmSync(old.kept)
    console.log(`The old one was in ${old.kept}, which is removed.`)
  },
})
