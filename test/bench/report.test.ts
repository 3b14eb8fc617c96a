import { describe, expect, test } from 'vitest'
import { parseArguments } from '../../bench/arguments.js'
import { ratioChart } from '../../bench/chart.js'
import { selfTimes } from '../../bench/profile.js'
import { brochRatio, cellOf, mainTable, resultRows, spreadOf } from '../../bench/report.js'
import { chosenGroups, ROWS } from '../../bench/rows.js'
import { type Sample } from '../../bench/runner.js'
import { FULL } from '../../bench/sizes.js'

const names = ['plain', 'broch', 'gocryptfs'] as const
const chosen = ROWS.filter(({ id }) => id === 'write' || id === 'rm')
const samples: Sample[] = [
  { row: 'write', contestant: 'plain', value: 1000 },
  { row: 'write', contestant: 'broch', value: 500 },
  { row: 'write', contestant: 'gocryptfs', value: 250 },
  { row: 'rm', contestant: 'plain', value: 1 },
  { row: 'rm', contestant: 'broch', value: 2 },
  { row: 'rm', contestant: 'gocryptfs', failure: 'no end after 600 s' },
]

describe('the report of the benchmark', () => {
  test('a median is the middle one, or between the two in the middle', () => {
    expect(spreadOf([9, 1, 5])).toEqual({ median: 5, min: 1, max: 9 })
    expect(spreadOf([4, 1, 2, 9])).toEqual({ median: 3, min: 1, max: 9 })
    expect(spreadOf([])).toBeUndefined()
  })

  test('a ratio above 1 is faster, for rates and for times', () => {
    const [write, rm] = resultRows(chosen, names, samples, FULL)
    if (write === undefined || rm === undefined) throw new Error('both rows have results')
    expect(brochRatio(write, 'gocryptfs')).toBe(2)
    expect(brochRatio(rm, 'plain')).toBe(0.5)
  })

  test('one failure is not hidden by a median of the others', () => {
    const cell = cellOf([{ row: 'rm', contestant: 'broch', value: 1 }, { row: 'rm', contestant: 'broch', failure: 'EIO' }])
    expect(cell).toEqual({ kind: 'failed', why: 'EIO' })
    expect(mainTable(resultRows(chosen, names, samples, FULL), names, true)).toContain('failed')
  })

  test('the picture leaves out what was not measured', () => {
    const chart = ratioChart(resultRows(ROWS, names, samples, FULL), names)
    expect(chart).toContain('rm -rf of it')
    expect(chart).not.toContain('git clone')
  })

  test('chosen rows bring those before them in their filesystem, and no others', () => {
    const groups = chosenGroups(new Set(['stat', 'rm']))
    expect(groups.map((group) => group.map(({ id }) => id))).toEqual([['create', 'stat'], ['untar', 'read-tree', 'rm']])
  })

  test('a profile counts only what lies in the window', () => {
    const frame = (functionName: string) => ({ functionName, url: '', lineNumber: 0 })
    const nodes = [{ id: 1, callFrame: frame('seal') }, { id: 2, callFrame: frame('(idle)') }]
    const profile = { nodes, startTime: 1000, samples: [1, 1, 2, 1], timeDeltas: [10, 10, 10, 10] }
    expect([...selfTimes(profile, { fromUs: 1015, toUs: 1030 })]).toEqual([['seal', 10], ['(idle)', 10]])
  })

  test('what is unknown on the command line is told', () => {
    const known = { rowIds: ['write'], defaultDir: '/var/tmp' }
    expect(parseArguments(['--rows', 'wrote'], known)).toContain('"wrote"')
    expect(parseArguments(['--rounds', '0'], known)).toContain('--rounds')
    expect(parseArguments(['--fast'], known)).toContain('--help')
    expect(parseArguments(['--quick'], known)).toMatchObject({ rounds: 1, rows: undefined })
  })
})
