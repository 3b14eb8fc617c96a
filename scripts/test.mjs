/** `npm test`: sets up, checks types, runs all tests, and ends with `N passed, N failed`. */
import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { root, setUp } from './setup.mjs'

setUp()
const counts = { passed: 0, failed: 0, skipped: 0 }
const check = (name, ...command) => {
  const { status } = spawnSync(process.execPath, command, { cwd: root, stdio: ['ignore', 'inherit', 'inherit'] })
  console.log(`${status === 0 ? 'ok' : 'FAILED'}: ${name}`)
  counts[status === 0 ? 'passed' : 'failed'] += 1
}
check('types', 'node_modules/typescript/bin/tsc', '--noEmit', '-p', '.')
check('layers', 'node_modules/dependency-cruiser/bin/dependency-cruise.mjs', 'src', '--config', '.dependency-cruiser.cjs')

const scratch = mkdtempSync(join(tmpdir(), 'broch-test-'))
const report = join(scratch, 'report.json')
const args = ['node_modules/vitest/vitest.mjs', 'run', '--reporter=default', '--reporter=json', `--outputFile.json=${report}`]
const { status } = spawnSync(process.execPath, [...args, ...process.argv.slice(2)], { cwd: root, stdio: ['ignore', 'inherit', 'inherit'] })
try {
  const { numPassedTests, numFailedTests, numPendingTests } = JSON.parse(readFileSync(report, 'utf8'))
  counts.passed += numPassedTests
  counts.failed += numFailedTests
  counts.skipped += numPendingTests
} catch {
  counts.failed += 1
}
rmSync(scratch, { recursive: true })
if (process.env.BROCH_TEST_NO_SKIP === '1' && counts.skipped > 0) {
  console.log(`${counts.skipped} tests were skipped, and nothing may be: install what they name above`)
  counts.failed += counts.skipped
  counts.skipped = 0
}
if (status !== 0 && counts.failed === 0) counts.failed = 1
console.log(`${counts.passed} passed, ${counts.failed} failed${counts.skipped > 0 ? `, ${counts.skipped} skipped` : ''}`)
process.exit(counts.failed === 0 ? 0 : 1)
