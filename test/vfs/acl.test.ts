import { fc, test } from '@fast-check/vitest'
import { describe, expect, it } from 'vitest'
import { fromHex, toHex } from '../../src/lib/bytes.js'
import {
  ACL_TAG,
  type Acl,
  chmodAcl,
  encodeAcl,
  inheritAcl,
  isEquivalentToMode,
  modeFromAcl,
  NO_ID,
  parseAcl,
} from '../../src/vfs/acl.js'

// Recorded on ext4 (Linux 6.18, setfacl 2.3) with getxattr(2) after each step.
const NAMED = '0200000001000600ffffffff02000600e803000004000400ffffffff08000500d007000010000700ffffffff20000400ffffffff'
const NAMED_710 = '0200000001000700ffffffff02000600e803000004000400ffffffff08000500d007000010000100ffffffff20000000ffffffff'
const DEFAULT = '0200000001000700ffffffff02000700e803000004000500ffffffff10000700ffffffff20000000ffffffff'
const DEFAULT_SMALL = '0200000001000700ffffffff04000500ffffffff20000000ffffffff'

const CREATED = [
  [0o666, '0200000001000600ffffffff02000700e803000004000500ffffffff10000600ffffffff20000000ffffffff', 0o660],
  [0o600, '0200000001000600ffffffff02000700e803000004000500ffffffff10000000ffffffff20000000ffffffff', 0o600],
  [0o777, '0200000001000700ffffffff02000700e803000004000500ffffffff10000700ffffffff20000000ffffffff', 0o770],
  [0o2755, '0200000001000700ffffffff02000700e803000004000500ffffffff10000500ffffffff20000000ffffffff', 0o2750],
] as const

const REFUSED = [
  ['a short header', '02', 'EINVAL'],
  ['a cut entry', '0200000001', 'EINVAL'],
  ['another version', '0100000001000600ffffffff04000400ffffffff20000400ffffffff', 'EOPNOTSUPP'],
  ['no other', '0200000001000600ffffffff04000400ffffffff', 'EINVAL'],
  ['a wrong order', '0200000004000600ffffffff01000400ffffffff20000400ffffffff', 'EINVAL'],
  ['a name without a mask', '0200000001000600ffffffff020004000500000004000400ffffffff20000400ffffffff', 'EINVAL'],
  [
    'a name that is none',
    '0200000001000600ffffffff02000400ffffffff04000400ffffffff10000700ffffffff20000400ffffffff',
    'EINVAL',
  ],
  ['a fourth permission', '0200000001000800ffffffff04000400ffffffff20000400ffffffff', 'EINVAL'],
  ['an unknown tag', '0200000001000600ffffffff04000400ffffffff40000400ffffffff20000400ffffffff', 'EINVAL'],
] as const

function acl(hex: string): Acl {
  const parsed = parseAcl(fromHex(hex))
  if (parsed === undefined) throw new Error('no list')
  return parsed
}

function hexOf(list: Acl | undefined): string | undefined {
  return list && toHex(encodeAcl(list))
}

const permissions = fc.nat(7)
const named = (tag: 2 | 8) => fc.array(fc.record({ tag: fc.constant(tag), permissions, id: fc.nat(NO_ID - 1) }))
const anyAcl = fc
  .record({ user: permissions, users: named(2), group: permissions, groups: named(8), mask: permissions, other: permissions })
  .map(({ user, users, group, groups, mask, other }): Acl => {
    const plain = (tag: 1 | 4 | 16 | 32, bits: number) => ({ tag, permissions: bits, id: NO_ID })
    const masked = users.length + groups.length > 0 ? [plain(ACL_TAG.mask, mask)] : []
    return [plain(1, user), ...users, plain(4, group), ...groups, ...masked, plain(32, other)]
  })

describe('the binary form', () => {
  test.prop([anyAcl])('is undone by parsing', (list) => {
    expect(parseAcl(encodeAcl(list))).toEqual(list)
  })

  it.each(REFUSED)('is refused with %s', (_, hex, code) => {
    expect(() => parseAcl(fromHex(hex))).toThrow(code)
  })

  it('is no list when it has no entry', () => {
    expect(parseAcl(new Uint8Array())).toBeUndefined()
    expect(parseAcl(fromHex('02000000'))).toBeUndefined()
  })

  it('takes repeated names in any order, as the kernel does', () => {
    for (const ids of ['0500000002000400050000', '0900000002000400050000']) {
      const hex = `0200000001000600ffffffff02000400${ids}0004000400ffffffff10000700ffffffff20000400ffffffff`
      expect(hexOf(acl(hex))).toBe(hex)
    }
  })

  it('forgets ids where none belongs', () => {
    const odd = acl('020000000100060001000000040004000200000010000700030000002000040004000000')
    expect(hexOf(odd)).toBe('0200000001000600ffffffff04000400ffffffff10000700ffffffff20000400ffffffff')
    expect(modeFromAcl(odd, 0o104644)).toBe(0o104674)
    expect(isEquivalentToMode(odd)).toBe(false)
  })
})

describe('mode and list', () => {
  it('show each other as on ext4', () => {
    expect(modeFromAcl(acl(NAMED), 0o100644)).toBe(0o100674)
    expect(hexOf(chmodAcl(acl(NAMED), 0o104710))).toBe(NAMED_710)
    expect(modeFromAcl(acl(NAMED_710), 0o104777)).toBe(0o104710)
    expect(isEquivalentToMode(acl(DEFAULT_SMALL))).toBe(true)
    expect(isEquivalentToMode(acl(NAMED))).toBe(false)
  })

  test.prop([anyAcl, fc.nat(0o7777)])('agree after chmod', (list, mode) => {
    expect(modeFromAcl(chmodAcl(list, mode), mode)).toBe(mode)
  })
})

describe('a new inode', () => {
  it.each(CREATED)('of mode %o takes the default list, without the umask', (mode, list, seen) => {
    const file = inheritAcl(acl(DEFAULT), 0o100000 | mode, 0o077, false)
    expect([hexOf(file.accessAcl), file.mode, file.defaultAcl]).toEqual([list, 0o100000 | seen, undefined])
  })

  it('hands a folder the default list too', () => {
    const folder = inheritAcl(acl(DEFAULT), 0o040750, 0o077, true)
    expect(folder.mode).toBe(0o040750)
    expect(hexOf(folder.accessAcl)).toBe(CREATED[3][1])
    expect(hexOf(folder.defaultAcl)).toBe(DEFAULT)
  })

  it('needs no list that its mode says', () => {
    expect(inheritAcl(acl(DEFAULT_SMALL), 0o100666, 0o077, false)).toEqual({ mode: 0o100640 })
  })

  it('obeys the umask without a default list', () => {
    expect(inheritAcl(undefined, 0o106777, 0o027, true)).toEqual({ mode: 0o106750 })
  })
})
