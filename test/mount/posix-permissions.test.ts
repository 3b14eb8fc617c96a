import { afterAll, beforeAll, describe, test } from 'vitest'
import { MountedSpace, shell } from '../support/mounted-space.js'
import { python, whyNoPython } from '../support/python.js'

const reason = whyNoPython()
if (reason !== undefined) console.log(`skipped: permissions on a mount: ${reason}`)

describe.skipIf(reason !== undefined)('permissions on a mount that all users may use', () => {
  const space = new MountedSpace(['allow_other'])
  beforeAll(() => space.mount())
  afterAll(() => space.dispose())
  const calls = (script: string) => python(space.dir, script)

  test('a set-group-id directory gives its group, and the bit to directories', async () => {
    await calls(`
      fresh('setgid'); os.mkdir('d'); os.chown('d', 0, 2000); os.chmod('d', 0o2777)
      def make():
          os.umask(0)
          put('d/f', b'x', 0o644); os.mkdir('d/sub', 0o755); os.symlink('f', 'd/l'); os.mkfifo('d/p')
          for name in ('f', 'sub', 'l', 'p'): assert os.lstat('d/' + name).st_gid == 2000, name
          assert mode('d/sub') == 0o2755 and mode('d/f') == 0o644
          os.mkdir('own'); assert os.stat('own').st_gid == 1001
      as_user(1001, make)`)
  })

  test('set-group-id is not kept for a group that its maker is not in', async () => {
    await calls(`
      fresh('setgid2'); os.mkdir('d'); os.chown('d', 0, 2000); os.chmod('d', 0o2777)
      def make(allowed):
          os.umask(0)
          fd = os.open('d/f%d' % allowed, os.O_CREAT | os.O_WRONLY, 0o2775)
          assert (os.fstat(fd).st_mode & 0o2000 != 0) == allowed, oct(os.fstat(fd).st_mode)
          os.fchmod(fd, 0o2775)
          assert (os.fstat(fd).st_mode & 0o2000 != 0) == allowed, oct(os.fstat(fd).st_mode)
      as_user(1001, lambda: make(False))
      as_user(1001, lambda: make(True), groups=[2000])`)
  })

  test('writing, truncating and changing the owner take set-user-id away, but not from root', async () => {
    await calls(`
      fresh('suid')
      def armed(name, bits=0o6777):
          put(name, b'0123456789'); os.chmod(name, bits); return name
      def write(name): fd = os.open(name, os.O_RDWR); os.write(fd, b'x'); os.close(fd)
      def maps(name):
          import mmap
          fd = os.open(name, os.O_RDWR); m = mmap.mmap(fd, 10); m[0] = 65; m.flush(); os.close(fd)
      def punch(name): fd = os.open(name, os.O_RDWR); fallocate(fd, KEEP_SIZE | PUNCH_HOLE, 0, 4); os.close(fd)
      def copy(name):
          source = os.open('source', os.O_RDONLY); fd = os.open(name, os.O_RDWR)
          os.copy_file_range(source, fd, 4, 0, 0); os.close(fd)
      put('source', b'sssss')
      for i, change in enumerate((write, lambda name: os.truncate(name, 3), punch, copy)):
          name = armed('u%d' % i)
          as_user(1001, lambda: change(name)); assert mode(name) == 0o777, (i, oct(mode(name)))
          name = armed('r%d' % i)
          change(name); assert mode(name) == 0o6777, (i, oct(mode(name)))
      name = armed('g', 0o2767); as_user(1001, lambda: write(name)); assert mode(name) in (0o2767, 0o767)
      name = armed('o'); os.chown(name, 5, 5); assert mode(name) == 0o777
      os.mkdir('d'); os.chmod('d', 0o6777); os.chown('d', 5, 5); assert mode('d') == 0o6777`)
  })

  test('in a sticky directory only the owner of file or directory removes and renames', async () => {
    await calls(`
      fresh('sticky'); os.mkdir('d'); os.chmod('d', 0o1777)
      as_user(1001, lambda: (put('d/a'), put('d/b'), os.mkdir('d/dir')))
      def other():
          fails('EPERM', os.unlink, 'd/a'); fails('EPERM', os.rename, 'd/a', 'd/c'); fails('EPERM', os.rmdir, 'd/dir')
          put('d/mine'); fails('EPERM', os.rename, 'd/mine', 'd/a'); fails('EPERM', renameat2, 'd/mine', 'd/a', EXCHANGE)
          os.rename('d/mine', 'd/mine2'); os.unlink('d/mine2')
      as_user(1002, other)
      as_user(1001, lambda: (os.rename('d/a', 'd/c'), os.unlink('d/c')))
      os.chown('d', 1003, 1003); as_user(1003, lambda: (os.unlink('d/b'), os.rmdir('d/dir')))`)
  })

  test('who may change mode, owner and times', async () => {
    await calls(`
      fresh('owner'); put('f', b'x', 0o666); os.chown('f', 1001, 1001)
      def other():
          fails('EPERM', os.chmod, 'f', 0o600); fails('EPERM', os.chown, 'f', 1002, -1)
          os.utime('f'); fails('EPERM', os.utime, 'f', (1, 1))
      as_user(1002, other)
      def owner():
          fails('EPERM', os.chown, 'f', 1002, -1); fails('EPERM', os.chown, 'f', -1, 2000)
          os.chown('f', -1, 2001); os.utime('f', (1, 1)); os.chmod('f', 0o400); fails('EACCES', open, 'f', 'r+')
      as_user(1001, owner, groups=[2001])
      as_user(1002, lambda: fails('EACCES', os.utime, 'f'))`)
  })

  test('a directory without search or write permission', async () => {
    await calls(`
      fresh('search'); os.mkdir('d'); put('d/f', b'x', 0o666); os.chmod('d', 0o744)
      def other():
          assert os.listdir('d') == ['f']
          fails('EACCES', os.stat, 'd/f'); fails('EACCES', open, 'd/f'); fails('EACCES', os.stat, 'd/none')
      as_user(1001, other)
      os.chmod('d', 0o711)
      as_user(1001, lambda: (os.stat('d/f'), fails('EACCES', os.listdir, 'd'), fails('EACCES', put, 'd/new'), fails('EACCES', os.unlink, 'd/f')))`)
  })

  test('default ACLs go to what is made, the umask has no say, and chmod moves the mask', async () => {
    await shell(space, `
      cd $M; mkdir acl; cd acl; setfacl -m u:1001:rwx,g:2000:rx,d:u:1001:rwx,d:g:2000:rx,d:o::- .; chmod 777 .
      umask 077; echo hello > f; mkdir sub
      expect() { diff <(getfacl -cnE "$1" | grep -v '^$') <(printf "$2\\n"); }
      expect f 'user::rw-\\nuser:1001:rwx\\t#effective:rw-\\ngroup::r-x\\t#effective:r--\\ngroup:2000:r-x\\t#effective:r--\\nmask::rw-\\nother::---' || getfacl -cn f >&2
      getfacl -cnE sub | grep -q '^default:user:1001:rwx'
      test $(stat -c %a f) = 660
      chmod 640 f; getfacl -cnE f | grep -q '^mask::r--'; getfacl -cnE f | grep -q '^group::r-x'
      chmod 600 f; setpriv --reuid=1001 --regid=1001 --clear-groups cat f 2>/dev/null && exit 1
      chmod 640 f; test $(setpriv --reuid=1001 --regid=1001 --clear-groups cat f) = hello
      setpriv --reuid=1001 --regid=1001 --clear-groups sh -c 'echo x >> f' 2>/dev/null && exit 1
      test "$(setpriv --reuid=1005 --regid=1005 --groups=2000 cat f)" = hello
      setpriv --reuid=1005 --regid=1005 --clear-groups cat f 2>/dev/null && exit 1
      setfacl -b f; test $(stat -c %a f) = 640; getfacl -cn f | grep -q 1001 && exit 1; true`)
  })

  test('ACLs by ordinary users: their own files only', async () => {
    await shell(space, `
      cd $M; mkdir acl2; chmod 777 acl2; cd acl2; as() { u=$1; shift; setpriv --reuid=$u --regid=$u --clear-groups "$@"; }
      as 1001 sh -c 'echo x > f; chmod 600 f; setfacl -m u:1002:rw f'; as 1002 sh -c 'cat f > /dev/null; echo y >> f'
      as 1002 setfacl -m u:1003:r f 2>/dev/null && exit 1; as 1003 cat f 2>/dev/null && exit 1
      test $(stat -c %a f) = 660; as 1001 setfacl -x u:1002 f; as 1002 cat f 2>/dev/null && exit 1
      as 1001 sh -c 'setfacl -d -m u::rwx f' 2>/dev/null && exit 1
      as 1001 sh -c 'setfacl -k f; setfacl -b f'; true`)
  })

  test('an ACL that the mode says whole is not kept, and set-group-id goes with a foreign group', async () => {
    await calls(`
      fresh('acl3'); put('f'); entry = lambda tag, bits, id=0xffffffff: struct.pack('=HHI', tag, bits, id)
      acl = struct.pack('=I', 2) + entry(1, 6) + entry(4, 4) + entry(32, 0)
      os.setxattr('f', 'system.posix_acl_access', acl); assert mode('f') == 0o640; assert os.listxattr('f') == []
      fails('EINVAL', os.setxattr, 'f', 'system.posix_acl_access', acl[:-8]); fails('EACCES', os.setxattr, 'f', 'system.posix_acl_default', acl)
      os.chown('f', 1001, 2000); os.chmod('f', 0o2750)
      as_user(1001, lambda: os.setxattr('f', 'system.posix_acl_access', acl)); assert mode('f') == 0o640, oct(mode('f'))`)
  })

  test('trusted and security attributes belong to root; user attributes follow the mode', async () => {
    await calls(`
      fresh('xattr'); put('f', b'x', 0o644); os.chmod('.', 0o777)
      os.setxattr('f', 'trusted.t', b'1'); os.setxattr('f', 'user.u', b'2'); os.setxattr('f', 'security.s', b'3')
      assert sorted(os.listxattr('f')) == ['security.s', 'trusted.t', 'user.u']
      def other():
          assert sorted(os.listxattr('f')) == ['security.s', 'user.u'], os.listxattr('f')
          fails('ENODATA', os.getxattr, 'f', 'trusted.t'); fails('EPERM', os.setxattr, 'f', 'trusted.t', b'x')
          assert os.getxattr('f', 'user.u') == b'2'; fails('EACCES', os.setxattr, 'f', 'user.u', b'x'); fails('EPERM', os.setxattr, 'f', 'security.s', b'x')
          fails('EPERM', os.setxattr, 'f', 'security.capability', struct.pack('=IIIII', 0x02000001, 1 << 10, 0, 0, 0))
      as_user(1001, other)
      os.symlink('f', 'l'); fails('EPERM', os.setxattr, 'l', 'user.u', b'x', follow_symlinks=False)
      os.setxattr('l', 'trusted.t', b'x', follow_symlinks=False); assert os.getxattr('l', 'trusted.t', follow_symlinks=False) == b'x'
      os.mkfifo('p'); fails('EPERM', os.setxattr, 'p', 'user.u', b'x')
      os.mkdir('sticky'); os.chmod('sticky', 0o1777); as_user(1001, lambda: fails('EPERM', os.setxattr, 'sticky', 'user.u', b'x'))`)
  })

  test('capabilities of a file are kept, and go when an ordinary user writes', async () => {
    await calls(`
      fresh('caps'); put('f', b'x', 0o666)
      capability = struct.pack('=IIIII', 0x02000001, 1 << 10, 0, 0, 0)
      os.setxattr('f', 'security.capability', capability); assert os.getxattr('f', 'security.capability') == capability
      def write(): fd = os.open('f', os.O_WRONLY); os.write(fd, b'y'); os.close(fd)
      as_user(1001, write); fails('ENODATA', os.getxattr, 'f', 'security.capability')
      os.setxattr('f', 'security.capability', capability); os.chown('f', 5, 5); fails('ENODATA', os.getxattr, 'f', 'security.capability')`)
  })
})
