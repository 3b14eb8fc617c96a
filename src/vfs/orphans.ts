/**
 * Objects that have no name left and are still open: the root directory lists them, so that they are freed at the
 * next start when the program ends before they are closed. docs/format.md §7.3
 * @packageDocumentation
 */
import type { Extension } from '../cryptree/extension.js'
import { KEY_BYTES } from '../crypto/crypto.js'
import { fromBinaryString, toBinaryString } from '../lib/bytes.js'
import type { Value } from '../lib/dag-cbor-value.js'
import { LABEL_BYTES } from '../store/label.js'

const FIELD = 'orphans'
/** As many as fit beside what else the root directory's node holds; more are left to `fsck`. */
export const MAX_ORPHANS = 4096

/** Label and base key, as binary strings. */
export interface Orphan {
  readonly label: string
  readonly key: string
}

/** What is not of the format counts as none: freeing is a courtesy, and `fsck` finds what was missed. */
export function orphansOf(ext: Extension): Orphan[] {
  const list = ext?.get(FIELD)
  if (!Array.isArray(list) || list.length > MAX_ORPHANS) return []
  return (list as readonly Value[]).flatMap((item) => {
    const [label, key] = Array.isArray(item) ? (item as readonly Value[]) : []
    const sound = label instanceof Uint8Array && key instanceof Uint8Array && label.length === LABEL_BYTES && key.length === KEY_BYTES
    return sound ? [{ label: toBinaryString(label), key: toBinaryString(key) }] : []
  })
}

export function withOrphans(ext: Extension, orphans: readonly Orphan[]): Extension {
  const fields = new Map(ext)
  fields.delete(FIELD)
  const listed = orphans.slice(0, MAX_ORPHANS).map(({ label, key }) => [fromBinaryString(label), fromBinaryString(key)])
  if (listed.length > 0) fields.set(FIELD, listed)
  return fields.size === 0 ? undefined : fields
}
