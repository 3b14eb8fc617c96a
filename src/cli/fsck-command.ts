/**
 * `fsck`: goes over everything in the store, and changes nothing unless asked to free waste.
 * @packageDocumentation
 */
import { command } from './command.js'
import { EXIT_DAMAGED } from './exit-code.js'
import { jsonOption, passphraseOptions, storeOption } from './options.js'
import { withSpace } from './unmounted-space.js'

export const fsckCommand = command({
  usage: 'fsck',
  summary: 'check everything in the store',
  about: [
    'Reads and verifies every directory and file, names what is damaged, and changes nothing of it. Works while the space is not mounted.',
    'Waste (blocks that nothing refers to, which a kill leaves behind) is named too, but is no damage; --free gives its space back when nothing is damaged. The exit code is 0 when nothing is damaged, else 20.',
  ],
  positionals: {},
  options: { ...storeOption, ...passphraseOptions, ...jsonOption, free: { type: 'boolean', default: false, describe: 'free what nothing refers to' }, 'no-data': { type: 'boolean', default: false, describe: 'leave out the contents of files: quicker, finds less' } },
  examples: [['broch fsck --json | jq .sound', '']],
  async run(args) {
    const options = { data: !args['no-data'] }
    const report = await withSpace(args, !args.free, (_files, space) => (args.free ? space.free(options) : space.check(options)))
    if (!report.sound) process.exitCode = EXIT_DAMAGED
    if (args.json) {
      console.log(JSON.stringify({ version: 1, ...report }, undefined, 2))
      return
    }
    for (const { kind, path, what } of report.problems) console.log(`${kind}: ${path === '' ? '' : `${path}: `}${what}`)
    if (report.unlisted > 0) console.log(`and ${report.unlisted} more`)
    const { directories, files, others, nodes, fragments, blocks } = report.counts
    console.log(`Checked ${directories} directories, ${files} files and ${others} links and special files: ${nodes} nodes and ${fragments} fragments in ${blocks} blocks.`)
    if (args.free) console.log(report.sound ? 'What nothing referred to is freed.' : 'Nothing was freed, because something is damaged.')
    console.log(report.sound ? 'Nothing is damaged.' : 'Something is damaged. Restore what is named from a backup of the files, or the store folder from a backup of it.')
  },
})
