/**
 * Where things of this user lie: in the XDG folders, or all under `$BROCH_HOME`.
 * @packageDocumentation
 */
import { createHash } from 'node:crypto'
import { homedir } from 'node:os'
import { join, resolve } from 'node:path'

export interface Paths {
  /** the sealed data */
  readonly store: string
  /** where a pass phrase that was made without a terminal is kept */
  readonly config: string
  /** sockets of running mounts */
  readonly run: string
  /** what background mounts say */
  readonly log: string
  /** what this device saw last of each space */
  readonly seen: string
}

export function defaultPaths(env: NodeJS.ProcessEnv = process.env): Paths {
  const home = env['BROCH_HOME']
  if (home !== undefined && home !== '') {
    const base = resolve(home)
    return { store: join(base, 'store'), config: base, run: join(base, 'run'), log: join(base, 'log'), seen: join(base, 'seen') }
  }
  const folder = (name: string, ...fallback: string[]): string => join(env[name] || join(homedir(), ...fallback), 'broch')
  const state = folder('XDG_STATE_HOME', '.local', 'state')
  return {
    store: join(folder('XDG_DATA_HOME', '.local', 'share'), 'store'),
    config: folder('XDG_CONFIG_HOME', '.config'),
    run: env['XDG_RUNTIME_DIR'] ? folder('XDG_RUNTIME_DIR') : join(state, 'run'),
    log: join(state, 'log'),
    seen: join(state, 'seen'),
  }
}

/** The pass phrase file that belongs to a store: each store has its own. */
export function passfileOf(paths: Paths, store: string): string {
  const folder = resolve(store)
  if (folder === paths.store) return join(paths.config, 'passphrase')
  return join(paths.config, `passphrase-${createHash('sha256').update(folder).digest('hex').slice(0, 12)}`)
}
