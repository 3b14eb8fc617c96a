/**
 * `uid=`, `gid=`, `umask=` and `allow_root`: other owners and modes are shown than are stored, and by those the kernel decides who
 * may do what. What is stored stays; chmod and chown change it, unseen. As in libfuse's own filesystems.
 * @packageDocumentation
 */
import type { Awaitable } from '../lib/brand.js'
import { errno } from '../vfs/errno.js'
import { type Attr, type Entry, type Filesystem, type NodeId, ROOT_ID } from '../vfs/filesystem.js'
import type { ShownOwner } from './mount-options.js'

const TYPE_BITS = 0o170000
const ACLS = ['system.posix_acl_access', 'system.posix_acl_default']

/** The same filesystem with owners and modes as `shown` says; itself when that says nothing. */
export function withShownOwner(fs: Filesystem, shown: ShownOwner): Filesystem {
  if (Object.keys(shown).length === 0) return fs
  const look = (id: NodeId, attr: Attr): Attr => show(shown, id, attr)
  const entry = (found: Entry): Entry => ({ id: found.id, attr: look(found.id, found.attr) })
  const changed: Partial<Filesystem> = {
    lookup: (...args) => then(fs.lookup(...args), entry),
    getattr: (id) => then(fs.getattr(id), (attr) => look(id, attr)),
    setattr: (caller, id, change) => then(fs.setattr(caller, id, change), (attr) => look(id, attr)),
    create: (...args) => then(fs.create(...args), entry),
    tmpfile: (...args) => then(fs.tmpfile(...args), entry),
    mknod: (...args) => then(fs.mknod(...args), entry),
    mkdir: (...args) => then(fs.mkdir(...args), entry),
    symlink: (...args) => then(fs.symlink(...args), entry),
    link: (...args) => then(fs.link(...args), entry),
    readdirplus: (id, cookie, sink) => fs.readdirplus(id, cookie, (item, found) => sink(item, found && entry(found))),
    ...(shown.umask === undefined ? {} : withoutAcls(fs)),
  }
  return overlaid(fs, changed)
}

function show({ uid, gid, umask, closedFor }: ShownOwner, id: NodeId, attr: Attr): Attr {
  const mode = umask === undefined ? attr.mode : (attr.mode & TYPE_BITS) | (0o777 & ~umask)
  if (id === ROOT_ID && closedFor !== undefined) return { ...attr, mode: mode & ~0o077, uid: closedFor.uid, gid: closedFor.gid }
  return { ...attr, mode, uid: uid ?? attr.uid, gid: gid ?? attr.gid }
}

/** Modes are made up: access control lists would speak against them. */
function withoutAcls(fs: Filesystem): Partial<Filesystem> {
  const isAcl = (name: Uint8Array): boolean => ACLS.includes(new TextDecoder().decode(name))
  return {
    getxattr: (id, name) => {
      if (isAcl(name)) throw errno('ENODATA')
      return fs.getxattr(id, name)
    },
    listxattr: (id) => then(fs.listxattr(id), (names) => names.filter((name) => !isAcl(name))),
    setxattr: (caller, id, name, ...rest) => {
      if (isAcl(name)) throw errno('EOPNOTSUPP')
      return fs.setxattr(caller, id, name, ...rest)
    },
  }
}

function then<T, R>(value: Awaitable<T>, make: (value: T) => R): Awaitable<R> {
  return value instanceof Promise ? value.then(make) : make(value)
}

/** `fs` with some operations replaced. */
export function overlaid(fs: Filesystem, changed: Partial<Filesystem>): Filesystem {
  return new Proxy(fs, {
    get(target, name) {
      const own: unknown = Reflect.get(changed, name)
      if (own !== undefined) return own
      const value: unknown = Reflect.get(target, name)
      return typeof value === 'function' ? (value as () => unknown).bind(target) : value
    },
  })
}
