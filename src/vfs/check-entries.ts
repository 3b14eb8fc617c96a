/**
 * Whether the entries of a bucket lie where a lookup would look for them. docs/format.md §7.5
 * @packageDocumentation
 */
import { bucketOf, type DirectoryContent, type DirectoryEntry, hashName } from '../cryptree/directory-content.js'
import { nameKey } from '../cryptree/keys.js'
import type { Crypto } from '../crypto/crypto.js'
import { printableName } from './check-report.js'

export function checkEntries(
  crypto: Crypto,
  content: DirectoryContent,
  number: number,
  bucket: readonly DirectoryEntry[],
  problem: (what: string) => void,
): void {
  const key = nameKey(crypto, content.key)
  for (const { name, hash } of bucket) {
    if (hashName(crypto, key, name) !== hash) problem(`"${printableName(name)}" has a wrong hash: it is listed but not found by name`)
    else if (content.buckets > 1 && bucketOf(hash, content.buckets) !== number) problem(`"${printableName(name)}" lies in the wrong part`)
  }
}
