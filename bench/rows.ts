/**
 * The rows of the table: what is done, in which order, and what it is compared with.
 * @packageDocumentation
 */
import { join } from 'node:path'
import type { Command } from './process.js'
import type { Sizes } from './sizes.js'

export type InputName = 'tree' | 'tar' | 'repository'

/** What a row works on. */
export interface Workspace {
  /** In the filesystem under test, empty when the group begins. */
  readonly dir: string
  /** A folder of the disk below all contestants. */
  readonly backing: string
  readonly inputs: string
  readonly sizes: Sizes
  /** Bytes of the tree that tar and rsync copy. */
  readonly treeBytes: number
}

export type Unit = 'MB/s' | '/s' | 's' | 'ms'

/** Figures of one machine; only their ratios mean anything on another. */
export interface Anchor {
  readonly plain: number
  readonly gocryptfs: number
  readonly goal: number
}

export interface Row {
  readonly id: string
  readonly title: (sizes: Sizes) => string
  readonly unit: Unit
  readonly anchor: Anchor | undefined
  /** A new process and a dropped page cache come first. */
  readonly cold: boolean
  /** Changes something: then the time until it is on the disk is measured beside the row. */
  readonly writes: boolean
  /** Read before the clock starts, so that it comes from memory for all. */
  readonly reads: readonly InputName[]
  /** The program whose start is in the time, warmed too. */
  readonly program?: string
  /** Not timed. */
  readonly prepare?: (work: Workspace) => Command[]
  /** Arguments of the load program, which prints seconds; `mount` is timed by the runner. */
  readonly work: 'mount' | ((work: Workspace) => readonly string[])
  /** What the seconds are divided into, for rates. */
  readonly amount?: (sizes: Sizes) => number
}

/** Rows that follow each other in one fresh filesystem. */
export type Group = readonly Row[]

const count = (n: number): string => n.toLocaleString('en-US')
const large = ({ dir }: Workspace): string => join(dir, 'large.bin')
const defaults = { anchor: undefined, cold: false, writes: false, reads: [] } as const
const anchor = (plain: number, gocryptfs: number, goal: number): Anchor => ({ plain, gocryptfs, goal })

const MOUNT: Group = [{ ...defaults, id: 'mount', title: () => 'start to usable', unit: 'ms', work: 'mount' }]

const LARGE: Group = [
  {
    ...defaults, id: 'write', title: (s) => `write ${count(s.largeMib)} MiB, fsync`, unit: 'MB/s', writes: true, anchor: anchor(1185, 319, 450),
    work: (w) => ['write', large(w), String(w.sizes.largeMib)], amount: (s) => s.largeMib * 1.048576,
  },
  { ...defaults, id: 'read', title: () => 'read it cold', unit: 'MB/s', cold: true, anchor: anchor(1674, 765, 800), work: (w) => ['read', large(w)], amount: (s) => s.largeMib * 1.048576 },
]

const randomRow = (each: 'each' | 'end'): Row => ({
  ...defaults, id: each === 'each' ? 'random-fsync' : 'random', unit: '/s', writes: true,
  title: (s) => (each === 'each' ? `${count(s.randomSyncs)} random 4 KiB writes, fsync each` : `${count(s.randomWrites)} random 4 KiB writes, fsync`),
  anchor: each === 'each' ? anchor(5479, 1590, 5500) : anchor(141_500, 9200, 30_000),
  prepare: (w) => [[join(w.inputs, 'load'), 'write', large(w), String(w.sizes.randomMib)]],
  work: (w) => ['overwrite', large(w), String(each === 'each' ? w.sizes.randomSyncs : w.sizes.randomWrites), each],
  amount: (s) => (each === 'each' ? s.randomSyncs : s.randomWrites),
})

const createRow = (each: 'each' | 'end'): Row => ({
  ...defaults, id: each === 'each' ? 'create-fsync' : 'create', unit: '/s', writes: true,
  title: (s) => `create ${count(s.smallFiles)} of 4 KiB, ${each === 'each' ? 'fsync each' : 'sync'}`,
  anchor: each === 'each' ? anchor(1096, 480, 3000) : anchor(13_780, 849, 5000),
  work: (w) => ['create', w.dir, String(w.sizes.smallFiles), '4096', each, w.backing],
  amount: (s) => s.smallFiles,
})

const SMALL: Group = [
  createRow('end'),
  { ...defaults, id: 'stat', title: (s) => `stat ${count(s.smallFiles)} cold`, unit: '/s', cold: true, anchor: anchor(26_570, 11_660, 20_000), work: (w) => ['stat', w.dir, String(w.sizes.smallFiles)], amount: (s) => s.smallFiles },
  { ...defaults, id: 'read-small', title: (s) => `read ${count(s.smallFiles)} of 4 KiB cold`, unit: '/s', cold: true, anchor: anchor(12_600, 4280, 6000), work: (w) => ['read-files', w.dir, String(w.sizes.smallFiles)], amount: (s) => s.smallFiles },
]

