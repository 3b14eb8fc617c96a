/**
 * Makes the sealed store that stands for a released format: `npm run make:sample test/formats/v1`.
 *
 * Made once for a version and then never again: what it holds is what users have on their disks.
 * @packageDocumentation
 */
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createSpace, openSpace } from '../../src/app/embedded-space.node.js'
import { buildSampleTree, manifestOf } from '../support/sample-tree.js'
import { SAMPLE_PASSPHRASE } from './sample.js'

const dir = process.argv[2]
if (dir === undefined || existsSync(dir)) {
  console.error('usage: make-sample.ts DIR, a folder that is not there yet')
  process.exit(2)
}
const store = join(dir, 'store')
mkdirSync(dir, { recursive: true })
const seen = mkdtempSync(join(tmpdir(), 'broch-seen-'))
await createSpace(store, SAMPLE_PASSPHRASE, seen)
const space = await openSpace(store, SAMPLE_PASSPHRASE, { seen })
await buildSampleTree(space.fs)
await space.close()
const again = await openSpace(store, SAMPLE_PASSPHRASE, { seen, readOnly: true, atime: 'noatime' })
writeFileSync(join(dir, 'manifest.json'), `${JSON.stringify(await manifestOf(again.fs), null, 1)}\n`)
await again.close()
for (const name of ['lock', 'reserve']) rmSync(join(store, name), { force: true })
rmSync(seen, { recursive: true })
