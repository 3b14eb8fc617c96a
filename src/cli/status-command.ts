/**
 * `status`: what is mounted, how it is, and what lies in the store.
 * @packageDocumentation
 */
import { resolve } from 'node:path'
import { describeStore } from '../app/embedded-space.node.js'
import { command } from './command.js'
import { findMounts } from './control-client.js'
import type { MountStatus } from './control-protocol.js'
import { jsonOption, paths, storeOption } from './options.js'
import { safeText, showBytes, showCount } from './safe-text.js'

export const statusCommand = command({
  usage: 'status',
  summary: 'what is mounted, what is not written yet, what went wrong',
  about: [
    'Lists the running mounts of this user, and the store. An alarm is a failure that a mount met since it began: damaged data, a disk that refused. Files it does not concern go on working.',
    'With --json: {"version": 1, "mounts": [...], "silent": [process ids], "store": {...}}. Fields may be added, none is taken away.',
  ],
  positionals: {},
  options: { ...storeOption, ...jsonOption },
  examples: [['broch status --json | jq -r ".mounts[].dir"', 'where something is mounted']],
  async run(args) {
    const found = await findMounts(paths.run)
    const mounts = found.mounts.map(({ status }) => status)
    const store = { dir: resolve(args.store), ...describeStore(args.store) }
    if (args.json) {
      console.log(JSON.stringify({ version: 1, mounts, silent: found.silent, store }, undefined, 2))
      return
    }
    if (mounts.length > 0) console.log(mounts.map(describeMount).join('\n\n'))
    for (const pid of found.silent) console.log(`Process ${pid} has a mount and does not answer: it is busy, or of another version. Ask again later.`)
    if (mounts.length === 0 && found.silent.length === 0) console.log('Nothing is mounted.')
    if (mounts.some((mount) => mount.store === store.dir) || (mounts.length > 0 && !store.exists)) return
    console.log(store.exists ? `A space is in ${store.dir}: ${showBytes(store.bytes)}, sealed.` : `There is no space in ${store.dir}.`)
    if (store.heldBy !== undefined) console.log(`Process ${store.heldBy} has it.`)
  },
})

function describeMount(mount: MountStatus): string {
  const { usage } = mount
  const lines: [string, string][] = [
    ['mounted at', `${safeText(mount.dir)}${mount.readOnly ? ' (read-only)' : ''}`],
    ['store', `${safeText(mount.store)}: ${usage === undefined ? 'cannot be read' : `${showBytes(usage.bytes)} in ${showCount(usage.blocks, 'block')}, ${showBytes(usage.freeBytes)} free`}`],
    ['process', `${mount.pid}, since ${safeText(mount.since.slice(0, 19).replace('T', ' '))} UTC, transport ${mount.transport}`],
    ['not written', mount.dirtyInodes === 0 ? 'nothing' : `${showBytes(mount.dirtyBytes)} in ${showCount(mount.dirtyInodes, 'file')}`],
    ['last commit', `number ${mount.sequence}`],
    ...mount.alarms.map(({ kind, message, count }): [string, string] => ['ALARM', `${kind}: ${safeText(message)} (${showCount(count, 'time')})`]),
  ]
  return lines.map(([name, text]) => `${name.padEnd(12)} ${text}`).join('\n')
}
