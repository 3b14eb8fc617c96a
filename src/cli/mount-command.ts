/**
 * A mount in the foreground: from pass phrase to a clean end.
 * @packageDocumentation
 */
import { openSpace } from '../app/embedded-space.node.js'
import { mountFilesystem } from '../fuse/mount.node.js'

export interface MountArguments {
  readonly store: string
  readonly dir: string
  readonly passphrase: Uint8Array
  readonly nonEmpty: boolean
  readonly flags: readonly string[]
}

/** Resolves when the mount is gone and everything is in the store. */
export async function mountInForeground(args: MountArguments): Promise<void> {
  const space = await openSpace(args.store, args.passphrase)
  try {
    const { flags, nonEmpty } = args
    const mounted = await mountFilesystem(space.fs, args.dir, { flags, nonEmpty, onFault: report })
    console.log(`Your space is at ${mounted.dir}. What is sealed lies in ${args.store}.`)
    console.log(`To stop: press Ctrl-C here, or run: umount ${mounted.dir}`)
    const stop = (): void => {
      mounted.unmount().catch((error: unknown) => {
        console.error(`Still in use, so not unmounted: ${error instanceof Error ? error.message : String(error)}. Close what is open there and try again.`)
      })
    }
    process.on('SIGINT', stop)
    process.on('SIGTERM', stop)
    await mounted.done
  } finally {
    await space.close()
  }
  console.log('Unmounted. Everything is in the store.')
}

/** No names, no contents: the code and what was attempted. */
function report(error: unknown): void {
  console.error(`broch: ${error instanceof Error ? error.message : 'a request failed'}`)
}
