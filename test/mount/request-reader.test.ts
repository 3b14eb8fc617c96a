import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { runCommand } from '../../src/fuse/command.node.js'
import { openDevice } from '../../src/fuse/device-passing.node.js'
import { pipeHandle, readRequests, type ReaderOptions, type RequestReader } from '../../src/fuse/request-reader.node.js'
import { Session } from '../../src/fuse/session.js'
import { sendAnswer } from '../../src/fuse/kernel-transport.node.js'
import { MountHere } from '../support/mount-here.js'
import { whyNoMount } from '../support/mounted-space.js'
import { testSpace } from '../support/space.js'

const reason = whyNoMount()
if (reason !== undefined) console.log(`skipped: readers of requests: ${reason}`)

/** A handle that takes the descriptor and never reads: what another libuv might do. */
function deaf(fd: number) {
  const handle = pipeHandle(fd)
  return handle && Object.assign(handle, { readStart: () => 0 })
}

describe.skipIf(reason !== undefined)('readers of requests', () => {
  let here: MountHere
  beforeEach(() => {
    here = new MountHere()
  })
  afterEach(() => here.dispose())

  async function serve(options: ReaderOptions): Promise<RequestReader> {
    const fd = openDevice()
    await runCommand('mount', ['-i', '-t', 'fuse.broch', '-o', 'fd=3,rootmode=40000,user_id=0,group_id=0,default_permissions', 'broch', here.dir], { fds: [fd] })
    const session = new Session(await testSpace().open(), { send: (answer, data) => sendAnswer(fd, answer, data), onFault: (error) => here.faults.push(error), deadlineMs: 60_000, isKilled: () => false })
    return readRequests(fd, (bytes) => session.receive(bytes), options)
  }

  test.each([
    ['the event loop', {}, 'poll'],
    ['the thread pool, where there is no such handle', { openHandle: () => undefined }, 'thread pool'],
    ['the thread pool, where the event loop brings nothing', { openHandle: deaf, firstMs: 50 }, 'thread pool'],
  ] as const)('by %s', async (_title, options, name) => {
    const reader = await serve(options)
    expect(await here.run('mkdir $M/d; head -c 5000000 /dev/urandom > $T/f; cp $T/f $M/d/f; cmp $T/f $M/d/f; for i in $(seq 200); do echo $i > $M/d/$i; done; ls $M/d | wc -l')).toBe('201')
    expect(reader.name).toBe(name)
    await here.run('umount $M')
    await reader.done
    expect(here.faults).toEqual([])
  })

  test('stopped, the mount answers nobody', async () => {
    const reader = await serve({})
    await here.run('ls $M')
    reader.stop()
    await reader.done
    expect(await here.run('ls $M')).toMatch(/not connected/)
  })
})
