/** `npm start [-- DIR]`: sets up what is missing, then mounts the space in the foreground. */
import { setUp } from './setup.mjs'

setUp()
process.argv.splice(2, 0, 'start')
await import('../dist/cli/main.js')