const DIRECTORY: Group = [
  {
    ...defaults, id: 'readdir', title: (s) => `readdir ${count(s.dirEntries)} cold`, unit: 'ms', cold: true, anchor: anchor(14.5, 184, 25),
    prepare: (w) => [[join(w.inputs, 'load'), 'fill-dir', w.dir, String(w.sizes.dirEntries)]], work: (w) => ['list', w.dir, String(w.sizes.dirEntries)],
  },
  { ...defaults, id: 'ls', title: (s) => `ls -l ${count(s.dirEntries)} cold`, unit: 'ms', cold: true, program: 'ls', anchor: anchor(81, 1328, 200), work: (w) => ['run', 'ls', '-l', w.dir] },
]

const UNTAR: Group = [
  {
    ...defaults, id: 'untar', title: (s) => `untar ${count(s.treeFiles)} files, ${Math.round(s.treeBytes / 1e6)} MB`, unit: 's', writes: true, reads: ['tar'], program: 'tar', anchor: anchor(0.7, 16.5, 2.4),
    work: (w) => ['run', 'tar', '-C', w.dir, '-xf', join(w.inputs, 'tree.tar')],
  },
  { ...defaults, id: 'read-tree', title: () => 'read that tree cold', unit: 's', cold: true, anchor: anchor(1.2, 4.1, 3), work: (w) => ['read-tree', w.dir, String(w.treeBytes)] },
  { ...defaults, id: 'rm', title: () => 'rm -rf of it', unit: 's', writes: true, program: 'rm', anchor: anchor(0.7, 4.2, 1.5), work: (w) => ['run', 'rm', '-rf', join(w.dir, 'tree')] },
]

const rsync = (w: Workspace): readonly string[] => ['run', 'rsync', '-a', `${join(w.inputs, 'tree')}/`, join(w.dir, 'copy')]
const RSYNC: Group = [
  { ...defaults, id: 'rsync', title: () => 'rsync of it', unit: 's', writes: true, reads: ['tree'], program: 'rsync', anchor: anchor(2.6, 24, 5), work: rsync },
  { ...defaults, id: 'rsync-again', title: () => 'rsync again cold', unit: 's', cold: true, reads: ['tree'], program: 'rsync', anchor: anchor(0.3, 1, 0.6), work: rsync },
]

const GIT: Group = [
  {
    ...defaults, id: 'git-clone', title: (s) => `git clone of ${count(s.repositoryFiles)} files`, unit: 's', writes: true, reads: ['repository'], program: 'git', anchor: anchor(0.41, 2.8, 0.7),
    work: (w) => ['run', 'git', 'clone', '-q', join(w.inputs, 'repository'), join(w.dir, 'clone')],
  },
  { ...defaults, id: 'git-status', title: () => 'git status cold', unit: 'ms', cold: true, program: 'git', anchor: anchor(152, 430, 300), work: (w) => ['run', 'git', '-C', join(w.dir, 'clone'), 'status', '--porcelain'] },
]

const sqliteRow = (mode: 'delete' | 'wal'): Row => ({
  ...defaults, id: `sqlite-${mode}`, title: () => `sqlite inserts, ${mode === 'wal' ? 'WAL' : 'delete journal'}`, unit: '/s', writes: true, program: 'sqlite3',
  anchor: mode === 'wal' ? anchor(7163, 1111, 4500) : anchor(929, 150, 1400),
  work: (w) => ['run', 'sqlite3', '-batch', '-bail', join(w.dir, 'data.db'), `.read ${join(w.inputs, `${mode}.sql`)}`],
  amount: (s) => (mode === 'wal' ? s.walTransactions : s.deleteTransactions),
})

export const GROUPS: readonly Group[] = [MOUNT, LARGE, [randomRow('end')], [randomRow('each')], SMALL, [createRow('each')], DIRECTORY, UNTAR, RSYNC, GIT, [sqliteRow('delete')], [sqliteRow('wal')]]
export const ROWS: readonly Row[] = GROUPS.flat()

/** The groups that hold the chosen rows, each up to its last chosen one. */
export function chosenGroups(ids: ReadonlySet<string> | undefined): Group[] {
  if (ids === undefined) return [...GROUPS]
  const cut = (group: Group): Group => group.slice(0, group.findLastIndex(({ id }) => ids.has(id)) + 1)
  return GROUPS.map(cut).filter((group) => group.length > 0)
}

/** Seconds in the unit of the row. */
export function valueOf(row: Row, seconds: number, sizes: Sizes): number {
  if (row.unit === 's') return seconds
  if (row.unit === 'ms') return seconds * 1000
  return (row.amount?.(sizes) ?? Number.NaN) / seconds
}

/** How many times as fast `a` is as `b`, whatever the unit. */
export function speedRatio(row: Row, a: number, b: number): number {
  return row.unit === 's' || row.unit === 'ms' ? b / a : a / b
}
