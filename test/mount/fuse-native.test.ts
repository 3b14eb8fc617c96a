import { createRequire } from 'node:module'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { whyNoMount } from '../support/mounted-space.js'
import { MountHere } from '../support/mount-here.js'
import type { Mounted } from '../../src/fuse/mount.node.js'

function whyNot(): string | undefined {
  if (whyNoMount() !== undefined) return whyNoMount()
  try {
    createRequire(import.meta.url)('fuse-native')
    return undefined
  } catch {
    return 'fuse-native does not load (npm ci; apt install libfuse2)'
  }
}

const reason = whyNot()
if (reason !== undefined) console.log(`skipped: the transport fuse-native: ${reason}`)

describe.skipIf(reason !== undefined)('the transport fuse-native', () => {
  const here = new MountHere()
  let mounted: Mounted
  beforeAll(async () => {
    mounted = await here.mount('nosuid,fsname=a\\,b', { transport: 'fuse-native' })
  })
  afterAll(() => here.dispose())

  test('is there as it was asked for', async () => {
    expect(await here.run(`grep " $M " /proc/self/mountinfo | cut -d ' ' -f 6-`)).toMatch(/^rw,nosuid,nodev,relatime - fuse.broch a,b rw,.*default_permissions/)
  })

  test('files are written, read, cut, appended to and synced', async () => {
    expect(await here.run('cd $M; head -c 5000000 /dev/urandom > $T/f; cp $T/f f; cmp $T/f f; truncate -s 3 f; echo more >> f; sync f; stat -c "%s %a %F" f; tail -c 5 f')).toBe('8 644 regular file\nmore')
  })

  test('directories, renames, links and special files', async () => {
    expect(await here.run('cd $M; mkdir d; for i in $(seq 100); do echo $i > d/$i; done; ls d | wc -l; mv d/1 d/one; cat d/one; ln d/2 hard; ln -s d/2 soft; cat hard soft; stat -c %h hard; mkfifo p; stat -c %F p; rm -r d hard soft p; ls')).toBe(
      '100\n1\n2\n2\n2\nfifo\nf',
    )
  })

  test('modes, owners, attributes, and a file that is deleted while open', async () => {
    expect(await here.run('cd $M; echo a > a; chmod 640 a; chown 7:8 a; setfattr -n user.k -v v a; stat -c "%a %u:%g" a; getfattr --only-values -n user.k a; echo; exec 3< a; rm a; cat <&3; exec 3<&-; ls -A; cat none')).toMatch(
      /^640 7:8\nv\na\n.*f\ncat: none: No such file or directory$/s,
    )
  })

  test('unmounted, the same files are there over the kernel transport', async () => {
    await mounted.unmount()
    const again = await here.mount()
    expect(await here.run('tail -c 5 $M/f')).toBe('more')
    await again.unmount()
    expect(here.faults).toEqual([])
  })
})
