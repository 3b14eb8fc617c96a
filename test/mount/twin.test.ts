import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { MountedSpace, whyNoMount } from '../support/mounted-space.js'
import { SEED } from '../support/seed.js'
import { brief, difference, operation, type Operation, picture, show, Side } from '../support/twin.js'

const reason = whyNoMount()
/** Runs of 250 operations; BROCH_TWIN_RUNS=4000 for a million. */
const RUNS = Number(process.env['BROCH_TWIN_RUNS'] ?? 400)
const STEPS = 250

describe.skipIf(reason !== undefined)(`twin of a plain directory${reason === undefined ? '' : ` (skipped: ${reason})`}`, () => {
  const space = new MountedSpace()
  const plain = mkdtempSync(join(tmpdir(), 'broch-twin-'))
  let run = 0
  const kept: string[] = []

  beforeAll(() => space.mount())
  afterAll(async () => {
    await space.dispose()
    rmSync(plain, { recursive: true, force: true })
  })

  function play(operations: readonly Operation[]): void {
    const name = `run${run++}`
    const [ours, twin] = [new Side(join(space.dir, name, 'in')), new Side(join(plain, name, 'in'))] // a symlink to `..` stays in the run's own folder
    try {
      operations.forEach((step, i) => {
        const [got, wanted] = [show(ours.do(step)), show(twin.do(step))]
        if (got !== wanted) throw new Error(`step ${i}, ${show(step)}: ${brief(got)} and not ${brief(wanted)}`)
        const [seen, expected] = [show(ours.after(step)), show(twin.after(step))]
        if (seen !== expected) throw new Error(`after step ${i}, ${show(step)}: ${brief(seen)} and not ${brief(expected)}`)
        const differs = i % 25 === 24 || i === operations.length - 1 ? difference(picture(ours.root), picture(twin.root)) : undefined
        if (differs !== undefined) throw new Error(`after step ${i}: ${differs}`)
      })
    } finally {
      ours.closeAll()
      twin.closeAll()
    }
    kept.push(name)
    if (kept.length > 8) {
      const old = kept.shift() as string
      for (const root of [space.dir, plain]) rmSync(join(root, old), { recursive: true })
    }
  }

  it(`does ${RUNS * STEPS} random operations as it does, and keeps them over a remount`, async () => {
    console.log(`twin: seed ${SEED}, ${RUNS} runs of ${STEPS} operations`)
    const property = fc.property(fc.array(operation, { minLength: STEPS, maxLength: STEPS, size: 'max' }), play)
    fc.assert(property, { numRuns: RUNS, seed: SEED })
    expect(await space.stop()).toBe(0)
    expect(await space.fsck()).toMatchObject({ problems: [] })
    await space.mount()
    for (const name of kept) expect(difference(picture(join(space.dir, name)), picture(join(plain, name))), name).toBeUndefined()
  }, 1_800_000)
})
