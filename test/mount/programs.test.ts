import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { MountedSpace, shell, whyNoMount } from '../support/mounted-space.js'

const reason = whyNoMount()
if (reason !== undefined) console.log(`skipped: real mounts: ${reason}`)

describe.skipIf(reason !== undefined)('real programs on a real mount', () => {
  const space = new MountedSpace()
  beforeAll(() => space.mount())
  afterAll(() => space.dispose())

  test('git init, commit, gc, fsck', async () => {
    const out = await shell(space, `
      mkdir $M/repo; cd $M/repo; git init -q .; export GIT_AUTHOR_NAME=a GIT_AUTHOR_EMAIL=a@b GIT_COMMITTER_NAME=a GIT_COMMITTER_EMAIL=a@b
      for i in $(seq 50); do echo $i > f$i; git add .; git commit -qm $i; done
      git gc -q; git fsck --strict; git clone -q . ../clone; git status --short; ls ../clone | wc -l`)
    expect(out).toBe('50')
  })

  test('rsync -aHAX --delete: a second run changes nothing', async () => {
    const out = await shell(space, `
      mkdir $T/src; cd $T/src; for i in $(seq 40); do head -c $((i*3000)) /dev/urandom > f$i; done
      ln f1 hard; ln -s f2 soft; setfattr -n user.k -v v f3; setfacl -m u:daemon:r f4; chmod 4755 f5; mkfifo fifo
      truncate -s 10M sparse; touch -d 1969-01-01 f6
      rsync -aHAX --delete $T/src/ $M/dst/; rsync -aHAX --delete -i $T/src/ $M/dst/`)
    expect(out).toBe('')
  })

  test('tar with xattrs, ACLs, sparse files and hard links, both ways', async () => {
    const out = await shell(space, `
      mkdir $M/t1 $M/t2; cd $M/t1; echo x > a; ln a b; ln -s a c; setfattr -n user.k -v v a; setfacl -m u:daemon:rw a; truncate -s 5M s; echo end >> s
      tar --xattrs --acls -S -cf $T/t.tar .; tar --xattrs --acls -C $M/t2 -xf $T/t.tar
      diff -r $M/t1 $M/t2; stat -c %h $M/t2/a; getfattr --only-values -n user.k $M/t2/b; getfacl -cs $M/t2/a | grep daemon`)
    expect(out.split('\n')).toEqual(['2', 'vuser:daemon:rw-'])
  })

  test.each(['delete', 'truncate', 'persist', 'memory', 'wal'])('sqlite3 with journal mode %s and two writers', async (mode) => {
    const out = await shell(space, `
      D=$M/${mode}.db; sqlite3 $D 'pragma journal_mode=${mode}; create table t(a)' > /dev/null
      w() { for i in $(seq 20); do sqlite3 -cmd '.timeout 20000' $D "insert into t values($i)"; done; }
      w & w & wait; sqlite3 $D 'select count(*) from t; pragma integrity_check'`)
    expect(out).toBe('40\nok')
  })

  test('dd, cp, make, find and sha256sum', async () => {
    const out = await shell(space, `
      cd $M; dd if=/dev/urandom of=big bs=1M count=30 status=none conv=fsync; cp --reflink=auto big copy; cmp big copy
      sha256sum big > sums; sha256sum -c sums; printf 'out: big\n\twc -c < big > out\n' > Makefile; make -s; cat out; make; find . -name sums`)
    expect(out).toBe("big: OK\n31457280\nmake: 'out' is up to date.\n./sums")
  })

  test('names of 255 bytes and of bytes that are no UTF-8; 256 are refused', async () => {
    const out = await shell(space, `
      mkdir $M/n; cd $M/n; touch $(printf 'a%.0s' $(seq 255)) $'\\xff\\xfe'; touch $(printf 'a%.0s' $(seq 256)) 2>&1 | grep -c 'too long' || true; ls | wc -l`)
    expect(out).toBe('1\n2')
  })

  test('an unlinked open file, O_TMPFILE-like use, and rename over', async () => {
    const out = await shell(space, `
      cd $M; echo one > u; exec 3< u; rm u; echo two > v; echo three > w; mv w v; cat <&3; cat v; test ! -e u; test ! -e w`)
    expect(out).toBe('one\nthree')
  })

  test('everything is there after unmount and a new start', async () => {
    const before = await shell(space, 'cd $M; find . -type f -print0 | sort -z | xargs -0 sha256sum; find . -printf "%p %y %m %n %s %T@ %i\\n" | sort')
    expect(await space.stop()).toBe(0)
    await space.mount()
    expect(await shell(space, 'cd $M; find . -type f -print0 | sort -z | xargs -0 sha256sum; find . -printf "%p %y %m %n %s %T@ %i\\n" | sort')).toBe(before)
  })

  test('what was fsynced is there after kill -9', async () => {
    await shell(space, 'cd $M; head -c 3000000 /dev/urandom > k; sha256sum k > k.sum; sync k k.sum')
    await space.kill9()
    await space.mount()
    expect(await shell(space, 'cd $M; sha256sum -c k.sum')).toBe('k: OK')
  })

  test('a canary is nowhere on the disk', async () => {
    await shell(space, 'echo canary-7c1f90e2-content > $M/canary-name-7c1f90e2; sync $M/canary-name-7c1f90e2')
    const found = await shell(space, 'grep -rl 7c1f90e2 $T/broch || true')
    expect(found).toBe('')
    expect(space.log).not.toContain('7c1f90e2')
  })
})

describe.skipIf(reason !== undefined)('refusals', () => {
  test('a second process is told who holds the store', async () => {
    const space = new MountedSpace()
    await space.mount()
    try {
      const second = new MountedSpace()
      const args = ['bin/broch', 'mount', second.home, '--nonempty', '--store', space.store, '--passfile', `${space.home}/pass`]
      let said = ''
      let status: unknown
      try {
        execFileSync(process.execPath, args, { stdio: 'pipe', env: { ...process.env, BROCH_HOME: second.home } })
      } catch (error) {
        said = String((error as { stderr: Buffer }).stderr)
        status = (error as { status: number }).status
      }
      expect(said).toContain(`in use by process ${space.pid}`)
      expect(status).toBe(13)
      await second.dispose()
      expect(readFileSync(`${space.store}/format`, 'utf8')).toBe('broch store 1\n')
    } finally {
      await space.dispose()
    }
  })
})
