/**
 * System calls that Node has no name for, through libc.
 * @packageDocumentation
 */
import koffi from 'koffi'

const libc = koffi.load('libc.so.6')
const calls = {
  renameat2: libc.func('int renameat2(int, const char *, int, const char *, unsigned int)'),
  lsetxattr: libc.func('int lsetxattr(const char *, const char *, const void *, size_t, int)'),
  lgetxattr: libc.func('int64_t lgetxattr(const char *, const char *, _Out_ void *, size_t)'),
  llistxattr: libc.func('int64_t llistxattr(const char *, _Out_ void *, size_t)'),
  lremovexattr: libc.func('int lremovexattr(const char *, const char *)'),
  fallocate: libc.func('int fallocate(int, int, int64_t, int64_t)'),
  mknod: libc.func('int mknod(const char *, unsigned int, uint64_t)'),
  copyFileRange: libc.func('int64_t copy_file_range(int, _Inout_ int64_t *, int, _Inout_ int64_t *, size_t, unsigned int)'),
}

const AT_FDCWD = -100
const NAMES = new Map(Object.entries(koffi.os.errno).map(([name, number]) => [number, name]))

/** Fails as Node's own calls do: an error with a `code`. */
function checked(name: string, result: unknown): number {
  if (Number(result) >= 0) return Number(result) // 64 bits come as number or bigint
  const code = NAMES.get(koffi.errno()) ?? String(koffi.errno())
  throw Object.assign(new Error(`${code}: ${name}`), { code })
}

export function renameat2(from: string, to: string, flags: number): void {
  checked('renameat2', calls.renameat2(AT_FDCWD, from, AT_FDCWD, to, flags))
}

export function setxattr(path: string, name: string, value: Uint8Array, flags = 0): void {
  checked('lsetxattr', calls.lsetxattr(path, name, value, value.length, flags))
}

export function getxattr(path: string, name: string): Buffer {
  const value = Buffer.alloc(65_536)
  return value.subarray(0, checked('lgetxattr', calls.lgetxattr(path, name, value, value.length)))
}

export function listxattr(path: string): string[] {
  const names = Buffer.alloc(65_536)
  const length = checked('llistxattr', calls.llistxattr(path, names, names.length))
  return names.toString('latin1', 0, length).split('\0').filter((name) => name !== '').sort()
}

export function removexattr(path: string, name: string): void {
  checked('lremovexattr', calls.lremovexattr(path, name))
}

export function fallocate(fd: number, mode: number, offset: number, length: number): void {
  checked('fallocate', calls.fallocate(fd, mode, offset, length))
}

export function mknod(path: string, mode: number, device: number): void {
  checked('mknod', calls.mknod(path, mode, device))
}

export function copyFileRange(from: number, fromOffset: number, to: number, toOffset: number, length: number): number {
  return checked('copy_file_range', calls.copyFileRange(from, [fromOffset], to, [toOffset], length, 0))
}
