/**
 * The ratios as a picture: one bar per row and contestant, on a logarithmic scale around "as fast as Broch".
 * @packageDocumentation
 */
import type { ContestantName } from './contestants.js'
import { brochRatio, figure, type ResultRow } from './report.js'

const LABEL_WIDTH = 320
const PLOT_WIDTH = 560
const BAR_HEIGHT = 9
const BAR_GAP = 2
const ROW_GAP = 12
const TOP = 70
const LARGEST_RATIO = 32
const COLORS: Readonly<Record<ContestantName, string>> = { plain: '#8a8f98', broch: '#1f6feb', gocryptfs: '#d9822b', securefs: '#8250df' }

/** Where a ratio lies: 1 in the middle, each doubling as far as the next. */
function xOf(ratio: number): number {
  const clamped = Math.min(LARGEST_RATIO, Math.max(1 / LARGEST_RATIO, ratio))
  return LABEL_WIDTH + PLOT_WIDTH / 2 + ((PLOT_WIDTH / 2) * Math.log2(clamped)) / Math.log2(LARGEST_RATIO)
}

function escape(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;')
}

/** An SVG document; rows without a figure for Broch are left out. */
export function ratioChart(results: readonly ResultRow[], names: readonly ContestantName[]): string {
  const others = names.filter((name) => name !== 'broch')
  const drawn = results.filter((result) => others.some((name) => brochRatio(result, name) !== undefined))
  const rowHeight = others.length * (BAR_HEIGHT + BAR_GAP) + ROW_GAP
  const height = TOP + drawn.length * rowHeight + 20
  const width = LABEL_WIDTH + PLOT_WIDTH + 70
  const bars = drawn.map((result, index) => rowBars(result, others, TOP + index * rowHeight))
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" font-family="sans-serif" font-size="12">`,
    `<rect width="${width}" height="${height}" fill="#ffffff"/>`,
    '<text x="12" y="22" font-size="15" font-weight="bold">How many times as fast Broch is (right: faster)</text>',
    ...others.map((name, index) => legend(name, index)),
    ...axis(height),
    ...bars.flat(),
    '</svg>',
    '',
  ].join('\n')
}

function legend(name: ContestantName, index: number): string {
  const x = 12 + index * 150
  const label = name === 'plain' ? 'than the plain disk' : `than ${name}`
  return `<rect x="${x}" y="36" width="10" height="10" fill="${COLORS[name]}"/><text x="${x + 15}" y="45">${label}</text>`
}

function axis(height: number): string[] {
  return [1 / 16, 1 / 4, 1, 4, 16].flatMap((ratio) => {
    const x = xOf(ratio).toFixed(1)
    const label = ratio < 1 ? `1/${1 / ratio}` : `${ratio}x`
    return [
      `<line x1="${x}" y1="${TOP - 6}" x2="${x}" y2="${height - 16}" stroke="${ratio === 1 ? '#24292f' : '#d0d7de'}"/>`,
      `<text x="${x}" y="${height - 4}" text-anchor="middle" fill="#57606a">${label}</text>`,
    ]
  })
}

function rowBars(result: ResultRow, others: readonly ContestantName[], top: number): string[] {
  const label = `<text x="${LABEL_WIDTH - 32}" y="${top + (others.length * (BAR_HEIGHT + BAR_GAP)) / 2 + 3}" text-anchor="end">${escape(result.title)}</text>`
  const bars = others.flatMap((name, index) => {
    const ratio = brochRatio(result, name)
    if (ratio === undefined) return []
    const [from, to] = [xOf(1), xOf(ratio)].sort((a, b) => a - b) as [number, number]
    const y = top + index * (BAR_HEIGHT + BAR_GAP)
    const text = `<text x="${ratio >= 1 ? to + 3 : from - 3}" y="${y + BAR_HEIGHT - 1}" font-size="9" text-anchor="${ratio >= 1 ? 'start' : 'end'}">${figure(ratio)}</text>`
    return [`<rect x="${from.toFixed(1)}" y="${y}" width="${Math.max(1, to - from).toFixed(1)}" height="${BAR_HEIGHT}" fill="${COLORS[name]}"/>${text}`]
  })
  return [label, ...bars]
}
