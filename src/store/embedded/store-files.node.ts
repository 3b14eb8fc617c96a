/**
 * The store's files by node:fs.
 * @packageDocumentation
 */
import { closeSync, fdatasync, fdatasyncSync, fsyncSync, ftruncateSync, openSync, readdirSync, readFileSync, readSync, renameSync, rmSync, statSync, writeFileSync, writevSync } from 'node:fs'
import { join } from 'node:path'
import { attempt } from './store-error.js'
import type { StoreFiles } from './store-files.js'

const FLAGS = { read: 'r', write: 'r+', create: 'wx+' } as const

export const nodeFiles: StoreFiles = {
  list: (folder) => readdirSync(folder),
  size: (path) => statSync(path).size,
  open: (path, mode) => openSync(path, FLAGS[mode], 0o600),
  close: (file) => {
    closeSync(file)
  },
  // small ones share a slab
  allocate: (length) => (length > 2048 ? Buffer.allocUnsafeSlow(length) : Buffer.allocUnsafe(length)),
  read(file, into, at) {
    let got = readSync(file, into, 0, into.length, at)
    while (got < into.length) {
      const more = readSync(file, into, got, into.length - got, at + got)
      if (more === 0) break
      got += more
    }
    return got
  },
  write: (file, buffers, at) => writevSync(file, buffers, at),
  truncate(file, length) {
    ftruncateSync(file, length)
    fsyncSync(file)
  },
  sync: (file) =>
    new Promise((resolve, reject) => {
      fdatasync(file, (error) => {
        if (error === null) resolve()
        else reject(error)
      })
    }),
  syncNow: (file) => {
    fdatasyncSync(file)
  },
  readWhole: (path) => new Uint8Array(readFileSync(path)),
  writeWhole: (path, bytes) => {
    writeFileSync(path, bytes, { mode: 0o600 })
  },
  remove: (path) => {
    rmSync(path, { force: true })
  },
  syncFolder(folder) {
    const fd = openSync(folder, 'r')
    try {
      fsyncSync(fd)
    } finally {
      closeSync(fd)
    }
  },
}

/** In one step: the old content or the new one is there, whatever happens. */
export function writeDurably(folder: string, name: string, bytes: Uint8Array): void {
  attempt(`write ${name}`, () => {
    writeFileSync(join(folder, `${name}.new`), bytes, { mode: 0o600, flush: true })
    renameSync(join(folder, `${name}.new`), join(folder, name))
    nodeFiles.syncFolder(folder)
  })
}
