/** `npm test`: sets up, checks the sources, runs all tests, and ends with `N passed, N failed`. */
import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { runPosixSuites } from './posix/run.mjs'
import { root, setUp } from './setup.mjs'

/** Each is one line of the count; all run, whatever the others say. */
const CHECKS = [
  ['types', 'typescript/bin/tsc', '--noEmit', '-p', '.'],
  ['layers', 'dependency-cruiser/bin/dependency-cruise.mjs', 'src', '--config', '.dependency-cruiser.cjs'],
  ['lint, and sizes of files and functions', 'eslint/bin/eslint.js', '.'],
  ['nothing unused: files, exports, dependencies', 'knip/bin/knip.js', '--no-progress'],
]
/** Also tried when BROCH_TEST_NODES is 1. */
const OTHER_NODES = ['22', '24']

const counts = { passed: 0, failed: 0, skipped: 0 }

function runNode(args) {
  return spawnSync(process.execPath, args, { cwd: root, stdio: ['ignore', 'inherit', 'inherit'] }).status
}

function runChecks() {
  for (const [name, program, ...args] of CHECKS) {
    const sound = runNode([join('node_modules', program), ...args]) === 0
    console.log(`${sound ? 'ok' : 'FAILED'}: ${name}`)
    counts[sound ? 'passed' : 'failed'] += 1
  }
}

function runOtherNodes() {
  for (const major of OTHER_NODES) {
    const { status } = spawnSync('bash', ['scripts/test-node-versions.sh', major], { cwd: root, stdio: ['ignore', 'inherit', 'inherit'] })
    console.log(`${status === 0 ? 'ok' : 'FAILED'}: Node ${major}`)
    counts[status === 0 ? 'passed' : 'failed'] += 1
  }
}

function runTests(filters) {
  const scratch = mkdtempSync(join(tmpdir(), 'broch-test-'))
  const report = join(scratch, 'report.json')
  const status = runNode(['node_modules/vitest/vitest.mjs', 'run', '--reporter=default', '--reporter=json', `--outputFile.json=${report}`, ...filters])
  try {
    const { numPassedTests, numFailedTests, numPendingTests, testResults } = JSON.parse(readFileSync(report, 'utf8'))
    counts.passed += numPassedTests
    counts.failed += numFailedTests
    counts.skipped += numPendingTests
    for (const { fullName, status } of testResults.flatMap((file) => file.assertionResults)) {
      if (status === 'skipped' || status === 'pending') console.log(`skipped: ${fullName}`)
    }
  } catch {
    console.log('FAILED: the tests left no report')
    counts.failed += 1
  }
  rmSync(scratch, { recursive: true })
  if (status !== 0 && counts.failed === 0) counts.failed = 1
}

async function runSuites() {
  const { passed, failed, skipped } = await runPosixSuites()
  counts.passed += passed
  counts.failed += failed
  counts.skipped += skipped
}

setUp()
const filters = process.argv.slice(2)
if (filters.length === 0) runChecks()
runTests(filters)
if (filters.length === 0) await runSuites()
if (process.env.BROCH_TEST_NODES === '1') runOtherNodes()
if (process.env.BROCH_TEST_NO_SKIP === '1' && counts.skipped > 0) {
  console.log(`${counts.skipped} tests were skipped, and nothing may be: install what they name above`)
  counts.failed += counts.skipped
  counts.skipped = 0
}
console.log(`${counts.passed} passed, ${counts.failed} failed${counts.skipped > 0 ? `, ${counts.skipped} skipped` : ''}`)
process.exit(counts.failed === 0 ? 0 : 1)
