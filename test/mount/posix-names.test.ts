import { afterAll, beforeAll, describe, test } from 'vitest'
import { MountedSpace } from '../support/mounted-space.js'
import { python, whyNoPython } from '../support/python.js'

const reason = whyNoPython()
if (reason !== undefined) console.log(`skipped: names on a mount: ${reason}`)

describe.skipIf(reason !== undefined)('names on a mount', () => {
  const space = new MountedSpace(['allow_other'])
  beforeAll(() => space.mount())
  afterAll(() => space.dispose())
  const calls = (script: string) => python(space.dir, script)
  const remount = async () => {
    await space.stop()
    await space.mount()
  }

  test('names and paths of the longest length, and longer', async () => {
    await calls(`
      top = fresh('long'); name = 'n' * 255
      put(name); os.rename(name, 'm' * 255); os.link('m' * 255, name); os.symlink('t', 's' * 255); os.mkdir('d' * 255)
      for call in (lambda n: put(n), os.mkdir, os.stat, os.unlink, os.rmdir, os.mkfifo, lambda n: os.rename(name, n), lambda n: os.link(name, n), lambda n: os.symlink('x', n)):
          fails('ENAMETOOLONG', call, 'n' * 256)
      put('ü' * 127 + 'x'); fails('ENAMETOOLONG', put, 'ü' * 128)
      here = top
      while len(here) + 257 < 4000: here += '/' + 'p' * 255; os.mkdir(here)
      last = here + '/' + 'q' * (4094 - len(here)); assert len(last) == 4095; put(last, b'deep'); assert get(last) == b'deep'
      fails('ENAMETOOLONG', put, last + 'q'); os.rename(last, top + '/up'); assert get(top + '/up') == b'deep'
      os.symlink('t' * 4095, 'target'); assert os.readlink('target') == 't' * 4095; fails('ENAMETOOLONG', os.symlink, 't' * 4096, 'target2')`)
  })

  test('a thousand directories deep, found from the bottom and removed', async () => {
    await calls(`
      import shutil
      fresh('deep')
      for i in range(1000): os.mkdir('d'); os.chdir('d')
      put('f', b'bottom')
      assert len(os.getcwd()) > 2000 and get('f') == b'bottom'
      up = os.open('..', os.O_RDONLY); assert os.listdir(up) == ['d']`)
    await remount()
    await calls(`
      os.chdir(M + '/deep')
      for i in range(1000): os.chdir('d')
      assert get('f') == b'bottom'; os.unlink('f')
      for i in range(1000): os.chdir('..'); os.rmdir('d')
      assert os.getcwd() == os.path.realpath(M + '/deep') and os.listdir('.') == []`)
  })

  test('rename: exchange, no replace, whiteout, over files and directories', async () => {
    await calls(`
      fresh('rename'); put('a', b'a'); put('b', b'b'); os.mkdir('d'); os.mkdir('e'); put('e/x')
      renameat2('a', 'b', EXCHANGE); assert get('a') == b'b' and get('b') == b'a'
      fails('EEXIST', renameat2, 'a', 'b', NOREPLACE); renameat2('a', 'c', NOREPLACE); assert get('c') == b'b'
      fails('EINVAL', renameat2, 'b', 'z', WHITEOUT); fails('EINVAL', renameat2, 'b', 'c', NOREPLACE | EXCHANGE); fails('ENOENT', renameat2, 'b', 'none', EXCHANGE)
      renameat2('b', 'e', EXCHANGE); assert os.path.isdir('b') and get('e') == b'a' and os.listdir('b') == ['x']; renameat2('b', 'e', EXCHANGE)
      fails('EISDIR', os.rename, 'b', 'd'); fails('ENOTDIR', os.rename, 'd', 'b'); fails('ENOTEMPTY', os.rename, 'd', 'e')
      links = os.stat('.').st_nlink; os.rename('e', 'd'); assert os.listdir('d') == ['x'] and os.stat('.').st_nlink == links - 1
      os.link('b', 'b2'); os.rename('b', 'b2'); assert os.path.exists('b') and os.path.exists('b2')
      held = os.open('c', os.O_RDWR); os.rename('b', 'c'); assert os.read(held, 9) == b'b' and os.fstat(held).st_nlink == 0; os.write(held, b'!')
      for bad in ('.', 'd/..', 'd/.'): 
          try: os.rename(bad, 'x'); raise AssertionError(bad)
          except OSError as error: assert errno.errorcode[error.errno] in ('EBUSY', 'EINVAL'), error`)
  })

  test('a directory cannot move into itself, by no way, with nothing in memory', async () => {
    await calls(`fresh('self'); os.makedirs('a/b/c/d'); os.mkdir('x')`)
    await remount()
    await calls(`
      os.chdir(M + '/self')
      fails('EINVAL', os.rename, 'a', 'a/b/c/d/a'); fails('EINVAL', os.rename, 'a', 'a/a'); fails('EINVAL', os.rename, 'a/b', 'a/b/c/b')
      fails('EINVAL', renameat2, 'a', 'a/b/c', EXCHANGE)
      try: renameat2('a/b/c', 'a', EXCHANGE); raise AssertionError('exchanged with its own parent')
      except OSError as error: assert errno.errorcode[error.errno] in ('EINVAL', 'ENOTEMPTY'), error
      fails('ENOTEMPTY', os.rename, 'a/b/c', 'a')
      inside = os.open('a/b/c/d', os.O_RDONLY); os.rename('a', 'x/a'); os.fchdir(inside); assert os.getcwd().endswith('/self/x/a/b/c/d')
      fails('EINVAL', os.rename, M + '/self/x', 'x')`)
  })

  test('two directories cannot be moved into each other at the same time', async () => {
    await calls(`
      fresh('cross'); os.mkdir('a'); os.mkdir('b')
      def mover(one, other):
          def run():
              for _ in range(300):
                  try: os.rename(one, other + '/' + one); os.rename(other + '/' + one, one)
                  except OSError as error: assert errno.errorcode[error.errno] in ('EINVAL', 'ENOENT'), error
          return run
      ends(child(mover('a', 'b')), child(mover('b', 'a')))
      assert sorted(os.path.basename(d) for d, _, _ in os.walk('.')) == ['.', 'a', 'b'], list(os.walk('.'))`)
  })

  test('removed directories, and where nothing can be made any more', async () => {
    await calls(`
      fresh('gone'); os.mkdir('d'); held = os.open('d', os.O_RDONLY); os.rmdir('d'); os.fchdir(held)
      assert os.fstat(held).st_nlink == 0 and os.listdir(held) == []
      fails('ENOENT', put, 'x'); fails('ENOENT', os.mkdir, 'y'); fails('ENOENT', os.getcwd)
      os.chdir(M + '/gone'); fails('EINVAL', os.rmdir, '.'); fails('ENOTEMPTY', os.rmdir, '..'); put('f'); fails('ENOTDIR', os.rmdir, 'f'); fails('ENOTDIR', os.stat, 'f/x')
      os.mkdir('e'); fails('EISDIR', os.unlink, 'e'); put('e/f'); fails('ENOTEMPTY', os.rmdir, 'e'); fails('EISDIR', open, 'e', 'w')
      fails('EBUSY', os.rmdir, M)`)
  })

  test('symlinks in a circle and in a long row', async () => {
    await calls(`
      fresh('loops'); os.symlink('b', 'a'); os.symlink('a', 'b'); fails('ELOOP', os.stat, 'a'); fails('ELOOP', open, 'a'); assert os.readlink('a') == 'b'
      put('s0', b'end')
      for i in range(41): os.symlink('s%d' % i, 's%d' % (i + 1))
      assert get('s40') == b'end'; fails('ELOOP', get, 's41')
      fails('ELOOP', os.open, 's1', os.O_RDONLY | os.O_NOFOLLOW); fails('EEXIST', os.open, 'a', os.O_CREAT | os.O_EXCL)
      os.symlink('nowhere', 'dangling'); put('dangling', b'made'); assert get('nowhere') == b'made'`)
  })

  test('links up to the limit, and no further', async () => {
    await calls(`
      fresh('links'); put('f', b'x'); os.mkdir('d')
      for i in range(4999): os.link('f', 'd/%d' % i)
      assert os.stat('f').st_nlink == 5000; fails('EMLINK', os.link, 'f', 'd/more')
      os.unlink('d/17'); os.link('f', 'd/more'); assert os.stat('d/more').st_nlink == 5000
      for name in os.listdir('d'): os.unlink('d/' + name)
      assert os.stat('f').st_nlink == 1
      for i in range(300): os.mkdir('d/%d' % i)
      assert os.stat('d').st_nlink == 302`)
  })

  test('a listing while its entries go and come: positions stay', async () => {
    await calls(`
      fresh('listing'); N = 3000
      for i in range(N): put('f%d' % i)
      DIR = ctypes.c_void_p; libc.opendir.restype = DIR; libc.readdir.restype = ctypes.c_void_p; libc.telldir.restype = ctypes.c_long
      for call in (libc.readdir, libc.telldir, libc.closedir, libc.rewinddir): call.argtypes = [DIR]
      libc.seekdir.argtypes = [DIR, ctypes.c_long]
      def entry(stream):
          at = libc.readdir(stream)
          return None if at is None else ctypes.string_at(at + 19).decode()
      stream = libc.opendir(b'.'); seen, gone = [], set()
      while (name := entry(stream)) is not None:
          seen.append(name)
          if name.startswith('f') and len(seen) % 2: os.unlink(name); gone.add(name)
          if len(seen) % 100 == 0: put('new%d' % len(seen))
      old = [name for name in seen if name.startswith('f')]
      assert len(old) == len(set(old)) == N, len(old)
      libc.rewinddir(stream); marks = []
      while True:
          position = libc.telldir(stream); name = entry(stream)
          if name is None: break
          marks.append((position, name))
      assert not gone & {name for _, name in marks}
      for position, name in marks[::97][::-1]: libc.seekdir(stream, position); assert entry(stream) == name, name
      position, name = marks[1000]; victims = [n for _, n in marks[200:900] if n.startswith('f')]
      for victim in victims: os.unlink(victim)
      libc.seekdir(stream, position); assert entry(stream) == name
      libc.closedir(stream)
      for name in os.listdir('.'): os.unlink(name)
      os.chdir('..'); os.rmdir('listing')`)
  })
})
