/** The shortest way through everything: what each version of Node must do. */
import { describe, expect, test } from 'vitest'
import { MountedSpace, shell, whyNoMount } from '../support/mounted-space.js'

const reason = whyNoMount()
if (reason !== undefined) console.log(`skipped: a mount, from making to making again: ${reason}`)

describe.skipIf(reason !== undefined)('a mount', () => {
  test('keeps what programs wrote, over an unmount and over a kill', async () => {
    const space = new MountedSpace()
    try {
      await space.mount()
      const sum = await shell(space, 'mkdir "$M/d"; head -c 12000000 /dev/urandom > "$M/d/f"; ln "$M/d/f" "$M/g"; ln -s d/f "$M/s"; mv "$M/d" "$M/e"; sha256sum < "$M/g"')
      expect(await space.stop()).toBe(0)
      await space.mount()
      expect(await shell(space, 'ls "$M"; sha256sum < "$M/e/f"; stat -c %h "$M/g"; readlink "$M/s"')).toBe(`e\ng\ns\n${sum}\n2\nd/f`)
      await shell(space, 'echo kept > "$M/synced"; sync "$M/synced"')
      await space.kill9()
      await space.mount()
      expect(await shell(space, 'cat "$M/synced"; sha256sum < "$M/g"')).toBe(`kept\n${sum}`)
      expect(await space.stop()).toBe(0)
    } finally {
      await space.dispose()
    }
  })
})
