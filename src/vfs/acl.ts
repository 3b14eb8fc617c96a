/**
 * POSIX access control lists, as `system.posix_acl_access` and `system.posix_acl_default` carry them.
 *
 * The rules are the kernel's (fs/posix_acl.c): which lists are valid, how a list and a mode follow each other,
 * what a new inode takes from its directory's default list.
 * @packageDocumentation
 */
import { errno } from './errno.js'

export const ACL_ACCESS = 'system.posix_acl_access'
export const ACL_DEFAULT = 'system.posix_acl_default'

/** Entry tags; a valid list has them in this order. */
export const ACL_TAG = { userObj: 0x01, user: 0x02, groupObj: 0x04, group: 0x08, mask: 0x10, other: 0x20 } as const
export type AclTag = (typeof ACL_TAG)[keyof typeof ACL_TAG]

export interface AclEntry {
  readonly tag: AclTag
  readonly permissions: number // rwx, 0 to 7
  /** uid or gid of a named entry; NO_ID for the others. */
  readonly id: number
}

/** Valid: only {@link parseAcl} and the functions here make one. */
export type Acl = readonly AclEntry[]

export const NO_ID = 0xffffffff
const VERSION = 2
const HEADER_BYTES = 4
const ENTRY_BYTES = 8

/**
 * The list in an attribute's value; undefined for an empty one, which means there is to be none.
 *
 * @throws Errno EOPNOTSUPP for another version, EINVAL for what is no valid list.
 */
export function parseAcl(value: Uint8Array): Acl | undefined {
  if (value.length === 0) return undefined
  if (value.length < HEADER_BYTES) throw errno('EINVAL')
  const view = new DataView(value.buffer, value.byteOffset, value.length)
  if (view.getUint32(0, true) !== VERSION) throw errno('EOPNOTSUPP')
  if ((value.length - HEADER_BYTES) % ENTRY_BYTES !== 0) throw errno('EINVAL')
  const entries: AclEntry[] = []
  for (let at = HEADER_BYTES; at < value.length; at += ENTRY_BYTES) entries.push(parseEntry(view, at))
  if (entries.length === 0) return undefined
  if (!isValid(entries)) throw errno('EINVAL')
  return entries
}

function parseEntry(view: DataView, at: number): AclEntry {
  const tag = view.getUint16(at, true)
  const permissions = view.getUint16(at + 2, true)
  const id = view.getUint32(at + 4, true)
  if (!isTag(tag) || permissions > 7) throw errno('EINVAL')
  const named = tag === ACL_TAG.user || tag === ACL_TAG.group
  if (named && id === NO_ID) throw errno('EINVAL')
  return { tag, permissions, id: named ? id : NO_ID }
}

function isTag(tag: number): tag is AclTag {
  return Object.values<number>(ACL_TAG).includes(tag)
}

/** One letter an entry; the kernel checks neither the order of ids nor that each is named once. */
const LETTER: Readonly<Record<AclTag, string>> = { 1: 'U', 2: 'u', 4: 'G', 8: 'g', 16: 'M', 32: 'O' }
const VALID = /^U(?:u*Gg*MO|GO)$/

function isValid(entries: Acl): boolean {
  return VALID.test(entries.map(({ tag }) => LETTER[tag]).join(''))
}

/** Inverse of {@link parseAcl}. */
export function encodeAcl(acl: Acl): Uint8Array {
  const value = new Uint8Array(HEADER_BYTES + acl.length * ENTRY_BYTES)
  const view = new DataView(value.buffer)
  view.setUint32(0, VERSION, true)
  for (const [i, { tag, permissions, id }] of acl.entries()) {
    const at = HEADER_BYTES + i * ENTRY_BYTES
    view.setUint16(at, tag, true)
    view.setUint16(at + 2, permissions, true)
    view.setUint32(at + 4, id, true)
  }
  return value
}

/** True when the mode's nine bits say all that the list says, so that the list need not be kept. */
export function isEquivalentToMode(acl: Acl): boolean {
  return acl.length === 3
}

/** `mode` with the permission bits that the list shows as: the group bits are the mask, when there is one. */
export function modeFromAcl(acl: Acl, mode: number): number {
  const group = permissionsOf(acl, ACL_TAG.mask) ?? permissionsOf(acl, ACL_TAG.groupObj) ?? 0
  const user = permissionsOf(acl, ACL_TAG.userObj) ?? 0
  const other = permissionsOf(acl, ACL_TAG.other) ?? 0
  return (mode & ~0o777) | (user << 6) | (group << 3) | other
}

function permissionsOf(acl: Acl, tag: AclTag): number | undefined {
  return acl.find((entry) => entry.tag === tag)?.permissions
}

/** The list after chmod(2): owner, other, and the mask, or the owning group when there is no mask. */
export function chmodAcl(acl: Acl, mode: number): Acl {
  return acl.map((entry) => ({ ...entry, permissions: bitsFor(acl, entry, mode) ?? entry.permissions }))
}

/** The three bits of a mode that stand for an entry; undefined when none do. */
function bitsFor(acl: Acl, entry: AclEntry, mode: number): number | undefined {
  if (entry.tag === ACL_TAG.userObj) return (mode >> 6) & 7
  if (entry.tag === ACL_TAG.other) return mode & 7
  const groupTag = acl.some(({ tag }) => tag === ACL_TAG.mask) ? ACL_TAG.mask : ACL_TAG.groupObj
  return entry.tag === groupTag ? (mode >> 3) & 7 : undefined
}

export interface Inherited {
  /** With the bits that the umask, or the default list, leaves. */
  readonly mode: number
  readonly accessAcl?: Acl
  readonly defaultAcl?: Acl
}

/** What a new inode (not a symlink) gets from its directory. With a default list the umask has no say. */
export function inheritAcl(defaultAcl: Acl | undefined, mode: number, umask: number, isDirectory: boolean): Inherited {
  if (defaultAcl === undefined) return { mode: mode & ~(umask & 0o777) }
  const accessAcl = defaultAcl.map((entry) => ({
    ...entry,
    permissions: entry.permissions & (bitsFor(defaultAcl, entry, mode) ?? 7),
  }))
  return {
    mode: modeFromAcl(accessAcl, mode),
    ...(isEquivalentToMode(accessAcl) ? {} : { accessAcl }),
    ...(isDirectory ? { defaultAcl } : {}),
  }
}
