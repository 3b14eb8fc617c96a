/** `npm run docs:cli`: writes docs/cli.md from the descriptions that --help comes from. */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { root, setUp } from './setup.mjs'

setUp()
const { manual } = await import('../dist/cli/manual.js')
writeFileSync(join(root, 'docs', 'cli.md'), await manual())
