/**
 * Mounts served by the test's own process. Whatever touches one must then run in another: use `run`.
 * @packageDocumentation
 */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Mounted, mountFilesystem, type MountSettings } from '../../src/fuse/mount.node.js'
import { type MountOptions, parseMountOptions } from '../../src/fuse/mount-options.js'
import { mountAt } from '../../src/fuse/mount-table.node.js'
import { detach } from '../../src/fuse/unmount.node.js'
import type { Filesystem } from '../../src/vfs/filesystem.js'
import { testSpace } from './space.js'

/** Clock of the system: programs compare times. */
function now(): { seconds: number; nanoseconds: number } {
  const ms = Date.now()
  return { seconds: Math.floor(ms / 1000), nanoseconds: (ms % 1000) * 1_000_000 }
}

export class MountHere {
  readonly folder = mkdtempSync(join(tmpdir(), 'broch-here-'))
  readonly dir = mkdtempSync(join(this.folder, 'mnt-'))
  readonly faults: unknown[] = []
  readonly #space = testSpace()

  /** @param text - after `-o`; mounted again with others, the same files are there */
  async mount(text = '', settings: MountSettings = {}, around: (fs: Filesystem) => Filesystem = (fs) => fs): Promise<Mounted> {
    const options: MountOptions = parseMountOptions(text)
    const { readOnly, atime, noDirAtime } = options
    const fs = await this.#space.open({ readOnly, atime, noDirAtime, now })
    return mountFilesystem(around(fs), this.dir, { options, onFault: (error) => this.faults.push(error), ...settings })
  }

  async dispose(): Promise<void> {
    while (mountAt(this.dir) !== undefined) await detach(this.dir)
    rmSync(this.folder, { recursive: true, force: true })
  }

  /** A shell script with `$M` as the mount; gives what it printed, errors among it. */
  async run(script: string, uid = 0): Promise<string> {
    const user = uid === 0 ? [] : ['setpriv', '--reuid', String(uid), '--regid', String(uid), '--clear-groups']
    const args = ['-s', 'KILL', '30', ...user, 'bash', '-c', `exec 2>&1; ${script}`]
    const child = spawn('timeout', args, { env: { ...process.env, LC_ALL: 'C', M: this.dir, T: this.folder }, stdio: ['ignore', 'pipe', 'inherit'] })
    let out = ''
    child.stdout.on('data', (data: Buffer) => (out += data.toString()))
    await once(child, 'close')
    return out.trim()
  }
}
