/**
 * `doctor`: what this machine and user need to mount, and the command that helps where something is missing.
 * @packageDocumentation
 */
import { command } from './command.js'
import { diagnose, type Finding } from './doctor-checks.js'
import { EXIT_DOCTOR } from './exit-code.js'
import { jsonOption, storeOption } from './options.js'

export const doctorCommand = command({
  usage: 'doctor',
  summary: 'find out what keeps mounting from working here',
  about: ['Checks FUSE, the helpers, Node, the store folder and the disk. Each line says ok, or what is wrong and what helps. The exit code is 0 when mounting can work, else 30.'],
  positionals: {},
  options: { ...storeOption, ...jsonOption },
  examples: [['broch doctor', '']],
  async run(args) {
    const findings = await diagnose(args.store)
    if (findings.some(({ state }) => state === 'problem')) process.exitCode = EXIT_DOCTOR
    if (args.json) console.log(JSON.stringify({ version: 1, findings }, undefined, 2))
    else for (const finding of findings) console.log(describe(finding))
  },
})

function describe({ state, name, detail, fix }: Finding): string {
  return `${state.padEnd(8)} ${name}: ${detail}${fix === undefined ? '' : `\n         ${state === 'problem' ? 'to do' : 'if you need it'}: ${fix}`}`
}
