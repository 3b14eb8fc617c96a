/**
 * How this user runs the program, for lines to copy.
 * @packageDocumentation
 */
import { accessSync, constants, realpathSync } from 'node:fs'
import { delimiter, join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'

const BROCH = fileURLToPath(new URL('../../bin/broch', import.meta.url))

/** `broch` where that finds this program, else its path, short when it lies below the working directory. */
export function programName(): string {
  for (const folder of (process.env['PATH'] ?? '').split(delimiter)) {
    if (isThis(join(folder, 'broch'))) return 'broch'
  }
  const near = relative(process.cwd(), BROCH)
  return near.startsWith('..') ? BROCH : near
}

function isThis(path: string): boolean {
  try {
    accessSync(path, constants.X_OK)
    return realpathSync(path) === realpathSync(BROCH)
  } catch {
    return false
  }
}
