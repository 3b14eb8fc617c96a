/**
 * `put` and `get`: copying into a space and out of it, without a mount.
 * @packageDocumentation
 */
import { getFiles, measureSpace } from '../app/get.node.js'
import { PathError } from '../app/path-error.js'
import { measureLocal, putFiles } from '../app/put.node.js'
import type { SpaceFiles } from '../app/space-files.js'
import { TransferReport } from '../app/transfer.node.js'
import { BrochError } from '../lib/error.js'
import { command } from './command.js'
import { EXIT_PARTIAL } from './exit-code.js'
import { describePath } from './message.js'
import { passphraseOptions, storeOption } from './options.js'
import { ProgressBar } from './progress-bar.js'
import { showBytes } from './safe-text.js'
import { withSpace } from './unmounted-space.js'

const KEPT = 'Kept: modes, times, symbolic links, hard links, holes; as root the owners too. Not copied: extended attributes, devices, fifos and sockets (the mount can).'
const quietOption = { quiet: { alias: 'q', type: 'boolean', default: false, describe: 'no progress bar and no summary' } } as const

export const putCommand = command({
  usage: 'put <file..>',
  synopsis: 'put FILE... PATH',
  summary: 'copy files and directories into the space, without a mount',
  about: [
    'The last argument is where they go: a directory of the space, or, for one FILE, a new name. A file of that name is replaced, a directory is filled.',
    KEPT,
  ],
  positionals: { file: { type: 'string', array: true, demandOption: true, describe: 'files to copy, and last the path in the space' } },
  options: { ...storeOption, ...passphraseOptions, ...quietOption },
  examples: [
    ['broch put ~/photos /', 'a directory with all below it'],
    ['broch put a.txt /notes/b.txt', 'under another name'],
  ],
  async run(args) {
    const [sources, target] = lastApart(args.file)
    await withSpace(args, false, (files) => transferred(args.quiet, () => measureAll(sources), (report) => putFiles(files, sources, target, report)))
  },
})

export const getCommand = command({
  usage: 'get <path..>',
  synopsis: 'get PATH... DIR',
  summary: 'copy files and directories out of the space, without a mount',
  about: [
    'The last argument is where they go: a directory of this machine, or, for one PATH, a new name. A file appears under its name when it is whole; one of that name is replaced.',
    `${KEPT} Times to the microsecond.`,
  ],
  positionals: { path: { type: 'string', array: true, demandOption: true, describe: 'paths in the space, and last where to copy them' } },
  options: { ...storeOption, ...passphraseOptions, ...quietOption },
  examples: [
    ['broch get /photos ~/', 'a directory with all below it'],
    ['broch get / /backup', 'everything'],
  ],
  async run(args) {
    const [paths, target] = lastApart(args.path)
    await withSpace(args, true, (files) => transferred(args.quiet, () => measurePaths(files, paths), (report) => getFiles(files, paths, target, report)))
  },
})

function lastApart(values: readonly string[]): [string[], string] {
  const target = values.at(-1)
  if (target === undefined || values.length < 2) throw new BrochError('INVALID', 'say what to copy and, last, where to')
  return [values.slice(0, -1), target]
}

interface Amount {
  readonly bytes: number
  readonly files: number
}

/** What cannot be copied is told, and the rest is copied; the exit code says that something is missing. */
async function transferred(quiet: boolean, measure: () => Promise<Amount>, copy: (report: TransferReport) => Promise<void>): Promise<void> {
  const bar = !quiet && process.stderr.isTTY ? new ProgressBar(await measure()) : undefined
  const report = new TransferReport({
    onBytes: (bytes) => bar?.addBytes(bytes),
    onFile: () => bar?.addFile(),
    onFailure: (error) => {
      const line = `broch: not copied: ${error instanceof PathError ? describePath(error) : 'it failed'}`
      if (bar === undefined) console.error(line)
      else bar.say(line)
    },
  })
  try {
    await copy(report)
  } finally {
    bar?.stop()
  }
  if (!quiet) console.error(`${report.files} files and directories copied, ${showBytes(report.bytes)}.${report.failures > 0 ? ` Not copied: ${report.failures}.` : ''}`)
  if (report.failures > 0) process.exitCode = EXIT_PARTIAL
}

async function measureAll(paths: readonly string[]): Promise<Amount> {
  const amounts = await Promise.all(paths.map((path) => measureLocal(Buffer.from(path))))
  return sum(amounts)
}

async function measurePaths(files: SpaceFiles, paths: readonly string[]): Promise<Amount> {
  const amounts: Amount[] = []
  for (const path of paths) amounts.push(await files.at(path, (found) => measureSpace(files, found), false))
  return sum(amounts)
}

function sum(amounts: readonly Amount[]): Amount {
  return amounts.reduce((all, { bytes, files }) => ({ bytes: all.bytes + bytes, files: all.files + files }), { bytes: 0, files: 0 })
}
