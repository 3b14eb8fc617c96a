import { spawnSync } from 'node:child_process'
import { beforeAll, describe, expect, test } from 'vitest'
import { whyNoMount } from '../support/mounted-space.js'
import { asOrdinaryUser } from '../support/ordinary-user.js'

function whyNot(): string | undefined {
  if (whyNoMount() !== undefined) return whyNoMount()
  return ['fusermount3', 'perl', 'python3', 'unshare', 'setpriv'].map((name) => (spawnSync('which', [name]).status === 0 ? undefined : `${name} is missing (scripts/install-test-tools.sh)`)).find((why) => why !== undefined)
}

const reason = whyNot()
if (reason !== undefined) console.log(`skipped: mounts of an ordinary user: ${reason}`)

describe.skipIf(reason !== undefined)('mounting as an ordinary user', () => {
  beforeAll(async () => {
    await asOrdinaryUser('test $(id -u) != 0')
  })

  test.each(['koffi', 'perl', 'python3'])('the descriptor comes by %s; files work; umount(8) ends it; all is there again', async (way) => {
    const out = await asOrdinaryUser(
      `
      broch init > /dev/null
      serve ''
      cd $M; echo kept > a; head -c 3000000 /dev/urandom > $T/big; cp $T/big big; cmp $T/big big; stat -c '%u %a' a; cd /
      umount $M; wait $P; mountpoint -q $M || echo gone
      serve ''; cat $M/a; cmp $T/big $M/big; broch umount $M > $T/said; wait $P; tail -n 1 $T/log`,
      { BROCH_FUSERMOUNT: way },
    )
    expect(out).toBe('65534 644\ngone\nkept\nUnmounted. Everything is in the store.')
  })

  test('options reach the kernel; nosuid and nodev go without saying; what fusermount3 does not know is kept from it', async () => {
    const out = await asOrdinaryUser(`
      broch init > /dev/null
      serve 'noexec,strictatime,nodiratime,dev,suid,fsname=my files\\,all,max_read=65536'
      grep " $M " /proc/self/mountinfo | sed 's/.* \\(rw,[^ ]*\\) - /\\1 /'; broch umount $M > $T/said; wait $P`)
    expect(out).toBe('rw,nosuid,nodev,noexec,relatime fuse.broch my\\040files,all rw,user_id=65534,group_id=65534,default_permissions,max_read=65536')
  })

  test('what fusermount3 refuses is said, and nothing is left', async () => {
    const out = await asOrdinaryUser(`broch init > /dev/null; broch mount -f $M -o allow_other 2>&1 || echo "exit $?"; mountpoint -q $M || echo none`)
    expect(out).toMatch(/user_allow_other[^]*\nexit 31\nnone$/)
  })

  test('a mount whose process was killed is cleared at the next start', async () => {
    const out = await asOrdinaryUser(`
      broch init > /dev/null
      serve ''; echo kept > $M/a; sync $M/a; kill -9 $P; wait $P 2> /dev/null || true
      ls $M 2>&1 | grep -o 'not connected'
      serve ''; cat $M/a; broch umount $M > $T/said; wait $P; grep -c " $M " /proc/self/mountinfo || true`)
    expect(out).toBe('not connected\nkept\n0')
  })

  test('a busy mount says which process holds it; forced, it goes', async () => {
    const out = await asOrdinaryUser(`
      broch init > /dev/null
      serve ''; sleep 60 < /dev/null 3> $M/open & H=$!
      until [ -e /proc/$H/fd/3 ]; do sleep 0.05; done
      broch umount $M 2>&1 | sed "s/ $H / HOLDER /"; broch umount --force $M > $T/said; mountpoint -q $M || echo gone; kill $H; wait $P; tail -n 1 $T/log`)
    expect(out).toMatch(/in use by process HOLDER \(sleep\)[^]*\ngone\nUnmounted/)
  })

  test('without fusermount3 the package to install is named', async () => {
    const out = await asOrdinaryUser(`broch init > /dev/null; PATH=$(dirname $(which broch)) broch mount -f $M 2>&1 || echo "exit $?"`)
    expect(out).toMatch(/apt install fuse3[^]*\nexit 30$/)
  })
})
