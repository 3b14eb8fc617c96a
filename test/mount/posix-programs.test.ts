import { spawnSync } from 'node:child_process'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { MountedSpace, shell, whyNoMount } from '../support/mounted-space.js'

const reason = whyNoMount()

/** Why a program's test cannot run here, and what helps. */
function lacks(program: string): boolean {
  if (reason === undefined && spawnSync('sh', ['-c', `command -v ${program}`]).status === 0) return false
  console.log(`skipped: ${program} on a mount: ${reason ?? `${program} is missing (bash scripts/install-test-tools.sh)`}`)
  return true
}

describe.skipIf(reason !== undefined)('editors, file managers and builds on a mount', () => {
  const space = new MountedSpace()
  beforeAll(() => space.mount())
  afterAll(() => space.dispose())

  test.skipIf(lacks('vim'))('vim: writes with a backup, keeps owner, mode, links and attributes', async () => {
    const out = await shell(space, `
      mkdir $M/vim; cd $M/vim; V="vim -es -u NONE -i NONE -N --cmd 'set directory=. backupdir=. backupskip='"
      edit() { eval "$V" -c "'set $1'" -c "'normal Go$2'" -c wq "$3"; }
      echo one > f; chmod 4640 f; setfattr -n user.k -v v f; ln f hard; ln -s f soft
      edit 'backup backupcopy=yes' two f; cat f f~; stat -c '%a %h' f; getfattr --only-values -n user.k f; echo
      edit 'backup backupcopy=auto' three soft; cat hard; test -L soft
      echo alone > g; edit 'backup backupcopy=no' more g; cat g g~; edit 'nobackup nowritebackup' last g; cat g; ls -A | tr '\\n' ' '`)
    expect(out.split('\n')).toEqual(['one', 'two', 'one', '4640 2', 'v', 'one', 'two', 'three', 'alone', 'more', 'alone', 'alone', 'more', 'last', 'f f~ g g~ hard soft soft~'])
  })

  test.skipIf(lacks('vim'))('vim: what was typed is recovered from the swap file after a kill', async () => {
    const out = await shell(space, `
      mkdir $M/swap; cd $M/swap; seq 2000 > f; S='set directory=.'
      vim -es -u NONE -i NONE -N --cmd "$S" -c 'normal GoNEVER WRITTEN' -c 'preserve' -c 'call writefile([], "ready")' -c 'sleep 300' f < /dev/null > /dev/null 2>&1 & pid=$!
      until [ -e ready ]; do kill -0 $pid; done
      test -s .f.swp; kill -9 $pid; wait $pid 2> /dev/null || true; tail -1 f
      vim -es -u NONE -i NONE -N --cmd "$S" -r f -c 'w! recovered' -c 'q!' > /dev/null; tail -1 recovered; wc -l < recovered; test -e .f.swp; rm .f.swp`)
    expect(out.split('\n')).toEqual(['2000', 'NEVER WRITTEN', '2001'])
  })

  test.skipIf(lacks('gio'))('gio trash: into the trash of the mount itself, and back', async () => {
    const out = await shell(space, `
      export HOME=$T; mkdir $M/desk; cd $M/desk; echo keep > a; mkdir d; echo in > d/b; setfattr -n user.k -v v a
      gio trash a d; ls; cd $M/.Trash-0; ls files info | tr '\\n' ' '; echo; grep -h '^Path=' info/*; stat -c %a .
      mv files/a files/d $M/desk; rm info/*; cat $M/desk/a $M/desk/d/b; getfattr --only-values -n user.k $M/desk/a`)
    expect(out.split('\n')).toEqual(['files: a d  info: a.trashinfo d.trashinfo ', 'Path=desk/a', 'Path=desk/d', '700', 'keep', 'in', 'v'])
  })

  test('make: what is newer is built, with times finer than a second', async () => {
    const out = await shell(space, `
      mkdir $M/make; cd $M/make; printf 'all: b c\\n%%: %%.in\\n\\t@echo $@; cp $< $@\\n' > Makefile; touch b.in c.in; make -s; make -s all
      touch c.in; make -s; make -q all && echo done`)
    expect(out.split('\n')).toEqual(['b', 'c', 'c', 'done'])
  })

  test('cp --reflink=auto, -a and --sparse; install; shred; split and cat', async () => {
    const out = await shell(space, `
      mkdir $M/cp; cd $M/cp; head -c 3000001 /dev/urandom > a; chmod 751 a; touch -d '1999-12-31 23:59:59.123456789' a; setfacl -m u:daemon:r a
      cp --reflink=auto a b; cp -a a c; cmp a b; cmp a c; stat -c '%a %y' c | cut -c1-33; getfacl -cp c | grep daemon
      cp --reflink=always a e 2>/dev/null && echo cloned; rm -f e
      truncate -s 20M s; echo end >> s; cp --sparse=always s t; cmp s t; test $(stat -c %b t) -lt 2000
      install -m 600 a i; stat -c %a i; split -b 1000000 a part.; cat part.* | cmp - a; shred -u -n 1 b; test ! -e b; echo fine`)
    expect(out.split('\n')).toEqual(['751 1999-12-31 23:59:59.123456789', 'user:daemon:r--', '600', 'fine'])
  })
})
