/**
 * The entry: runs the command, and turns a failure into a message and an exit code.
 * @packageDocumentation
 */
import { serveInBackground } from './background.js'
import { exitCodeOf } from './exit-code.js'
import { describeFailure } from './message.js'
import { mountLog } from './options.js'
import { createProgram, UsageError } from './program.js'

const EXIT_USAGE = 2

/** @param argv - without program and script */
async function main(argv: readonly string[]): Promise<void> {
  // who reads our output may leave early, as head(1) does
  process.stdout.on('error', (error: NodeJS.ErrnoException) => process.exit(error.code === 'EPIPE' ? 0 : 1))
  try {
    if (argv[0] === 'serve' && !process.stdin.isTTY) await serveInBackground(mountLog)
    else await createProgram(withoutDashes(argv)).parseAsync()
  } catch (error) {
    process.exitCode = explain(error, argv)
  }
  process.exit() // a detached mount may leave requests that are never answered
}

/** What follows `--` is a path, whatever it begins with: the parser would drop it. */
function withoutDashes(argv: readonly string[]): string[] {
  const end = argv.indexOf('--')
  if (end === -1) return [...argv]
  return [...argv.slice(0, end), ...argv.slice(end + 1).map((path) => (path.startsWith('-') ? `./${path}` : path))]
}

function explain(error: unknown, argv: readonly string[]): number {
  if (error instanceof UsageError) {
    const isUnknownCommand = argv.length > 0 && error.help.startsWith('broch COMMAND')
    console.error(isUnknownCommand ? `broch: ${error.message}\nbroch --help lists the commands.` : `${error.help}\n\nbroch: ${error.message}`)
    return EXIT_USAGE
  }
  const message = describeFailure(error)
  console.error(message)
  if (process.env['BROCH_DEBUG'] === '1') console.error(error)
  const code = exitCodeOf(error)
  if (argv.includes('--json')) console.log(JSON.stringify({ version: 1, error: { exit: code, message: message.replace('broch: ', '') } }))
  return code
}

await main(process.argv.slice(2))
