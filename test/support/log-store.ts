import { sodiumCrypto as crypto } from '../../src/crypto/sodium.node.js'
import { LogStore } from '../../src/store/embedded/log-store.js'
import { OpenFiles } from '../../src/store/embedded/open-files.js'
import { Reserve } from '../../src/store/embedded/reserve.js'
import type { SimulatedDisk } from './simulated-disk.js'

export interface TestLogOptions {
  readonly segmentBytes?: number
  readonly reserveBytes?: number
  readonly openFiles?: number
  readonly readOnly?: boolean
}

/** A store on a simulated disk. */
export function openLogStore(files: SimulatedDisk, options: TestLogOptions = {}): LogStore {
  const { segmentBytes = 16_384, reserveBytes = 0, openFiles = 4, readOnly = false } = options
  return new LogStore({
    crypto,
    files,
    open: new OpenFiles(files, readOnly ? 'read' : 'write', openFiles),
    reserve: new Reserve(files, '/store/reserve', reserveBytes, (length) => new Uint8Array(length).fill(1)),
    folder: '/store',
    readOnly,
    segmentBytes,
    room: async () => ({ freeBytes: files.capacity - files.bytes(), totalBytes: files.capacity }),
  })
}
