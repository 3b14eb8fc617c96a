/**
 * Runs a script as an ordinary user in a mount namespace of its own: /dev/fuse is open to all there as udev would have it,
 * this project and Node can be reached, and nothing stays when it ends. Mounts made inside are not seen outside.
 * @packageDocumentation
 */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const ROOT = dirname(dirname(dirname(fileURLToPath(import.meta.url))))
const NOBODY = 65534
const LIMIT_SECONDS = 60

/** `$T`: a folder of the user; `$M`: an empty directory; `broch` and `node` are on the path, `as_root` runs a function as root. */
export async function asOrdinaryUser(script: string, env: Record<string, string> = {}): Promise<string> {
  const folder = mkdtempSync(join(tmpdir(), 'broch-user-'))
  chmodSync(folder, 0o755)
  try {
    const child = spawn('timeout', ['-s', 'KILL', String(LIMIT_SECONDS), 'unshare', '-m', 'bash', '-euo', 'pipefail', '-c', SETUP], {
      env: { ...process.env, ...env, F: folder, ROOT, NODE: process.execPath, USER_SCRIPT: PRELUDE + script, ID: String(NOBODY) },
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    let out = ''
    let said = ''
    child.stdout.on('data', (data: Buffer) => (out += data.toString()))
    child.stderr.on('data', (data: Buffer) => (said += data.toString()))
    const [code] = (await once(child, 'close')) as [number | null]
    if (code !== 0) throw new Error(`exit ${code}: ${out}${said}`)
    return out.trim()
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

const SETUP = `
mount --make-rslave /
mkdir $F/repo $F/bin $F/t $F/t/m
mknod $F/fuse c 10 229; chmod 666 $F/fuse; mount --bind $F/fuse /dev/fuse
mount --bind $ROOT $F/repo
cp $NODE $F/bin/node; printf '#!/bin/sh\\nexec node %s "$@"\\n' $F/repo/bin/broch > $F/bin/broch; chmod 755 $F/bin/broch
chown -R $ID:$ID $F/t
export T=$F/t M=$F/t/m HOME=$F/t BROCH_HOME=$F/t/b PATH=$F/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
cd /
setpriv --reuid $ID --regid $ID --clear-groups bash -eu -c "$USER_SCRIPT"
umount /dev/fuse $F/repo
`

const PRELUDE = `
serve() { # OPTIONS
  broch mount -f $M -o "$1" > $T/log 2>&1 &
  P=$!
  until grep -q Mounted $T/log; do kill -0 $P 2>/dev/null || { wait $P; }; sleep 0.05; done
}
`
