import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { whyNoMount } from '../support/mounted-space.js'

const ROOT = fileURLToPath(new URL('../..', import.meta.url))
const reason = whyNoMount() ?? (spawnSync('which', ['unshare']).status === 0 ? undefined : 'unshare is missing (apt install util-linux)')
if (reason !== undefined) console.log(`skipped: mount -t fuse.broch: ${reason}`)

/** In a mount namespace of its own, with an /sbin that nobody else sees. */
const SETUP = `
mount --make-rslave /
mkdir $F/sbin $F/m; cp -a /sbin/. $F/sbin/; mount --bind $F/sbin $(realpath /sbin)
echo 'correct horse' > $F/pass; chmod 600 $F/pass
broch() { node $ROOT/bin/broch "$@"; }
broch init --store $F/store --passfile $F/pass > /dev/null
$ROOT/scripts/install-mount-helper.sh > $F/said
# umount(8) does not wait for the process; the lock of the store does
ended() { until broch fsck --store $F/store --passfile $F/pass > $F/fsck 2>&1; do grep -q 'has the store\\|mounted' $F/fsck || { cat $F/fsck; return 1; }; sleep 0.1; done; }
`

describe.skipIf(reason !== undefined)('mount -t fuse.broch', () => {
  let folder: string
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'broch-helper-'))
  })
  afterEach(() => rmSync(folder, { recursive: true, force: true }))

  async function run(script: string): Promise<string> {
    const env = { ...process.env, LC_ALL: 'C', F: folder, ROOT, BROCH_HOME: join(folder, 'home'), PATH: `${dirname(process.execPath)}:${process.env['PATH'] ?? ''}` }
    const child = spawn('timeout', ['-s', 'KILL', '90', 'unshare', '-m', 'bash', '-eu', '-c', SETUP + script], { env, stdio: ['ignore', 'pipe', 'pipe'] })
    let out = ''
    let said = ''
    child.stdout.on('data', (data: Buffer) => (out += data.toString()))
    child.stderr.on('data', (data: Buffer) => (said += data.toString()))
    const [code] = (await once(child, 'close')) as [number | null]
    if (code !== 0) throw new Error(`exit ${code}: ${out}${said}`)
    return out.trim()
  }

  test('mount(8) returns when it is there, with the options; umount(8) ends it', async () => {
    const out = await run(`
      mount -t fuse.broch $F/store $F/m -o passfile=$F/pass,noexec,nosuid
      grep " $F/m " /proc/self/mountinfo | cut -d ' ' -f 6- | sed "s|$F|F|"; echo kept > $F/m/a
      umount $F/m; ended; tail -n 1 $F/fsck > /dev/null
      mount -t fuse.broch $F/store $F/m -o passfile=$F/pass,ro; cat $F/m/a; touch $F/m/b 2>&1 | grep -o 'Read-only'; umount $F/m; ended`)
    expect(out.split('\n')).toEqual([expect.stringMatching(/^rw,nosuid,noexec,relatime - fuse.broch F\/store rw,user_id=0/), 'kept', 'Read-only'])
  })

  test('a line of fstab: mounted by its directory, by -a once, unmounted by its directory', async () => {
    const out = await run(`
      echo "$F/store $F/m fuse.broch passfile=$F/pass,noatime,nofail,_netdev,x-systemd.automount 0 0" > $F/fstab
      mount -T $F/fstab $F/m; echo a > $F/m/a; cat $F/m/a
      mount -T $F/fstab -a; grep -c " $F/m " /proc/self/mountinfo
      umount $F/m; ended; mount -T $F/fstab -a; cat $F/m/a; umount $F/m; ended`)
    expect(out).toBe('a\n1\na')
  })

  test('a failure is told, is 32 to mount(8), and leaves nothing', async () => {
    const out = await run(`
      echo wrong > $F/wrong
      for o in passfile=$F/wrong passfile=$F/pass,nosuchthing passfile=$F/none; do mount -t fuse.broch $F/store $F/m -o $o 2> $F/why || echo $?; head -n 1 $F/why; done
      grep -c " $F/m " /proc/self/mountinfo || true; $ROOT/scripts/install-mount-helper.sh --remove > $F/said; ls /sbin/mount.fuse.broch 2>&1 | grep -o 'No such'`)
    expect(out).toMatch(/^32\nbroch: .*pass phrase.*\n32\nbroch: .*nosuchthing.*\n32\nbroch: .*\n0\nNo such$/)
  })
})
