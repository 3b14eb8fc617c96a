import { fc, test } from '@fast-check/vitest'
import { expect } from 'vitest'
import { utf8 } from '../../src/lib/bytes.js'
import { FALLOC_KEEP_SIZE, FALLOC_PUNCH_HOLE, ROOT_ID } from '../../src/vfs/filesystem.js'
import { testSpace } from '../support/space.js'

const MAX = 6_000_000
const caller = { uid: 0, gid: 0, pid: 1 }
/** Around the borders of inline data, fragments and chunks, and anywhere. */
const position = fc.oneof(
  fc.nat(40_000),
  fc.nat(MAX - 1),
  fc.tuple(fc.constantFrom(32_768, 262_144, 524_288, 5_242_880), fc.integer({ min: -3, max: 3 })).map(([at, by]) => at + by),
)
const step = fc.oneof(
  { weight: 4, arbitrary: fc.record({ kind: fc.constant('write' as const), at: position, length: fc.oneof(fc.integer({ min: 1, max: 9000 }), fc.integer({ min: 1, max: 600_000 })) }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('truncate' as const), at: position, length: fc.constant(0) }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('punch' as const), at: position, length: fc.integer({ min: 1, max: 900_000 }) }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constantFrom('commit' as const, 'reopen' as const), at: fc.constant(0), length: fc.constant(0) }) },
)

test.prop([fc.array(step, { minLength: 4, maxLength: 25, size: 'max' })], { numRuns: Number(process.env['BROCH_RUNS'] ?? 40) })('a file is the bytes that were written to it', async (steps) => {
  const space = testSpace()
  let fs = await space.open()
  let { id } = await fs.create(caller, ROOT_ID, utf8('f'), { mode: 0o644, umask: 0 })
  let model = Buffer.alloc(0)
  for (const [i, { kind, at, length }] of steps.entries()) {
    if (kind === 'write') {
      const data = new Uint8Array(length).fill(i + 1)
      await fs.write(caller, id, at, data, { killPriv: false })
      if (model.length < at + length) model = Buffer.concat([model, Buffer.alloc(at + length - model.length)])
      model.set(data, at)
    } else if (kind === 'truncate') {
      await fs.setattr(caller, id, { size: at })
      model = model.length > at ? Buffer.from(model.subarray(0, at)) : Buffer.concat([model, Buffer.alloc(at - model.length)])
    } else if (kind === 'punch') {
      await fs.fallocate(caller, id, FALLOC_PUNCH_HOLE | FALLOC_KEEP_SIZE, at, length)
      model.fill(0, Math.min(at, model.length), Math.min(at + length, model.length))
    } else {
      await fs.commit()
      expect(fs.dirty).toEqual({ bytes: 0, inodes: 0 })
      if (kind === 'reopen') {
        fs = await space.open()
        id = (await fs.lookup(ROOT_ID, utf8('f'))).id
      }
    }
    expect((await fs.getattr(id)).size).toBe(model.length)
    expect(model.compare(await fs.read(id, 0, model.length))).toBe(0)
  }
})
