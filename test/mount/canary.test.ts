import { randomBytes } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { MountedSpace, shell, whyNoMount } from '../support/mounted-space.js'

const reason = whyNoMount()
/** Not a word of this file: it is looked for in everything the program can write. */
const canary = `canary${randomBytes(8).toString('hex')}`
const PASSPHRASE = 'correct horse battery staple'

describe.skipIf(reason !== undefined)(`a canary written through a mount${reason === undefined ? '' : ` (skipped: ${reason})`}`, () => {
  const space = new MountedSpace()
  const began = `${space.home}/began`

  beforeAll(async () => {
    await space.mount()
    await shell(space, `
      touch ${began}; cd $M; mkdir ${canary}-folder; echo ${canary}-content > ${canary}-folder/${canary}-name
      ln -s ${canary}-target ${canary}-link; setfattr -n user.${canary} -v ${canary}-value ${canary}-folder
      seq -f "${canary}-line %g" 90000 > ${canary}-large; sync ${canary}-large; cat * > /dev/null 2>&1 || true
      cat ${canary}-missing 2> /dev/null || true; echo gone > ${canary}-gone; rm ${canary}-gone`)
  })
  afterAll(() => space.dispose())

  test('is not in the arguments, the environment or the open files of the process, nor is the pass phrase', async () => {
    const read = (name: string): string => readFileSync(`/proc/${space.pid}/${name}`, 'latin1')
    for (const name of ['cmdline', 'environ', 'comm', 'maps']) {
      expect(read(name), name).not.toContain(canary)
      expect(read(name), name).not.toContain(PASSPHRASE)
    }
    expect(await shell(space, `ls -l /proc/${space.pid}/fd | grep -c ${canary} || true`)).toBe('0')
  })

  test('is nowhere in what the program wrote: store, state, logs, temporary files', async () => {
    expect(await space.stop()).toBe(0)
    expect(space.log).not.toContain(canary)
    expect(space.log).not.toContain(PASSPHRASE)
    const folders = [`${space.home}/broch`, '~/.config/broch', '~/.local/share/broch', '~/.local/state/broch', '${XDG_RUNTIME_DIR:-/nowhere}/broch'].join(' ')
    expect(await shell(space, `grep -rlaE '${canary}' ${folders} 2> /dev/null || true; find ${folders} -name '*${canary}*' 2> /dev/null || true`)).toBe('')
    const control = `${space.home}/control` // the one place where it is, to see that the search finds it
    await shell(space, `echo ${canary} > ${control}`)
    expect(await shell(space, `find ${tmpdir()} /var/tmp /dev/shm -xdev -newer ${began} -type f -size -64M -not -path '${space.home}/pass' 2> /dev/null | xargs -r -d '\\n' grep -la ${canary} 2> /dev/null || true`)).toBe(control)
    expect(await shell(space, `grep -rla '${PASSPHRASE}' ${space.home}/broch || true`)).toBe('')
  })

  test('is there again after a new start', async () => {
    await space.mount()
    expect(await shell(space, `cat $M/${canary}-folder/${canary}-name; readlink $M/${canary}-link`)).toBe(`${canary}-content\n${canary}-target`)
  })
})
