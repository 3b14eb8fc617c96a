/**
 * The words after `-o`, as users of mount(8), fstab(5) and mount.fuse(8) know them. Text: docs/mount-options.md
 *
 * One table says of each what it does. Nothing is handed on that is not in it.
 * @packageDocumentation
 */
import { BrochError } from '../lib/error.js'

export type Atime = 'relatime' | 'noatime' | 'strictatime'

/** What stat(2) shows instead of what is stored. */
export interface ShownOwner {
  readonly uid?: number
  readonly gid?: number
  readonly umask?: number
  /** The root directory is closed to all but root and this user (`allow_root`). */
  readonly closedFor?: { readonly uid: number; readonly gid: number }
}

export interface MountOptions {
  /** Nothing may be changed: for the vfs too, not only the kernel. */
  readonly readOnly: boolean
  readonly atime: Atime
  /** Reading a directory leaves its atime alone. */
  readonly noDirAtime: boolean
  /** Changes of directories are durable when they return (`sync`, `dirsync`). */
  readonly dirSync: boolean
  readonly shown: ShownOwner
  readonly allowRoot: boolean
  /** Words for mount(2), opposites resolved: `nosuid`, `allow_other`, `max_read=65536` ... */
  readonly kernel: readonly string[]
  readonly fsname: string
  /** The type shown is `fuse.SUBTYPE`. */
  readonly subtype: string
  /** Mount over a directory that has entries. */
  readonly nonEmpty: boolean
  /** The mount goes when its process dies, however it dies. */
  readonly autoUnmount: boolean
  /** Where the pass phrase lies. */
  readonly passfile?: string
}

type Draft = { -readonly [K in keyof MountOptions]: MountOptions[K] } & { readonly words: Map<string, string> }
type Rule = (draft: Draft, word: string) => void

interface Option {
  readonly apply: Rule
  /** With a value: how it must look. */
  readonly value?: RegExp
  readonly wants?: string
}

const NUMBER = /^\d{1,10}$/
const MAX_ID = 2 ** 32 - 2
const MIN_READ = 4096

const ignored: Option = { apply: () => undefined }

/** A word for the kernel; of one group the last one given counts. */
function word(group: string, also?: Rule): Option {
  return {
    apply: (draft, text) => {
      draft.words.set(group, text)
      also?.(draft, text)
    },
  }
}

function valued(value: RegExp, wants: string, apply: Rule): Option {
  return { value, wants, apply }
}

function id(set: (draft: Draft, id: number) => void): Option {
  return valued(NUMBER, `a number up to ${MAX_ID}`, (draft, text) => {
    if (Number(text) > MAX_ID) throw new RangeError()
    set(draft, Number(text))
  })
}

const setAtime: Rule = (draft, text) => {
  draft.atime = text === 'noatime' || text === 'strictatime' ? text : 'relatime'
}

