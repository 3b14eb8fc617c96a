import { closeSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { runCommand } from '../../src/fuse/command.node.js'
import { openDevice } from '../../src/fuse/device-passing.node.js'
import { mountAt, readMountTable } from '../../src/fuse/mount-table.node.js'
import { unmount } from '../../src/fuse/unmount.node.js'
import { MountHere } from '../support/mount-here.js'
import { whyNoMount } from '../support/mounted-space.js'

const reason = whyNoMount()
if (reason !== undefined) console.log(`skipped: mount points: ${reason}`)

/** A mount whose process is gone. */
async function dead(dir: string, type: string, user: number): Promise<void> {
  const fd = openDevice()
  await runCommand('mount', ['-i', '-t', type, '-o', `fd=3,rootmode=40000,user_id=${user},group_id=0`, 'broch', dir], { fds: [fd] })
  closeSync(fd)
}

describe.skipIf(reason !== undefined)('where a mount may be, and how it ends', () => {
  let here: MountHere
  beforeEach(() => {
    here = new MountHere()
  })
  afterEach(() => {
    vi.unstubAllEnvs()
    return here.dispose()
  })

  const refused = (code: string, message: RegExp) => expect(here.mount()).rejects.toMatchObject({ code, message: expect.stringMatching(message) as string })

  test('a directory that is missing, a file, and one with entries are told apart', async () => {
    await here.run('rmdir $M')
    await refused('MOUNT_POINT', /does not exist/)
    await here.run('touch $M')
    await refused('MOUNT_POINT_FILE', /is a file/)
    await here.run('rm $M; mkdir $M; touch $M/x')
    await refused('MOUNT_POINT_NOT_EMPTY', /not empty/)
    const mounted = await here.mount('nonempty')
    expect(await here.run('ls $M')).toBe('')
    await mounted.unmount()
    expect(await here.run('ls $M')).toBe('x')
  })

  test('a mount that lives is not mounted over', async () => {
    const mounted = await here.mount()
    await refused('MOUNT_BUSY', /mounted there already/)
    await mounted.unmount()
  })

  test('a dead mount is cleared if it is ours: of our type and made by this user', async () => {
    await dead(here.dir, 'fuse.broch', 0)
    const mounted = await here.mount()
    expect(await here.run('echo a > $M/a; cat $M/a; grep -c " $M " /proc/self/mountinfo')).toBe('a\n1')
    await mounted.unmount()
    for (const [type, user, message] of [['fuse.other', 0, /not ours/], ['fuse.broch', 7, /already, by user 7/]] as const) {
      await dead(here.dir, type, user)
      await refused('MOUNT_BUSY', message)
      await here.run('umount -l $M')
    }
  })

  test('names with spaces and of other scripts, and symlinks to the mount point', async () => {
    const odd = join(here.folder, 'a b\tü\\é')
    mkdirSync(odd)
    symlinkSync(odd, join(here.folder, 'link'))
    Object.assign(here, { dir: join(here.folder, 'link') })
    const mounted = await here.mount()
    expect(mounted.dir).toBe(odd)
    expect(mountAt(odd)?.type).toBe('fuse.broch')
    expect(await here.run('echo a > $M/a; cat $M/a')).toBe('a')
    await refused('MOUNT_BUSY', /already/)
    await unmount(join(here.folder, 'link'))
    await mounted.done
  })

  test('what is no mount is not unmounted', async () => {
    await expect(unmount(here.dir)).rejects.toMatchObject({ code: 'INVALID' })
    await expect(unmount('/proc')).rejects.toMatchObject({ code: 'INVALID' })
  })

  test.each(['poll', 'pool'])('busy (reader: %s): refused with the process that holds it, and still mounted; forced, files there fail', async (reader) => {
    vi.stubEnv('BROCH_READER', reader)
    const mounted = await here.mount()
    writeFileSync(join(here.folder, 'go'), '')
    const holder = here.run('exec 3> $M/open; echo $$ > $T/pid; while [ -e $T/go ]; do sleep 0.05; done; echo late >&3')
    await expect.poll(() => here.run('cat $T/pid 2> /dev/null')).not.toBe('')
    const pid = await here.run('cat $T/pid')
    await expect(mounted.unmount()).rejects.toMatchObject({ code: 'MOUNT_BUSY', message: expect.stringMatching(new RegExp(`\\b${pid} \\(bash\\)`)) as string })
    expect(await here.run('ls $M')).toBe('open')
    await mounted.unmount({ force: true })
    await mounted.done
    await here.run('rm $T/go')
    expect(await holder).toMatch(/not connected|Input\/output error/)
    expect(mountAt(here.dir)).toBeUndefined()
  })

  test('umount(8) by anybody ends it, with everything committed at the next start', async () => {
    const mounted = await here.mount()
    await here.run('echo kept > $M/a; sync $M/a; umount $M')
    await mounted.done
    await expect(mounted.unmount()).resolves.toBeUndefined()
    const again = await here.mount()
    expect(await here.run('cat $M/a')).toBe('kept')
    await again.unmount()
  })
})

test('the table of mounts is read as proc(5) writes it', () => {
  const text = '47 26 0:39 / /a\\040b\\134c\\303\\274 rw,nosuid shared:7 - fuse.broch my\\040files rw,user_id=7,group_id=0\n'
  expect(readMountTable(text)).toEqual([{ device: 39, dir: '/a b\\cü', type: 'fuse.broch', superOptions: ['rw', 'user_id=7', 'group_id=0'] }])
})
