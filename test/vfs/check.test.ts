import { fc, test } from '@fast-check/vitest'
import { describe, expect } from 'vitest'
import type { Awaitable } from '../../src/lib/brand.js'
import { utf8 } from '../../src/lib/bytes.js'
import { printableName } from '../../src/vfs/check-report.js'
import { type Entry, FALLOC_KEEP_SIZE, FALLOC_PUNCH_HOLE, type NodeId, ROOT_ID } from '../../src/vfs/filesystem.js'
import { testSpace } from '../support/space.js'

const caller = { uid: 0, gid: 0, pid: 1 }
const plain = { mode: 0o644, umask: 0 }

const name = fc.constantFrom('a', 'b', 'c', 'd')
const step = fc.oneof(
  { weight: 4, arbitrary: fc.record({ kind: fc.constant('write' as const), name, to: name, at: fc.constantFrom(0, 30_000, 300_000, 5_300_000, 11_000_000), length: fc.constantFrom(1, 3000, 40_000, 600_000) }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constantFrom('truncate' as const, 'punch' as const), name, to: name, at: fc.constantFrom(0, 1, 32_768, 262_144, 5_242_880, 5_400_000), length: fc.constantFrom(1, 40_000, 6_000_000) }) },
  { weight: 3, arbitrary: fc.record({ kind: fc.constantFrom('mkdir' as const, 'link' as const, 'rename' as const, 'unlink' as const, 'rmdir' as const, 'symlink' as const, 'many' as const, 'few' as const), name, to: name, at: fc.constant(0), length: fc.constant(0) }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('commit' as const), name, to: name, at: fc.constant(0), length: fc.constant(0) }) },
)

describe('the check of a space', () => {
  test.prop([fc.array(step, { minLength: 5, maxLength: 40, size: 'max' })], { numRuns: Number(process.env['BROCH_RUNS'] ?? 60) })('finds nothing wrong, and no waste, after any operations', async (steps) => {
    const space = testSpace()
    const fs = await space.open()
    const parents: NodeId[] = [ROOT_ID]
    const held: NodeId[] = []
    const hold = async (entry: Awaitable<Entry>): Promise<NodeId> => {
      const { id } = await entry
      held.push(id)
      return id
    }
    for (const [i, { kind, name, to, at, length }] of steps.entries()) {
      const parent = parents[i % parents.length] as NodeId
      const [from, target] = [utf8(name), utf8(to)]
      const id = async () => hold(fs.lookup(parent, from))
      try {
        if (kind === 'write') {
          const file = await id().catch(() => hold(fs.create(caller, parent, from, plain)))
          await fs.write(caller, file, at, new Uint8Array(length).fill(7), { killPriv: false })
        } else if (kind === 'truncate') await fs.setattr(caller, await id(), { size: at })
        else if (kind === 'punch') await fs.fallocate(caller, await id(), FALLOC_PUNCH_HOLE | FALLOC_KEEP_SIZE, at, length)
        else if (kind === 'mkdir') parents.push(await hold(fs.mkdir(caller, parent, from, { mode: 0o755, umask: 0 })))
        else if (kind === 'symlink') await hold(fs.symlink(caller, parent, from, target))
        else if (kind === 'link') await hold(fs.link(caller, await id(), parents.at(-1) as NodeId, target))
        else if (kind === 'rename') await fs.rename(caller, parent, from, parents.at(-1) as NodeId, target, 0)
        else if (kind === 'unlink') await fs.unlink(caller, parent, from)
        else if (kind === 'rmdir') await fs.rmdir(caller, parent, from)
        else if (kind === 'many') for (let n = 0; n < 150; n++) await hold(fs.create(caller, parent, utf8(`${name}${n}`), plain))
        else if (kind === 'few') for (let n = 0; n < 140; n++) await fs.unlink(caller, parent, utf8(`${name}${n}`))
        else await fs.commit()
      } catch (error) {
        if ((error as Error).name !== 'Errno') throw error
      }
    }
    for (const id of held) fs.forget(id, 1)
    await fs.close()
    const report = await space.check()
    expect(report.problems).toEqual([])
    expect(report.sound).toBe(true)
    expect(report.counts.blocks).toBe((await space.blocks.usage()).blocks)
  })

  test('shows names so that nothing in them acts on a terminal', () => {
    expect(printableName('\x1b[2Jx')).toBe('\\x1b[2Jx')
    expect(printableName('a\xff')).toBe('a\\xff')
    expect(printableName('\xc3\xa4')).toBe('ä')
    expect(printableName('\xe2\x80\xaetxt')).toBe('\\xe2\\x80\\xaetxt')
    expect(printableName('a\\b')).toBe('a\\x5cb')
  })
})
