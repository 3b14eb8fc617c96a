/**
 * The whole command line: every command, its help, and what a wrong line is answered.
 * @packageDocumentation
 */
import { readFileSync } from 'node:fs'
import yargs, { type Argv } from 'yargs'
import { type Command, command } from './command.js'
import { doctorCommand } from './doctor-command.js'
import { EXIT_CODES } from './exit-code.js'
import { fsckCommand } from './fsck-command.js'
import { catCommand, lsCommand, mkdirCommand, rmCommand } from './list-command.js'
import { mountCommand, umountCommand } from './mount-command.js'
import { passwdCommand } from './passwd-command.js'
import { initCommand, startCommand } from './start-command.js'
import { statusCommand } from './status-command.js'
import { getCommand, putCommand } from './transfer-command.js'

/** A line that cannot be understood; with the help of the command that was meant. */
export class UsageError extends Error {
  override readonly name = 'UsageError'
  readonly help: string

  constructor(message: string, help: string) {
    super(message)
    this.help = help
  }
}

const completionCommand = command({
  usage: 'completion [shell]',
  summary: 'print a script that completes commands and options with the Tab key',
  about: ['Prints the script for bash or zsh; without a name for the shell in $SHELL.'],
  positionals: { shell: { type: 'string', choices: ['bash', 'zsh'], describe: 'whose script' } },
  options: {},
  examples: [
    ['broch completion bash >> ~/.bashrc', ''],
    ['broch completion zsh >> ~/.zshrc', ''],
  ],
  async run({ shell }) {
    if (shell !== undefined) process.env['SHELL'] = `/bin/${shell}` // where yargs looks
    if (shell === 'bash') delete process.env['ZSH_NAME']
    createProgram([]).showCompletionScript()
  },
})

const versionCommand = command({
  usage: 'version',
  summary: 'print the version',
  about: ['Prints the version of Broch.'],
  positionals: {},
  options: {},
  examples: [],
  run: async () => console.log(version()),
})

/** Plainer words than the parser's own. */
const WORDS: Record<string, string> = { 'Show version number': 'print the version', 'Show help': 'print this help' }

/** In the order of the help. */
export const COMMANDS: readonly Command[] = [
  startCommand, initCommand, mountCommand, umountCommand, statusCommand, passwdCommand, lsCommand, catCommand, putCommand, getCommand,
  mkdirCommand, rmCommand, fsckCommand, doctorCommand, completionCommand, versionCommand,
]

export const FILES: readonly (readonly [path: string, meaning: string])[] = [
  ['$XDG_DATA_HOME/broch/store', 'the sealed data (~/.local/share)'],
  ['$XDG_CONFIG_HOME/broch/passphrase', 'a pass phrase made without a terminal (~/.config)'],
  ['$XDG_RUNTIME_DIR/broch', 'sockets of running mounts (else ~/.local/state/broch/run)'],
  ['$XDG_STATE_HOME/broch/seen', 'the newest state seen of each store, to notice older copies'],
  ['$XDG_STATE_HOME/broch/log', 'what background mounts say; no names of files (~/.local/state)'],
]

export const ENVIRONMENT: readonly (readonly [name: string, meaning: string])[] = [
  ['BROCH_HOME', 'a folder for all of the above: store, passphrase, run, seen, log'],
  ['XDG_DATA_HOME ...', 'as the XDG base directory specification says'],
]

/** @param width - columns of the help; as the terminal has, up to 100, when absent */
export function createProgram(argv: readonly string[], width = process.stdout.isTTY ? Math.min(100, process.stdout.columns) : 100): Argv {
  const parser = yargs([...argv])
    .scriptName('broch')
    .locale('en')
    .updateStrings(WORDS)
    .usage('broch COMMAND [options]\n\nKeeps your files encrypted, and mounts them as an ordinary directory.')
    .wrap(width)
    .demandCommand(1, 'Say what to do.')
    .strict()
    .recommendCommands()
    .example('broch start', 'make a space if there is none, and mount it at ~/Broch')
    .example('broch mount ~/Broch && broch status', 'in the background')
    .example('broch put photos / && broch ls -l /photos', 'without a mount')
    .version(version())
    .help()
    .alias({ h: 'help' })
    .epilogue([
      section('Files', FILES),
      section('Environment', ENVIRONMENT),
      section('Exit codes', EXIT_CODES.map(([code, meaning]) => [String(code), meaning])),
      'broch COMMAND --help says more of each command.',
    ].join('\n\n'))
    .fail((message, error: unknown, failed) => {
      if (error instanceof Error && error.name !== 'YError') throw error
      throw new UsageError(plainer(message), helpOf(failed))
    })
    .exitProcess(false)
  for (const { register } of COMMANDS) register(parser)
  return parser
}

/** Of the command that was meant; for one that is not there only where to look. */
function helpOf(parser: Argv): string {
  let help = ''
  parser.showHelp((text: string) => {
    help = text
  })
  return help
}

function plainer(message: string): string {
  return message.replace(/^Not enough non-option arguments: got (\d+), need at least (\d+)$/, 'Something is missing: got $1, need at least $2.')
}

function section(title: string, rows: readonly (readonly [string, string])[]): string {
  const width = Math.max(...rows.map(([name]) => name.length))
  return [`${title}:`, ...rows.map(([name, meaning]) => `  ${name.padEnd(width)}  ${meaning}`)].join('\n')
}

function version(): string {
  const manifest: unknown = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8'))
  return (manifest as { readonly version: string }).version
}
