import { fc, test } from '@fast-check/vitest'
import { beforeAll, describe, expect } from 'vitest'
import { utf8 } from '../../src/lib/bytes.js'
import { isBrochError } from '../../src/lib/error.js'
import type { Block } from '../../src/store/block.js'
import { cidKey, codecOf } from '../../src/store/cid.js'
import type { BrochFilesystem } from '../../src/vfs/broch-filesystem.js'
import { ROOT_ID } from '../../src/vfs/filesystem.js'
import { failures, look, type Victim, victim } from '../support/victim.js'

const RUNS = Number(process.env['BROCH_RUNS'] ?? 60)
/** every look fetches what it needs piece by piece */
const runs = (local: boolean): number => (local ? RUNS : Math.ceil(RUNS / 5))
const caller = { uid: 0, gid: 0, pid: 1 }

/** Opens the space and looks at everything: nothing untrue is shown. Gives what failed; undefined when it does not open. */
async function attacked(space: Victim): Promise<{ failed: string[]; fs: BrochFilesystem } | undefined> {
  let fs: BrochFilesystem
  try {
    fs = await space.open()
  } catch (error) {
    if (isBrochError(error, 'CORRUPT') || isBrochError(error, 'MISSING_BLOCK')) return undefined
    throw error
  }
  return { failed: failures(await look(fs), space.truth), fs }
}

function expectAlarm(result: Awaited<ReturnType<typeof attacked>>, kind: string): void {
  if (result === undefined) return
  expect(result.failed).not.toEqual([])
  expect(result.fs.alarms.map((alarm) => alarm.kind)).toContain(kind)
}

const block = fc.nat(100_000)
const place = fc.oneof(fc.nat(300_000), fc.constantFrom(0, 1, -1, -2))

function nth(blocks: readonly Block[], index: number): Block {
  return blocks[index % blocks.length] as Block
}

describe.each([['at hand', true], ['from afar', false]])('a store whose blocks are %s', (_name, local) => {
  let space: Victim
  beforeAll(async () => {
    space = await victim(local)
  })

  test('that tells the truth shows everything', async () => {
    space.blocks.lie = undefined
    const result = await attacked(space)
    expect(result?.failed).toEqual([])
    expect(result?.fs.alarms).toEqual([])
  })

  test.prop([block, place, fc.nat(7)], { numRuns: runs(local) })('flips any bit of any block', async (index, at, bit) => {
    const target = nth(space.blocks.live(), index)
    space.blocks.lie = (cid, truth) => {
      if (truth === undefined || cidKey(cid) !== cidKey(target.cid)) return truth
      const bytes = truth.slice()
      const position = ((at % bytes.length) + bytes.length) % bytes.length
      bytes[position] = (bytes[position] as number) ^ (1 << bit)
      return bytes
    }
    expectAlarm(await attacked(space), 'damaged')
  })

  test.prop([block, block], { numRuns: runs(local) })('gives one block for another', async (one, other) => {
    const [a, b] = [nth(space.blocks.live(), one), nth(space.blocks.live(), other)]
    fc.pre(cidKey(a.cid) !== cidKey(b.cid))
    space.blocks.lie = (cid, truth) => (cidKey(cid) === cidKey(a.cid) ? b.bytes : cidKey(cid) === cidKey(b.cid) ? a.bytes : truth)
    expectAlarm(await attacked(space), 'damaged')
  })

  test.prop([block, fc.constantFrom('nothing', 'empty', 'cut', 'longer', 'zeros', 'huge')], { numRuns: runs(local) })('gives nothing, or a block cut, longer, of zeros or huge', async (index, how) => {
    const target = nth(space.blocks.live(), index)
    space.blocks.lie = (cid, truth) => {
      if (truth === undefined || cidKey(cid) !== cidKey(target.cid)) return truth
      if (how === 'nothing') return undefined
      if (how === 'empty') return new Uint8Array(0)
      if (how === 'cut') return truth.subarray(0, truth.length >> 1)
      if (how === 'longer') return Uint8Array.from([...truth, 0])
      return new Uint8Array(how === 'huge' ? 3_000_000 : truth.length)
    }
    expectAlarm(await attacked(space), how === 'nothing' ? 'missing' : 'damaged')
  })

  test('damages one fragment: its file fails, all others do not', async () => {
    const fragments = space.blocks.live().filter(({ cid }) => codecOf(cid) === 'raw')
    const hit = new Set<string>()
    for (const [i, { cid }] of fragments.entries()) {
      if (!local && i % 4 !== 0 && i < fragments.length - 6) continue // a look from afar takes its time
      space.blocks.lie = (asked, truth) => (cidKey(asked) === cidKey(cid) ? truth?.map((byte, i) => (i === 20 ? byte ^ 1 : byte)) : truth)
      const result = await attacked(space)
      const paths = new Set(result?.failed.map((path) => path.replace('/folder/deeper/other name', '/linked')))
      expect(paths.size).toBe(1)
      for (const path of paths) hit.add(path)
    }
    expect([...hit].sort()).toEqual(['/linked', '/some fragments', '/sparse', '/two chunks'])
  })

  test('goes bad under a running filesystem: the rest is written on, and what was kept stays', async () => {
    const space = await victim(local)
    const fs = await space.open({ atime: 'noatime' })
    const damaged = (await fs.lookup(ROOT_ID, utf8('small'))).id
    const sound = (await fs.lookup(ROOT_ID, utf8('twin of small'))).id
    const node = await space.cidOf('small')
    space.blocks.lie = (cid, truth) => (cidKey(cid) === cidKey(node) ? truth?.map((byte, i) => (i === 200 ? byte ^ 4 : byte)) : truth)
    const wrote = (id: typeof sound) => Promise.resolve().then(() => fs.write(caller, id, 0, utf8('new'), { killPriv: false }))
    if (local) await expect(wrote(damaged)).rejects.toMatchObject({ code: 'CORRUPT' })
    await fs.setattr(caller, damaged, { mode: 0o600 })
    expect(await wrote(sound)).toBe(3)
    await fs.commit()
    if (local) await expect(fs.fsync(damaged)).rejects.toMatchObject({ code: 'CORRUPT' })
    if (local) await expect(fs.close()).rejects.toMatchObject({ code: 'CORRUPT' })
    if (local) expect(fs.alarms).toMatchObject([{ kind: 'damaged' }])
    space.blocks.lie = undefined
    const again = await space.open()
    const seen = await again.read((await again.lookup(ROOT_ID, utf8('twin of small'))).id, 0, 100)
    expect(new TextDecoder().decode(seen)).toBe('newew words')
    expect((await space.check()).sound).toBe(true)
  })
})
