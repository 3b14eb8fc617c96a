/**
 * Padmé: sizes that leak only O(log log n) bits. docs/format.md §7.2
 *
 * Source: Nikitin et al., "Reducing Metadata Leakage from Encrypted Files and Communication with PURBs", PETS 2019.
 * @packageDocumentation
 */

/** The least Padmé length not below `length` (bytes). At most 12 % more. */
export function padme(length: number): number {
  if (length < 2) return length
  const exponent = Math.floor(Math.log2(length))
  const significant = Math.floor(Math.log2(exponent || 1)) + 1
  const unit = 2 ** Math.max(0, exponent - significant)
  return Math.ceil(length / unit) * unit
}
