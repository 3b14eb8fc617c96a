/**
 * The few things the log asks of a file system, so that tests can stop it anywhere.
 * @packageDocumentation
 */

/** An open file; what it is inside is its maker's affair. */
export type FileHandle = number

/** Paths are whole. Every function throws what node:fs throws. */
export interface StoreFiles {
  /** Names in a folder, in any order. */
  list(folder: string): string[]
  size(path: string): number
  /** `create`: must not be there yet. */
  open(path: string, mode: 'read' | 'write' | 'create'): FileHandle
  close(file: FileHandle): void
  /** A buffer to read into, with anything in it. */
  allocate(length: number): Uint8Array
  /** Bytes read; fewer than asked only at the end of the file. */
  read(file: FileHandle, into: Uint8Array, at: number): number
  /** Bytes written; may be fewer than given. */
  write(file: FileHandle, buffers: readonly Uint8Array[], at: number): number
  /** Durable when it returns, with all that was written to the file before. */
  truncate(file: FileHandle, length: number): void
  sync(file: FileHandle): Promise<void>
  syncNow(file: FileHandle): void
  readWhole(path: string): Uint8Array
  /** Makes or replaces a file; what a crash leaves of it is anything. */
  writeWhole(path: string, bytes: Uint8Array): void
  /** No error when it is not there. */
  remove(path: string): void
  /** Makes files that came and went durable. */
  syncFolder(folder: string): void
}
