import { afterAll, beforeAll, describe, test } from 'vitest'
import { MountedSpace } from '../support/mounted-space.js'
import { python, whyNoPython } from '../support/python.js'

const reason = whyNoPython()
if (reason !== undefined) console.log(`skipped: attributes on a mount: ${reason}`)

describe.skipIf(reason !== undefined)('attributes on a mount', () => {
  const space = new MountedSpace(['allow_other'])
  beforeAll(() => space.mount())
  afterAll(() => space.dispose())
  const calls = (script: string) => python(space.dir, script)
  const remount = async () => {
    await space.stop()
    await space.mount()
  }

  test('extended attributes: sizes from 0 to 64 KiB, flags, and too small buffers', async () => {
    await calls(`
      fresh('sizes'); put('f')
      for size in (0, 1, 255, 4096, 65535, 65536):
          os.setxattr('f', 'user.v', bytes([size % 251]) * size); assert os.getxattr('f', 'user.v') == bytes([size % 251]) * size, size
      fails('E2BIG', os.setxattr, 'f', 'user.v', bytes(65537))
      fails('EEXIST', os.setxattr, 'f', 'user.v', b'x', os.XATTR_CREATE); fails('ENODATA', os.setxattr, 'f', 'user.w', b'x', os.XATTR_REPLACE)
      fails('ENODATA', os.getxattr, 'f', 'user.w'); fails('ENODATA', os.removexattr, 'f', 'user.w')
      os.setxattr('f', 'user.v', b'12345'); os.setxattr('f', 'user.' + 'n' * 250, b''); fails('ERANGE', os.setxattr, 'f', 'user.' + 'n' * 251, b'')
      def short(call, *args):
          buffer = ctypes.create_string_buffer(4)
          checked(call(*args, buffer, 4), 'short')
      assert libc.getxattr(b'f', b'user.v', None, 0) == 5; assert libc.listxattr(b'f', None, 0) == 7 + 256
      fails('ERANGE', short, libc.getxattr, b'f', b'user.v'); fails('ERANGE', short, libc.listxattr, b'f')
      for name in ('other.x', 'user.', 'system.nothing'):
          try: os.setxattr('f', name, b'x'); raise AssertionError(name)
          except OSError as error: assert errno.errorcode[error.errno] in ('ENOTSUP', 'EINVAL'), (name, error)`)
  })

  test('extended attributes stay until there is no room, which is said, and over a new start', async () => {
    await calls(`
      fresh('many'); put('f')
      def fill():
          for i in range(100): os.setxattr('f', 'user.k%d' % i, bytes([i]) * 4096)
      fails('ENOSPC', fill); names = os.listxattr('f'); assert 55 < len(names) < 65, len(names)
      os.mkdir('d'); os.setxattr('d', 'user.\\xfc', b'not ascii'); os.symlink('x', 'l'); os.setxattr('l', 'trusted.l', b'v', follow_symlinks=False)`)
    await remount()
    await calls(`
      os.chdir(M + '/many')
      for name in os.listxattr('f'): assert os.getxattr('f', name) == bytes([int(name[6:])]) * 4096
      assert os.getxattr('d', 'user.\\xfc') == b'not ascii'; assert os.getxattr('l', 'trusted.l', follow_symlinks=False) == b'v'`)
  })

  test('times: now, omitted, before 1970, after 2038 and 2446, to the nanosecond, over a new start', async () => {
    await calls(`
      import time
      fresh('times'); put('f'); second = 10 ** 9
      UTIME_NOW, UTIME_OMIT = (1 << 30) - 1, (1 << 30) - 2
      def utimensat(path, a, an, m, mn): checked(libc.utimensat(-100, path.encode(), struct.pack('=qqqq', a, an, m, mn), 0x100), 'utimensat')
      os.utime('f', ns=(5, 7)); utimensat('f', 0, UTIME_OMIT, 9, 9); s = os.stat('f'); assert (s.st_atime_ns, s.st_mtime_ns) == (5, 9 * second + 9)
      utimensat('f', 8, 1, 0, UTIME_OMIT); s = os.stat('f'); assert (s.st_atime_ns, s.st_mtime_ns) == (8 * second + 1, 9 * second + 9)
      before = time.time_ns(); utimensat('f', 0, UTIME_NOW, 0, UTIME_NOW); s = os.stat('f')
      assert before - 5 * 10 ** 7 <= s.st_mtime_ns <= time.time_ns() + 5 * 10 ** 7, s.st_mtime_ns - before
      changed = s.st_ctime_ns; utimensat('f', 0, UTIME_OMIT, 0, UTIME_OMIT); assert os.stat('f').st_ctime_ns == changed
      fails('EINVAL', utimensat, 'f', 0, second, 0, 0)
      for i, at in enumerate((-1, -second - 1, -5 * 10 ** 9 * second + 3, 0, 2 ** 31 * second + 1, 2 ** 32 * second + 999999999, 2 ** 34 * second, 253402300800 * second + 123456789)):
          put('t%d' % i); os.utime('t%d' % i, ns=(at, at)); s = os.stat('t%d' % i); assert (s.st_atime_ns, s.st_mtime_ns) == (at, at), (at, s)
          os.symlink('t', 'l%d' % i); os.utime('l%d' % i, ns=(at, at), follow_symlinks=False)`)
    await remount()
    await calls(`
      os.chdir(M + '/times'); second = 10 ** 9
      for i, at in enumerate((-1, -second - 1, -5 * 10 ** 9 * second + 3, 0, 2 ** 31 * second + 1, 2 ** 32 * second + 999999999, 2 ** 34 * second, 253402300800 * second + 123456789)):
          assert os.stat('t%d' % i).st_mtime_ns == at, at; assert os.lstat('l%d' % i).st_mtime_ns == at, at`)
  })

  test('the time of birth is told by statx, and nothing changes it', async () => {
    await calls(`
      import time
      fresh('birth'); before = time.time_ns(); put('f', b'x'); mask, born, _ = statx('f')
      assert mask & 0x800 and before - 10 ** 8 < born < time.time_ns() + 10 ** 8, (mask, born - before)
      os.utime('f', (1, 1)); os.chmod('f', 0o600); os.rename('f', 'g'); put('g', b'more'); assert statx('g')[1] == born
      assert statx('.')[0] & 0x800`)
  })

  test('owners and devices at the borders of 31 and 32 bits, over a new start', async () => {
    await calls(`
      import stat
      fresh('numbers')
      for i, number in enumerate((0, 65535, 65536, 2 ** 31 - 1, 2 ** 31, 2 ** 32 - 2)):
          put('f%d' % i); os.chown('f%d' % i, number, number); s = os.stat('f%d' % i); assert (s.st_uid, s.st_gid) == (number, number), number
      for i, (major, minor) in enumerate(((0, 0), (1, 3), (255, 255), (256, 256), (4095, 1048575), (4095, 0))):
          for kind in (stat.S_IFCHR, stat.S_IFBLK):
              name = 'n%d-%d' % (i, kind); os.mknod(name, kind | 0o600, os.makedev(major, minor)); s = os.stat(name)
              assert (os.major(s.st_rdev), os.minor(s.st_rdev)) == (major, minor), (major, minor, s.st_rdev)
      fails('EPERM', os.link, '.', 'hard')`)
    await remount()
    await calls(`
      os.chdir(M + '/numbers')
      for i, number in enumerate((0, 65535, 65536, 2 ** 31 - 1, 2 ** 31, 2 ** 32 - 2)): assert os.stat('f%d' % i).st_uid == number
      s = os.stat('n4-8192'); assert (os.major(s.st_rdev), os.minor(s.st_rdev)) == (4095, 1048575)`)
  })

  test('which times an operation moves', async () => {
    await calls(`
      fresh('moves'); os.mkdir('d'); put('f', b'x'); put('g', b'source')
      def moved(path, action):
          os.utime(path, ns=(10 ** 18, 10 ** 18)); a = os.stat(path); action(); b = os.stat(path)
          return ''.join(letter for letter, x, y in (('m', a.st_mtime_ns, b.st_mtime_ns), ('c', a.st_ctime_ns, b.st_ctime_ns)) if x != y)
      assert moved('f', lambda: os.chmod('f', 0o600)) == 'c'
      assert moved('f', lambda: os.link('f', 'h')) == 'c' and moved('f', lambda: os.unlink('h')) == 'c'
      assert moved('f', lambda: os.setxattr('f', 'user.x', b'')) == 'c' and moved('f', lambda: os.chown('f', 1, 1)) == 'c'
      assert moved('f', lambda: os.truncate('f', 1)) in ('mc', '') and moved('f', lambda: os.truncate('f', 9)) == 'mc'
      def write(data): fd = os.open('f', os.O_WRONLY); os.write(fd, data); os.close(fd)
      assert moved('f', lambda: write(b'y')) == 'mc'
      for action in (lambda: put('d/n'), lambda: os.link('f', 'd/k'), lambda: os.rename('d/n', 'd/o'), lambda: os.unlink('d/o'), lambda: os.mkdir('d/p'), lambda: os.rmdir('d/p'), lambda: os.rename('d/k', 'k')):
          assert moved('d', action) == 'mc'
      assert moved('d', lambda: os.listdir('d')) == '' and moved('f', lambda: get('f')) == ''
      os.utime('f', ns=(0, 10 ** 18)); fd = os.open('f', os.O_RDONLY | os.O_NOATIME); os.read(fd, 1); os.close(fd)`)
  })

  test('statfs tells the truth', async () => {
    await calls(`
      fresh('statfs'); s = os.statvfs('.')
      assert s.f_namemax == 255 and s.f_bsize == 4096 and s.f_frsize == 4096, s
      assert 0 < s.f_bavail <= s.f_bfree <= s.f_blocks and 0 < s.f_ffree <= s.f_files, s
      below = os.statvfs(M + '/..'); assert abs(s.f_bavail * s.f_frsize - below.f_bavail * below.f_frsize) < 2 ** 30
      put('f', os.urandom(3000000)); s = os.stat('f'); assert 3000000 <= s.st_blocks * 512 <= 3000000 + 4096 and s.st_blksize >= 4096
      os.truncate('f', 10 ** 12); assert os.stat('f').st_blocks * 512 < 4 * 10 ** 6`)
  })
})
