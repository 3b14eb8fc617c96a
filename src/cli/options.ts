/**
 * Options that several commands share, and what follows from them.
 * @packageDocumentation
 */
import { join, resolve } from 'node:path'
import { defaultPaths, passfileOf } from '../app/paths.node.js'
import { extpassArguments, type PassphraseSource } from './passphrase.js'

export const paths = defaultPaths()
/** What mounts in the background say. */
export const mountLog = join(paths.log, 'mount.log')

export const storeOption = {
  store: {
    type: 'string',
    requiresArg: true,
    default: paths.store,
    defaultDescription: '$XDG_DATA_HOME/broch/store',
    describe: 'folder of the sealed data',
  },
} as const

export const passphraseOptions = {
  passfile: { type: 'string', requiresArg: true, describe: 'file or FIFO whose first line is the pass phrase' },
  extpass: {
    type: 'string',
    array: true,
    nargs: 1,
    describe: 'program whose first line of output is the pass phrase; split at spaces, no shell. Given several times: program and arguments as they are',
  },
} as const

export const jsonOption = { json: { type: 'boolean', default: false, describe: 'print JSON, for scripts' } } as const

export interface StoreArguments {
  readonly store: string
  readonly passfile: string | undefined
  readonly extpass: string[] | undefined
}

export function sourceOf({ store, passfile, extpass }: StoreArguments): PassphraseSource {
  return { passfile, extpass: extpassArguments(extpass ?? []), kept: passfileOf(paths, resolve(store)) }
}