const TABLE = new Map<string, Option>([
  ['ro', word('write', (draft) => (draft.readOnly = true))],
  ['rw', word('write', (draft) => (draft.readOnly = false))],
  ['suid', word('suid')], ['nosuid', word('suid')],
  ['dev', word('dev')], ['nodev', word('dev')],
  ['exec', word('exec')], ['noexec', word('exec')],
  ['relatime', word('atime', setAtime)], ['noatime', word('atime', setAtime)], ['strictatime', word('atime', setAtime)],
  ['atime', { apply: (draft) => (draft.words.delete('atime'), (draft.atime = 'relatime')) }],
  ['diratime', { apply: (draft) => (draft.words.delete('diratime'), (draft.noDirAtime = false)) }],
  ['nodiratime', word('diratime', (draft) => (draft.noDirAtime = true))],
  ['sync', word('sync', (draft) => (draft.dirSync = true))],
  ['async', { apply: (draft) => (draft.words.delete('sync'), (draft.dirSync = draft.words.has('dirsync'))) }],
  ['dirsync', word('dirsync', (draft) => (draft.dirSync = true))],
  ['allow_other', word('allow', (draft) => (draft.allowRoot = false))],
  ['allow_root', { apply: (draft) => (draft.words.set('allow', 'allow_other'), (draft.allowRoot = true)) }],
  ['max_read', valued(NUMBER, `a number of bytes, at least ${MIN_READ}`, (draft, text) => {
    if (Number(text) < MIN_READ) throw new RangeError()
    draft.words.set('max_read', `max_read=${Number(text)}`)
  })],
  ['uid', id((draft, uid) => (draft.shown = { ...draft.shown, uid }))],
  ['gid', id((draft, gid) => (draft.shown = { ...draft.shown, gid }))],
  ['umask', valued(/^0?[0-7]{1,3}$/, 'an octal number up to 777', (draft, text) => (draft.shown = { ...draft.shown, umask: Number.parseInt(text, 8) }))],
  ['fsname', valued(/^[^\0-\x1f\x7f]+$/, 'a name', (draft, text) => (draft.fsname = text))],
  ['subtype', valued(/^[\w.+-]+$/, 'a name of letters, digits and ._+-', (draft, text) => (draft.subtype = text))],
  ['passfile', valued(/^[^\0]+$/, 'a path', (draft, text) => (draft.passfile = text))],
  ['nonempty', { apply: (draft) => (draft.nonEmpty = true) }],
  ['auto_unmount', { apply: (draft) => (draft.autoUnmount = true) }],
  // what the kernel is always asked for, and what fstab(5) says to others
  ...['default_permissions', 'defaults', 'auto', 'noauto', 'nouser', 'users', 'owner', 'group', 'nofail', '_netdev'].map((name) => [name, ignored] as const),
  ['comment', valued(/^/, 'a text', () => undefined)],
])

/**
 * Reads what was given after `-o`.
 *
 * @param text - words separated by commas (`\,` is a comma inside a value); empty for the defaults: read and write, relatime,
 * closed to other users, owners and modes as stored. A word given twice, or its opposite: the last one counts.
 * @returns what each part of the program needs to know: `readOnly`, `atime` and `noDirAtime` go to the vfs when the space is opened,
 * `passfile` to whoever asks for the pass phrase, the whole to `mountFilesystem`.
 * @throws BrochError INVALID, naming the option that is unknown or has a wrong value
 */
export function parseMountOptions(text: string): MountOptions {
  const draft: Draft = {
    readOnly: false, atime: 'relatime', noDirAtime: false, dirSync: false, shown: {}, allowRoot: false, kernel: [], fsname: 'broch', subtype: 'broch',
    nonEmpty: false, autoUnmount: false, words: new Map(),
  }
  for (const part of text.split(/(?<!\\),/)) if (part.trim() !== '') applyOption(draft, part.trim().replaceAll('\\,', ','))
  const { words, ...options } = draft
  return { ...options, kernel: [...words.values()] }
}

function applyOption(draft: Draft, text: string): void {
  const [name, value] = splitOnce(text)
  if (/^x-/i.test(name) || FOR_MOUNT.has(name)) return
  const option = TABLE.get(name)
  if (option === undefined) throw new BrochError('INVALID', `unknown mount option ${JSON.stringify(name)} (docs/mount-options.md lists them)`)
  if (option.value === undefined && value !== undefined) throw new BrochError('INVALID', `the mount option ${name} takes no value`)
  const refused = `the mount option ${name} wants ${option.wants ?? ''}: ${name}=...`
  if (option.value?.test(value ?? '') === false || (option.value !== undefined && value === undefined)) throw new BrochError('INVALID', refused)
  try {
    option.apply(draft, value ?? name)
  } catch {
    throw new BrochError('INVALID', refused)
  }
}

/** mount(8) tells its helpers, with or without a value, on whose behalf they run. */
const FOR_MOUNT = new Set(['user', 'helper', 'uhelper'])

function splitOnce(text: string): [string, string?] {
  const at = text.indexOf('=')
  return at < 0 ? [text] : [text.slice(0, at), text.slice(at + 1)]
}
