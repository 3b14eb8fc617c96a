/**
 * Text for a terminal: names and numbers, never control sequences.
 * @packageDocumentation
 */

/** Control characters (C0, DEL, C1) and what turns the direction of text are written as escapes. */
export function safeText(text: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what is looked for
  return text.replace(/[\u0000-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069]/g, (character) => {
    return `\\u${(character.codePointAt(0) as number).toString(16).padStart(4, '0')}`
  })
}

const decoder = new TextDecoder('utf-8', { fatal: true })

/** Undefined when the bytes are no UTF-8. */
export function decodeName(name: Uint8Array): string | undefined {
  try {
    return decoder.decode(name)
  } catch {
    return undefined
  }
}

/** A name as a terminal may show it; bytes that are no UTF-8 as `\xNN`. */
export function showName(name: Uint8Array): string {
  const text = decodeName(name)
  if (text !== undefined) return safeText(text)
  return [...name].map((byte) => (byte > 0x1f && byte < 0x7f ? String.fromCharCode(byte) : `\\x${byte.toString(16).padStart(2, '0')}`)).join('')
}

const UNITS = ['bytes', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB']

export function showBytes(bytes: number): string {
  let unit = 0
  let amount = bytes
  for (; amount >= 1024 && unit < UNITS.length - 1; unit++) amount /= 1024
  return `${unit === 0 ? amount : amount.toFixed(1)} ${UNITS[unit]}`
}

export function showCount(count: number, one: string): string {
  return `${count} ${one}${count === 1 ? '' : 's'}`
}
