import { chmodSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { MountHere } from '../support/mount-here.js'
import { whyNoMount } from '../support/mounted-space.js'

const reason = whyNoMount()
if (reason !== undefined) console.log(`skipped: mount options: ${reason}`)
const SOMEBODY = 12_345
const BROCH = fileURLToPath(new URL('../../bin/broch', import.meta.url))

describe.skipIf(reason !== undefined)('options of a mount', () => {
  let here: MountHere
  beforeEach(() => {
    here = new MountHere()
    chmodSync(here.folder, 0o755)
  })
  afterEach(() => here.dispose())

  test('ro: the kernel and the filesystem refuse, also when it is mounted again as rw', async () => {
    await (await here.mount().then(async (m) => (await here.run('echo kept > $M/a'), m))).unmount()
    const mounted = await here.mount('ro')
    expect(await here.run('cat $M/a; echo x > $M/b; mount -o remount,rw $M 2> /dev/null; mkdir $M/d; rm $M/a')).toMatch(/^kept\n.*Read-only file system\n.*Read-only file system\n.*Read-only file system$/)
    await mounted.unmount()
  })

  test('nosuid, nodev, noexec, fsname and subtype are shown, and noexec holds', async () => {
    const mounted = await here.mount('nosuid,nodev,noexec,fsname=my files,subtype=mine,max_read=65536')
    expect(await here.run(`grep " $M " /proc/self/mountinfo | cut -d ' ' -f 6-`)).toBe(
      'rw,nosuid,nodev,noexec,relatime - fuse.mine my\\040files rw,user_id=0,group_id=0,default_permissions,max_read=65536',
    )
    expect(await here.run('printf "#!/bin/sh\\n" > $M/p; chmod 755 $M/p; $M/p')).toMatch(/Permission denied$/)
    await mounted.unmount()
  })

  test('without allow_other nobody else enters; with it the modes decide, by whom the files are', async () => {
    const closed = await here.mount()
    await here.run(`echo mine > $M/a; chmod 600 $M/a; mkdir $M/open; chmod 1777 $M/open; chmod 755 $M`)
    expect(await here.run('ls $M', SOMEBODY)).toMatch(/Permission denied$/)
    await closed.unmount()
    const open = await here.mount('allow_other')
    expect(await here.run('cat $M/a; echo hi > $M/open/b && stat -c %u:%g $M/open/b; rm $M/a; mkdir $M/c', SOMEBODY)).toMatch(
      /^cat: .*Permission denied\n12345:12345\nrm: .*Permission denied\nmkdir: .*Permission denied$/,
    )
    await open.unmount()
  })

  test('allow_root: root and the user who mounted, nobody else, whatever the modes say', async () => {
    const mounted = await here.mount('allow_root')
    expect(await here.run('echo a > $M/a; chmod 777 $M; cat $M/a; stat -c %a $M')).toBe('a\n700')
    expect(await here.run('cat $M/a', SOMEBODY)).toMatch(/Permission denied$/)
    await mounted.unmount()
    const open = await here.mount('allow_other')
    expect(await here.run('stat -c %a $M; cat $M/a', SOMEBODY)).toBe('777\na')
    await open.unmount()
  })

  test('uid, gid and umask are shown and decide; what is stored stays', async () => {
    await (await here.mount().then(async (m) => (await here.run('echo a > $M/a; chmod 640 $M/a; chmod 755 $M'), m))).unmount()
    const mounted = await here.mount(`allow_other,uid=${SOMEBODY},gid=7,umask=077`)
    expect(await here.run('stat -c "%u:%g %a" $M/a $M; cat $M/a; echo more >> $M/a; echo b > $M/b; stat -c "%u %a" $M/b', SOMEBODY)).toBe('12345:7 700\n12345:7 700\na\n12345 700')
    expect(await here.run('cat $M/a', SOMEBODY + 1)).toMatch(/Permission denied$/)
    await mounted.unmount()
    const plain = await here.mount()
    expect(await here.run('stat -c "%u:%g %a" $M/a $M/b; cat $M/a')).toBe('0:0 640\n12345:12345 644\na\nmore')
    await plain.unmount()
  })

  test('with umask= access control lists are not shown', async () => {
    await (await here.mount().then(async (m) => (await here.run('echo a > $M/a; setfacl -m u:7:rw $M/a; setfattr -n user.k -v v $M/a'), m))).unmount()
    const mounted = await here.mount('umask=022')
    expect(await here.run('getfacl -cpn $M/a | grep -c user:7; getfattr --absolute-names -d $M/a | grep k; setfacl -m u:8:r $M/a')).toMatch(/^0\nuser.k="v"\nsetfacl: .*Operation not supported$/)
    await mounted.unmount()
  })

  test.each([
    ['noatime', 'old old'],
    ['relatime', 'new new'],
    ['strictatime,nodiratime', 'new old'],
  ])('%s: what reading does to the atime of a file and a directory: %s', async (options, expected) => {
    const made = await here.mount()
    await here.run('mkdir $M/d; echo a > $M/d/f; touch -d 2001-01-01 $M/d/f $M/d')
    await made.unmount()
    const mounted = await here.mount(options)
    expect(await here.run('cat $M/d/f > /dev/null; ls $M/d > /dev/null; for i in $M/d/f $M/d; do [ $(stat -c %X $i) -gt 1000000000 ] && echo new || echo old; done | xargs')).toBe(expected)
    await mounted.unmount()
  })

  test.each([['', [0, 0]], ['sync', [3, 4]], ['dirsync', [0, 4]]] as const)('with "%s" writes and changes of directories are synced: %s', async (options, expected) => {
    const counts = { fsync: 0, sync: 0 }
    const mounted = await here.mount(options, {}, (fs) => new Proxy(fs, {
      get: (target, name) => {
        if (name === 'fsync' || name === 'sync') counts[name] += 1
        const value: unknown = Reflect.get(target, name)
        return typeof value === 'function' ? (value as () => unknown).bind(target) : value
      },
    }))
    await here.run('mkdir $M/d; for i in 1 2 3; do echo $i; done > $M/d/a; mv $M/d/a $M/b; rm $M/b')
    expect([counts.fsync, counts.sync]).toEqual(expected)
    await mounted.unmount()
  })

  test('sequential reads and writes come in pieces of 1 MiB', async () => {
    const sizes = { read: [] as number[], write: [] as number[] }
    const mounted = await here.mount('', {}, (fs) => new Proxy(fs, {
      get: (target, name) => {
        const value: unknown = Reflect.get(target, name)
        if (name === 'read') return (...args: Parameters<typeof fs.read>) => (sizes.read.push(args[2]), target.read(...args))
        if (name === 'write') return (...args: Parameters<typeof fs.write>) => (sizes.write.push(args[3].length), target.write(...args))
        return typeof value === 'function' ? (value as () => unknown).bind(target) : value
      },
    }))
    await here.run('dd if=/dev/zero of=$M/f bs=4M count=4; dd if=$M/f iflag=nocache count=0; cat $M/f > /dev/null')
    expect(Math.max(...sizes.write)).toBe(1024 * 1024)
    expect(Math.max(...sizes.read)).toBe(1024 * 1024)
    await mounted.unmount()
  })

  test('auto_unmount: ended by anybody, nothing stays', async () => {
    const mounted = await here.mount('auto_unmount')
    expect(await here.run('echo a > $M/a; cat $M/a; fusermount3 -u $M; grep -c " $M " /proc/self/mountinfo')).toBe('a\n0')
    await mounted.done
  })

  test.each(['koffi', 'perl', 'python3'])('auto_unmount: the mount goes when its process is killed (descriptor by %s)', async (way) => {
    const broch = `BROCH_HOME=$T/b BROCH_FUSERMOUNT=${way} exec ${process.execPath} ${BROCH}`
    expect(
      await here.run(`
        exec 2> /dev/null # that a process was killed, the shell says too
        (${broch} init > $T/said); (${broch} mount -f -o auto_unmount $M > $T/log) & P=$!
        until grep -q Mounted $T/log; do sleep 0.05; done; echo a > $M/a; cat $M/a
        kill -9 $P; while grep -q " $M " /proc/self/mountinfo; do sleep 0.05; done; echo gone`),
    ).toBe('a\ngone')
  })
})
