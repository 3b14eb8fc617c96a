/**
 * setattr and extended attributes.
 * @packageDocumentation
 */
import { fromBinaryString, toBinaryString } from '../lib/bytes.js'
import type { TimeStamp } from '../cryptree/properties.js'
import { ACL_ACCESS, ACL_DEFAULT, chmodAcl, encodeAcl, isEquivalentToMode, modeFromAcl, parseAcl } from './acl.js'
import { errno } from './errno.js'
import { type AttrChange, type TimeChange, XATTR_CREATE, XATTR_REPLACE } from './filesystem.js'
import type { Inode } from './inode.js'
import { setAttribute } from './namespace.js'
import type { FsState } from './state.js'

const S_ISUID = 0o4000
const S_ISGID = 0o2000
const S_IXGRP = 0o010
const CAPABILITY = 'security.capability'
const NAME_MAX = 255
const VALUE_MAX = 65_536
/** All attributes of an inode together: they lie in its node. */
export const TOTAL_MAX = 262_144

/** What a write or chown by an ordinary user takes from a program: setuid, setgid, capabilities. */
export function dropPrivileges(inode: Inode): void {
  if (inode.isDirectory) return
  inode.mode &= ~S_ISUID
  if ((inode.mode & S_IXGRP) !== 0) inode.mode &= ~S_ISGID
  inode.xattrs?.delete(CAPABILITY)
}

/** Everything of a change but the size. */
export function changeAttributes(fs: FsState, inode: Inode, change: AttrChange): void {
  fs.checkWritable(inode)
  if (change.uid !== undefined || change.gid !== undefined) {
    inode.uid = change.uid ?? inode.uid
    inode.gid = change.gid ?? inode.gid
    dropPrivileges(inode)
  }
  if (change.killPriv === true) dropPrivileges(inode)
  if (change.mode !== undefined) chmod(inode, change.mode & 0o7777)
  fs.touchChanged(inode)
  inode.atime = timeOf(fs, change.atime) ?? inode.atime
  inode.mtime = timeOf(fs, change.mtime) ?? inode.mtime
  inode.ctime = change.ctime ?? inode.ctime
}

function timeOf(fs: FsState, change: TimeChange | undefined): TimeStamp | undefined {
  return change === 'now' ? fs.now() : change
}

function chmod(inode: Inode, mode: number): void {
  inode.mode = mode
  const value = inode.xattrs?.get(ACL_ACCESS)
  const acl = value === undefined ? undefined : parseAcl(value)
  if (acl !== undefined) setAttribute(inode, ACL_ACCESS, encodeAcl(chmodAcl(acl, mode)))
}

export function getAttribute(inode: Inode, name: Uint8Array): Uint8Array {
  const value = inode.xattrs?.get(attributeName(name))
  if (value === undefined) throw errno('ENODATA')
  return value
}

export function listAttributes(inode: Inode): Uint8Array[] {
  return [...(inode.xattrs?.keys() ?? [])].map(fromBinaryString)
}

/** @throws Errno EEXIST, ENODATA (flags), E2BIG, ENOSPC, EOPNOTSUPP */
export function changeAttribute(fs: FsState, inode: Inode, bytes: Uint8Array, value: Uint8Array, flags: number, killSgid: boolean): void {
  const name = attributeName(bytes)
  fs.checkWritable(inode)
  const known = inode.xattrs?.has(name) === true
  if (known && (flags & XATTR_CREATE) !== 0) throw errno('EEXIST')
  if (!known && (flags & XATTR_REPLACE) !== 0) throw errno('ENODATA')
  if (value.length > VALUE_MAX) throw errno('E2BIG')
  if (totalBytes(inode) + name.length + value.length > TOTAL_MAX) throw errno('ENOSPC')
  if (name === ACL_ACCESS || name === ACL_DEFAULT) setAcl(inode, name, value, killSgid)
  else setAttribute(inode, name, new Uint8Array(value))
  fs.touchChanged(inode)
}

function setAcl(inode: Inode, name: string, value: Uint8Array, killSgid: boolean): void {
  const acl = parseAcl(value)
  if (name === ACL_DEFAULT && !inode.isDirectory) throw errno('EACCES')
  if (name === ACL_ACCESS && acl !== undefined) inode.mode = modeFromAcl(acl, inode.mode)
  if (name === ACL_ACCESS && killSgid) inode.mode &= ~S_ISGID
  if (acl === undefined || (name === ACL_ACCESS && isEquivalentToMode(acl))) inode.xattrs?.delete(name)
  else setAttribute(inode, name, encodeAcl(acl))
}

/** @throws Errno ENODATA */
export function removeAttribute(fs: FsState, inode: Inode, bytes: Uint8Array): void {
  const name = attributeName(bytes)
  fs.checkWritable(inode)
  if (inode.xattrs?.delete(name) !== true) throw errno('ENODATA')
  if (inode.xattrs.size === 0) inode.xattrs = undefined
  fs.touchChanged(inode)
}

const NAMESPACES = ['user.', 'trusted.', 'security.']

function attributeName(bytes: Uint8Array): string {
  if (bytes.length > NAME_MAX) throw errno('ERANGE')
  const name = toBinaryString(bytes)
  if (name === ACL_ACCESS || name === ACL_DEFAULT) return name
  if (!NAMESPACES.some((space) => name.startsWith(space) && name.length > space.length)) throw errno('EOPNOTSUPP')
  return name
}

function totalBytes(inode: Inode): number {
  let total = 0
  for (const [name, value] of inode.xattrs ?? []) total += name.length + value.length
  return total
}
