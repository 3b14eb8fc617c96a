/**
 * docs/cli.md, from the descriptions that the help comes from.
 * @packageDocumentation
 */
import { EXIT_CODES } from './exit-code.js'
import { COMMANDS, createProgram, ENVIRONMENT, FILES } from './program.js'

const COLUMNS = 100

/** Text of its own that no help has room for. */
const PASSPHRASES = `The pass phrase is taken from the first of these that is there:

1. \`--passfile FILE\`: the first line of a file or FIFO (\`/dev/stdin\` too). A file that others can read is warned about.
2. \`--extpass CMD\`: the first line that a program prints. One value is split at spaces and run without a shell; for a shell, or
   for arguments with spaces, give the option several times: \`--extpass sh --extpass=-c --extpass 'gpg -d ~/pass.gpg'\`.
3. The file that Broch made when there was no terminal (mode 0600; \`passphrase\` for the store folder of the user, a file of its
   own for each other \`--store\`).
4. A question on the terminal, without showing what is typed. A new pass phrase is asked twice.

Without a terminal nothing is ever asked: \`start\` and \`init\` then make a pass phrase and keep it in that file; other commands
end with 2. A pass phrase is never an argument and never in the environment; a mount in the background gets it through a pipe.`

const SIGNALS = `\`broch start\` and \`broch mount -f\`: the first Ctrl-C (SIGINT) commits and unmounts, and says what it waits for; while files are
open it says by whom and stays. A second one detaches: programs that have files open get errors, what they wrote is kept. SIGTERM
and SIGHUP commit, unmount or else detach, and end, in the background too.`

const SCRIPTS = `\`--json\` prints one JSON value with \`"version": 1\` (\`ls\`: a list). Fields may be added, none is taken away or changes its meaning. A
failure prints \`{"version": 1, "error": {"exit": 13, "message": "..."}}\`. Names that are no UTF-8 are given in base64 (\`nameBase64\`).`

export async function manual(): Promise<string> {
  const parts = [
    '# The command line',
    '<!-- Made by `npm run docs:cli` from what --help prints: change src/cli, not this file. -->',
    'In a checkout, `npm start` is `bin/broch start` with set-up before it: `npm start -- DIR`, `npm start -- --help`.',
    '## Commands',
    table(['command', 'what it does'], COMMANDS.map(({ usage, synopsis, summary }) => [`[\`${synopsis}\`](#broch-${nameOf(usage)})`, summary])),
  ]
  for (const { usage } of COMMANDS) parts.push(`### broch ${nameOf(usage)}`, `\`\`\`text\n${await helpOf(nameOf(usage))}\n\`\`\``)
  parts.push('## Pass phrases', PASSPHRASES, '## Signals', SIGNALS, '## Scripts', SCRIPTS)
  parts.push('## Files', table(['path', 'what it holds'], FILES.map(([path, meaning]) => [`\`${path}\``, meaning])))
  parts.push('## Environment', table(['variable', 'meaning'], ENVIRONMENT.map(([name, meaning]) => [`\`${name}\``, meaning])))
  parts.push('## Exit codes', 'Stable: scripts may rely on them.', table(['code', 'meaning'], EXIT_CODES.map(([code, meaning]) => [String(code), meaning])))
  return `${parts.join('\n\n')}\n`
}

function nameOf(usage: string): string {
  return usage.split(' ')[0] as string
}

async function helpOf(name: string): Promise<string> {
  const help = await createProgram([name], COLUMNS).getHelp()
  return help.split('\n').map((line) => line.trimEnd()).join('\n')
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  return [head, head.map(() => '---'), ...rows].map((row) => `| ${row.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`).join('\n')
}
