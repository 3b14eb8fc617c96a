/**
 * Bytes: compare, join, print. Portable: no `Buffer`.
 * @packageDocumentation
 */

const HEX = Array.from({ length: 256 }, (_, i) => i.toString(16).padStart(2, '0'))

export function equalBytes(a: Uint8Array, b: Uint8Array): boolean {
  if (a.length !== b.length) return false
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false
  return true
}

/** Lexicographic order, as memcmp(3); a prefix comes first. */
export function compareBytes(a: Uint8Array, b: Uint8Array): number {
  const shared = Math.min(a.length, b.length)
  for (let i = 0; i < shared; i++) {
    const difference = (a[i] as number) - (b[i] as number)
    if (difference !== 0) return difference
  }
  return a.length - b.length
}

export function concatBytes(parts: readonly Uint8Array[]): Uint8Array {
  let length = 0
  for (const part of parts) length += part.length
  const joined = new Uint8Array(length)
  let at = 0
  for (const part of parts) {
    joined.set(part, at)
    at += part.length
  }
  return joined
}

export function toHex(bytes: Uint8Array): string {
  let hex = ''
  for (const byte of bytes) hex += HEX[byte] as string
  return hex
}

/** @throws RangeError when the text is not pairs of hex digits. */
export function fromHex(hex: string): Uint8Array {
  if (hex.length % 2 !== 0 || /[^0-9a-f]/i.test(hex)) throw new RangeError('not hex')
  return Uint8Array.from({ length: hex.length / 2 }, (_, i) => Number.parseInt(hex.slice(2 * i, 2 * i + 2), 16))
}

const MOST_ARGUMENTS = 4096

/**
 * Bytes as a string of code units 0-255, for use as a `Map` key. Inverse of {@link fromBinaryString}.
 *
 * Made in one call: a string that grows by one character at a time is kept as a tree of all its beginnings, which
 * takes twenty times the memory and thirty times as long.
 */
export function toBinaryString(bytes: Uint8Array): string {
  if (bytes.length === 32) return stringOf32(bytes)
  if (bytes.length <= MOST_ARGUMENTS) return String.fromCharCode.apply(null, bytes as unknown as number[])
  return toBinaryString(bytes.subarray(0, MOST_ARGUMENTS)) + toBinaryString(bytes.subarray(MOST_ARGUMENTS))
}

/** The length of every key and label, written out because it is needed several times in each operation. */
function stringOf32(b: Uint8Array): string {
  return String.fromCharCode(
    b[0] as number, b[1] as number, b[2] as number, b[3] as number, b[4] as number, b[5] as number, b[6] as number, b[7] as number,
    b[8] as number, b[9] as number, b[10] as number, b[11] as number, b[12] as number, b[13] as number, b[14] as number, b[15] as number,
    b[16] as number, b[17] as number, b[18] as number, b[19] as number, b[20] as number, b[21] as number, b[22] as number, b[23] as number,
    b[24] as number, b[25] as number, b[26] as number, b[27] as number, b[28] as number, b[29] as number, b[30] as number, b[31] as number,
  )
}

export function fromBinaryString(text: string): Uint8Array {
  const bytes = new Uint8Array(text.length)
  for (let i = 0; i < text.length; i++) bytes[i] = text.charCodeAt(i)
  return bytes
}

const encoder = new TextEncoder()

export function utf8(text: string): Uint8Array {
  return encoder.encode(text)
}
