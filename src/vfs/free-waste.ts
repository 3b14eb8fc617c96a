/**
 * Gives back the space of what nothing refers to: what kills and damaged objects left behind.
 * @packageDocumentation
 */
import type { SecretSignKey } from '../crypto/crypto.js'
import type { BlockStore } from '../store/block.js'
import { type CheckOptions, checkSpace, type Waste } from './check.js'
import type { CheckReport } from './check-report.js'

/** Checks everything first, and frees nothing when anything is damaged: what damaged objects refer to is not known. */
export async function freeWaste(options: CheckOptions, blocks: BlockStore, secretKey: SecretSignKey): Promise<CheckReport> {
  const waste: Waste = { labels: [], blocks: [] }
  const report = await checkSpace({ ...options, waste })
  if (!report.sound) return report
  await options.tree.commit(waste.labels.map((label) => ({ label, block: undefined })), [], secretKey)
  await blocks.delete(waste.blocks)
  await blocks.flush()
  return report
}
