/**
 * How much work a run does.
 * @packageDocumentation
 */

export interface Sizes {
  readonly largeMib: number
  readonly randomMib: number
  readonly randomWrites: number
  readonly randomSyncs: number
  readonly smallFiles: number
  readonly dirEntries: number
  readonly treeFiles: number
  readonly treeBytes: number
  readonly repositoryFiles: number
  readonly deleteTransactions: number
  readonly walTransactions: number
}

export const FULL: Sizes = {
  largeMib: 1024,
  randomMib: 256,
  randomWrites: 40_000,
  randomSyncs: 3_000,
  smallFiles: 5_000,
  dirEntries: 10_000,
  treeFiles: 9_400,
  treeBytes: 168_000_000,
  repositoryFiles: 981,
  deleteTransactions: 500,
  walTransactions: 3_000,
}

/** A first hint in a minute or two. */
export const QUICK: Sizes = {
  largeMib: 128,
  randomMib: 64,
  randomWrites: 8_000,
  randomSyncs: 500,
  smallFiles: 1_000,
  dirEntries: 2_000,
  treeFiles: 1_500,
  treeBytes: 27_000_000,
  repositoryFiles: 300,
  deleteTransactions: 100,
  walTransactions: 500,
}
