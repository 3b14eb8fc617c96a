import { fc, test as property } from '@fast-check/vitest'
import { describe, expect, test } from 'vitest'
import { parseMountOptions } from '../../src/fuse/mount-options.js'
import { isBrochError } from '../../src/lib/error.js'

describe('mount options', () => {
  test('without any: read and write, relatime, nothing handed to the kernel', () => {
    expect(parseMountOptions('')).toEqual({
      readOnly: false, atime: 'relatime', noDirAtime: false, dirSync: false, shown: {}, allowRoot: false, kernel: [], fsname: 'broch',
      subtype: 'broch', nonEmpty: false, autoUnmount: false,
    })
  })

  test('the last of two opposites counts', () => {
    const { readOnly, atime, kernel, dirSync } = parseMountOptions('ro,nosuid,noatime,sync,rw,suid,strictatime,async')
    expect({ readOnly, atime, dirSync }).toEqual({ readOnly: false, atime: 'strictatime', dirSync: false })
    expect([...kernel].sort()).toEqual(['rw', 'strictatime', 'suid'])
  })

  test('values: owners, umask in octal, names, a path, bytes', () => {
    const options = parseMountOptions('uid=1000,gid=0,umask=027,fsname=a\\,b,subtype=x.y,passfile=/etc/p,max_read=65536')
    expect(options.shown).toEqual({ uid: 1000, gid: 0, umask: 0o27 })
    expect(options).toMatchObject({ fsname: 'a,b', subtype: 'x.y', passfile: '/etc/p', kernel: ['max_read=65536'] })
  })

  test('allow_root is allow_other to the kernel, and the later of the two counts', () => {
    expect(parseMountOptions('allow_root')).toMatchObject({ allowRoot: true, kernel: ['allow_other'] })
    expect(parseMountOptions('allow_root,allow_other')).toMatchObject({ allowRoot: false, kernel: ['allow_other'] })
  })

  test('what fstab says to others is passed over', () => {
    expect(parseMountOptions('defaults,noauto,user,user=me,nofail,_netdev,x-systemd.automount,X-a=b,comment=c,default_permissions, ,')).toEqual(parseMountOptions(''))
  })

  test.each([
    ['nosuchthing', 'nosuchthing'], ['ro=1', 'ro'], ['uid', 'uid'], ['uid=root', 'uid'], ['uid=4294967295', 'uid'], ['umask=8', 'umask'], ['umask=1777', 'umask'],
    ['max_read=1', 'max_read'], ['subtype=a b', 'subtype'], ['fsname=', 'fsname'], ['fd=3', 'fd'], ['rootmode=40000', 'rootmode'], ['user_id=0', 'user_id'],
    ['__proto__', '__proto__'], ['RO', 'RO'],
  ])('%s is refused by its name', (text, name) => {
    expect(() => parseMountOptions(text)).toThrow(expect.objectContaining({ code: 'INVALID', message: expect.stringContaining(name) as string }))
  })

  property.prop([fc.string()])('any text gives options or INVALID', (text) => {
    try {
      const { kernel } = parseMountOptions(text)
      expect(kernel.every((word) => /^[a-z_]+(=\d+)?$/.test(word))).toBe(true)
    } catch (error) {
      expect(isBrochError(error, 'INVALID')).toBe(true)
    }
  })
})
