/**
 * Which processes keep a mount busy. Only link texts under /proc are read: the mount is never touched.
 * @packageDocumentation
 */
import { readdir, readFile, readlink } from 'node:fs/promises'
import { join } from 'node:path'

export interface Holder {
  readonly pid: number
  /** name of its program, as ps(1) shows it */
  readonly program: string
}

/** Of other users' processes nothing is seen, unless one is root. */
export async function findHolders(dir: string): Promise<Holder[]> {
  const holders: Holder[] = []
  for (const name of await readdir('/proc')) {
    if (!/^\d+$/.test(name) || !(await holds(join('/proc', name), dir))) continue
    const program = await readFile(join('/proc', name, 'comm'), 'utf8').catch(() => '?')
    holders.push({ pid: Number(name), program: program.trim() })
  }
  return holders
}

async function holds(process: string, dir: string): Promise<boolean> {
  const files = (await readdir(join(process, 'fd')).catch(() => [])).map((fd) => join('fd', fd))
  for (const link of ['cwd', 'root', 'exe', ...files]) {
    const target = await readlink(join(process, link)).catch(() => '')
    if (target === dir || target.startsWith(`${dir}/`)) return true
  }
  return false
}
