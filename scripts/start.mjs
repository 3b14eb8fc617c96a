/** `npm start [-- DIR]`: sets up what is missing, then mounts the space in the foreground. */
import { spawn } from 'node:child_process'
import { join } from 'node:path'
import { root, setUp } from './setup.mjs'

setUp()
const child = spawn(process.execPath, [join(root, 'bin', 'broch'), 'start', ...process.argv.slice(2)], { stdio: 'inherit' })
// a terminal sends SIGINT to both: the child ends cleanly, and this waits for it
process.on('SIGINT', () => undefined)
process.on('SIGTERM', () => child.kill('SIGTERM'))
child.on('exit', (code, signal) => process.exit(code ?? (signal === null ? 1 : 130)))
