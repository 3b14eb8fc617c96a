/**
 * The filesystems that are compared: how each makes an empty one and serves it.
 * @packageDocumentation
 */
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { type Command, isInstalled } from './process.js'

const BROCH = fileURLToPath(new URL('../bin/broch', import.meta.url))

export type ContestantName = 'plain' | 'broch' | 'gocryptfs' | 'securefs'

/** Where one filesystem lives: `home/data` is sealed, `home/mnt` is where it is used. */
export interface Place {
  readonly sealed: string
  readonly mnt: string
  readonly passfile: string
  readonly env: NodeJS.ProcessEnv
}

export interface Contestant {
  readonly name: ContestantName
  /** Why it cannot take part, and what helps. */
  readonly missing?: string
  /** Makes an empty filesystem; none for the plain directory. */
  readonly create?: (place: Place) => Command
  /** Serves it in the foreground. */
  readonly serve?: (place: Place, nodeArgs: readonly string[]) => Command
}

/** Folders and pass phrase for a new filesystem in an empty folder. */
export function makePlace(home: string): Place {
  const place = { sealed: join(home, 'data'), mnt: join(home, 'mnt'), passfile: join(home, 'pass') }
  for (const dir of [place.sealed, place.mnt]) mkdirSync(dir, { recursive: true })
  writeFileSync(place.passfile, 'correct horse battery staple\n', { mode: 0o600 })
  return { ...place, env: { ...process.env, BROCH_HOME: home } }
}

const PLAIN: Contestant = { name: 'plain' }

const BROCH_CONTESTANT: Contestant = {
  name: 'broch',
  create: ({ sealed, passfile }) => [process.execPath, BROCH, 'init', '--store', sealed, '--passfile', passfile],
  serve: ({ sealed, passfile, mnt }, nodeArgs) => [process.execPath, ...nodeArgs, BROCH, 'start', mnt, '--store', sealed, '--passfile', passfile],
}

const GOCRYPTFS: Contestant = {
  name: 'gocryptfs',
  create: ({ sealed, passfile }) => ['gocryptfs', '-init', '-q', '-passfile', passfile, sealed],
  serve: ({ sealed, passfile, mnt }) => ['gocryptfs', '-fg', '-q', '-passfile', passfile, sealed, mnt],
}

/** Format 4 is its default; times are kept, as by all the others. */
const SECUREFS: Contestant = {
  name: 'securefs',
  create: ({ sealed, passfile }) => ['securefs', 'create', '--keyfile', passfile, sealed],
  serve: ({ sealed, passfile, mnt }) => ['securefs', 'mount', '--keyfile', passfile, sealed, mnt],
}

/** All contestants, in the order of the table's columns. */
export function contestants(): Contestant[] {
  const debian = [GOCRYPTFS, SECUREFS].map((contestant) =>
    isInstalled(contestant.name) ? contestant : { ...contestant, missing: `${contestant.name} is not installed (apt-get install ${contestant.name})` },
  )
  return [PLAIN, BROCH_CONTESTANT, ...debian]
}
