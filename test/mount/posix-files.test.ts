import { afterAll, beforeAll, describe, test } from 'vitest'
import { MountedSpace, shell } from '../support/mounted-space.js'
import { python, whyNoPython } from '../support/python.js'

const reason = whyNoPython()
if (reason !== undefined) console.log(`skipped: files on a mount: ${reason}`)

describe.skipIf(reason !== undefined)('files on a mount', () => {
  const space = new MountedSpace(['allow_other'])
  beforeAll(() => space.mount())
  afterAll(() => space.dispose())
  const calls = (script: string) => python(space.dir, script)
  const remount = async () => {
    await space.stop()
    await space.mount()
  }

  test('O_TMPFILE: no name until it is given one', async () => {
    await calls(`
      fresh('tmpfile'); fd = os.open('.', os.O_TMPFILE | os.O_RDWR, 0o640); os.write(fd, b'hidden')
      assert os.fstat(fd).st_nlink == 0 and os.listdir('.') == []
      linkat_open(fd, 'shown'); assert get('shown') == b'hidden' and mode('shown') == 0o640 and os.fstat(fd).st_nlink == 1
      fails('EEXIST', linkat_open, fd, 'shown'); linkat_open(fd, 'twice'); assert os.stat('twice').st_nlink == 2
      never = os.open('.', os.O_TMPFILE | os.O_RDWR | os.O_EXCL, 0o600); fails('ENOENT', linkat_open, never, 'never')
      os.unlink('shown'); os.unlink('twice'); fails('ENOENT', linkat_open, fd, 'again'); assert os.pread(fd, 9, 0) == b'hidden'`)
  })

  test('O_APPEND by several writers: nothing is lost or torn', async () => {
    await calls(`
      fresh('append'); put('f')
      def writer(letter):
          def run():
              fd = os.open('f', os.O_WRONLY | os.O_APPEND)
              for i in range(500): line = letter * (i % 90 + 1) + b'\\n'; assert os.write(fd, line) == len(line)
          return run
      ends(*[child(writer(letter)) for letter in (b'a', b'b', b'c')])
      lines = get('f').split(b'\\n')[:-1]; assert len(lines) == 1500, len(lines)
      for letter in (b'a', b'b', b'c'): assert [len(line) for line in lines if line[:1] == letter] == [i % 90 + 1 for i in range(500)]
      assert all(len(set(line)) == 1 for line in lines)
      fd = os.open('f', os.O_RDWR | os.O_APPEND); size = os.fstat(fd).st_size; os.lseek(fd, 0, 0); os.write(fd, b'!'); assert os.fstat(fd).st_size == size + 1 and os.pread(fd, 1, size) == b'!'`)
  })

  test('O_DIRECT with any alignment, beside the page cache', async () => {
    await calls(`
      import random
      fresh('direct'); random.seed(5); model = bytearray(random.randbytes(700000)); put('f', model)
      direct, cached = os.open('f', os.O_RDWR | os.O_DIRECT), os.open('f', os.O_RDWR)
      for i in range(300):
          at, length = random.randrange(len(model)), random.randrange(1, 30000); data = random.randbytes(min(length, len(model) - at))
          kind = i % 4; fd = direct if kind % 2 else cached
          if kind < 2: model[at:at + len(data)] = data; assert os.pwrite(fd, data, at) == len(data)
          else: assert os.pread(fd, len(data), at) == model[at:at + len(data)], (i, at)
      assert get('f') == model; assert os.pread(direct, 10, len(model)) == b''`)
  })

  test('a shared mapping in two processes, with msync, truncation under it, and private ones', async () => {
    await calls(`
      import mmap, signal
      fresh('mmap'); put('f', bytes(3 * 4096)); fd = os.open('f', os.O_RDWR); shared = mmap.mmap(fd, 3 * 4096)
      def other():
          mine = mmap.mmap(os.open('f', os.O_RDWR), 3 * 4096); mine[4095:4099] = b'abcd'; mine.flush()
      as_user(0, other); assert shared[4095:4099] == b'abcd' and os.pread(fd, 4, 4095) == b'abcd'
      shared[0:2] = b'xy'; assert os.pread(fd, 2, 0) == b'xy'; os.pwrite(fd, b'Z', 5000); assert shared[5000:5001] == b'Z'
      private = mmap.mmap(fd, 4096, mmap.MAP_PRIVATE); private[0:2] = b'no'; assert shared[0:2] == b'xy' and get('f')[:2] == b'xy'
      os.ftruncate(fd, 4096)
      pid = os.fork()
      if pid == 0: shared[9000]; os._exit(0)
      assert os.waitpid(pid, 0)[1] & 127 == signal.SIGBUS
      os.ftruncate(fd, 3 * 4096); assert shared[4096:] == bytes(2 * 4096)
      shared[100] = 7; os.fsync(fd); shared.close(); read_only = os.open('f', os.O_RDONLY); fails('EACCES', mmap.mmap, read_only, 4096)`)
    await remount()
    await calls(`data = get(M + '/mmap/f'); assert data[:2] == b'xy' and data[4095:4096] == b'a' and data[100] == 7 and data[4096:] == bytes(2 * 4096)`)
  })

  test('SEEK_DATA and SEEK_HOLE', async () => {
    await calls(`
      fresh('seek'); fd = os.open('f', os.O_RDWR | os.O_CREAT); M4 = 4 << 20
      fails('ENXIO', os.lseek, fd, 0, os.SEEK_DATA); fails('ENXIO', os.lseek, fd, 0, os.SEEK_HOLE)
      os.ftruncate(fd, 64 << 20); fails('ENXIO', os.lseek, fd, 0, os.SEEK_DATA); assert os.lseek(fd, 77, os.SEEK_HOLE) == 77
      os.pwrite(fd, b'x' * M4, 8 << 20); os.pwrite(fd, b'y' * 10, 40 << 20)
      for _ in range(2):
          assert os.lseek(fd, 0, os.SEEK_DATA) == 8 << 20; assert os.lseek(fd, 9 << 20, os.SEEK_DATA) == 9 << 20
          assert os.lseek(fd, 8 << 20, os.SEEK_HOLE) == 12 << 20; assert os.lseek(fd, 12 << 20, os.SEEK_DATA) == 40 << 20
          hole = os.lseek(fd, 40 << 20, os.SEEK_HOLE); assert (40 << 20) + 10 <= hole <= (40 << 20) + 262144
          fails('ENXIO', os.lseek, fd, 41 << 20, os.SEEK_DATA); fails('ENXIO', os.lseek, fd, 64 << 20, os.SEEK_HOLE); assert os.lseek(fd, (64 << 20) - 1, os.SEEK_HOLE) == (64 << 20) - 1
          os.fsync(fd)
      fallocate(fd, KEEP_SIZE | PUNCH_HOLE, 9 << 20, 1 << 20); assert os.lseek(fd, 8 << 20, os.SEEK_HOLE) == 9 << 20 and os.lseek(fd, 9 << 20, os.SEEK_DATA) == 10 << 20
      put('full', b'z' * 5000); full = os.open('full', os.O_RDONLY); assert os.lseek(full, 0, os.SEEK_HOLE) == 5000 and os.lseek(full, 4999, os.SEEK_DATA) == 4999; fails('EINVAL', os.lseek, full, -1, 0)`)
  })

  test('fallocate: every mode, and what it does to size and blocks', async () => {
    await calls(`
      fresh('fallocate'); fd = os.open('f', os.O_RDWR | os.O_CREAT); os.write(fd, b'a' * 600000)
      for bad in (COLLAPSE_RANGE, INSERT_RANGE, PUNCH_HOLE, UNSHARE_RANGE): fails('EOPNOTSUPP', fallocate, fd, bad, 0, 4096)
      fails('EINVAL', fallocate, fd, 0, 0, 0); fails('EINVAL', fallocate, fd, 0, -1, 10)
      fallocate(fd, KEEP_SIZE, 0, 10 ** 6); assert os.fstat(fd).st_size == 600000
      fallocate(fd, 0, 700000, 100); assert os.fstat(fd).st_size == 700100 and os.pread(fd, 100100, 600000) == bytes(100100)
      fallocate(fd, KEEP_SIZE | PUNCH_HOLE, 100, 262144 * 2); assert get('f')[:600000] == b'a' * 100 + bytes(524288) + b'a' * (600000 - 524388)
      before = os.fstat(fd).st_blocks; fallocate(fd, KEEP_SIZE | PUNCH_HOLE, 0, 700100); assert os.fstat(fd).st_blocks < before and get('f') == bytes(700100)
      os.pwrite(fd, b'b' * 1000, 0); fallocate(fd, ZERO_RANGE, 500, 800000); assert os.fstat(fd).st_size == 800500 and os.pread(fd, 1000, 0) == b'b' * 500 + bytes(500)
      fallocate(fd, ZERO_RANGE | KEEP_SIZE, 800000, 10000); assert os.fstat(fd).st_size == 800500
      read_only = os.open('f', os.O_RDONLY); fails('EBADF', fallocate, read_only, 0, 0, 10)`)
  })

  test('the largest file, 2^53 - 1 bytes: written, read, cut, and one byte more refused', async () => {
    await calls(`
      fresh('largest'); fd = os.open('f', os.O_RDWR | os.O_CREAT)
      os.ftruncate(fd, LARGEST); assert os.fstat(fd).st_size == LARGEST and os.fstat(fd).st_blocks == 0
      fails('EFBIG', os.ftruncate, fd, LARGEST + 1); fails('EFBIG', os.ftruncate, fd, 2 ** 63 - 1); fails('EFBIG', os.pwrite, fd, b'x', LARGEST); fails('EFBIG', os.pwrite, fd, b'xy', LARGEST - 1)
      fails('EFBIG', fallocate, fd, 0, LARGEST, 1); fails('EFBIG', fallocate, fd, 0, 2 ** 62, 2 ** 62 - 1)
      os.pwrite(fd, b'end', LARGEST - 3); os.pwrite(fd, b'mid', 2 ** 52 + 1); os.pwrite(fd, b'4g', 2 ** 32 - 1); os.pwrite(fd, b'2g', 2 ** 31 - 1)
      assert os.lseek(fd, 0, os.SEEK_DATA) <= 2 ** 31 - 1 and os.lseek(fd, 2 ** 33, os.SEEK_DATA) // 262144 == (2 ** 52 + 1) // 262144`)
    await remount()
    await calls(`
      os.chdir(M + '/largest'); fd = os.open('f', os.O_RDWR); assert os.fstat(fd).st_size == LARGEST
      assert os.pread(fd, 10, LARGEST - 3) == b'end' and os.pread(fd, 3, 2 ** 52 + 1) == b'mid' and os.pread(fd, 4, 2 ** 32 - 2) == b'\\x004g\\0' and os.pread(fd, 2, 2 ** 31 - 1) == b'2g'
      fallocate(fd, KEEP_SIZE | PUNCH_HOLE, 2 ** 40, 2 ** 52); assert os.pread(fd, 3, 2 ** 52 + 1) == bytes(3)
      os.ftruncate(fd, 2 ** 32); assert os.fstat(fd).st_size == 2 ** 32 and os.pread(fd, 2, 2 ** 32 - 1) == b'4'; os.ftruncate(fd, LARGEST); assert os.pread(fd, 3, LARGEST - 3) == bytes(3)
      os.unlink('f')`)
  })

  test('copy_file_range between files, inside one, over holes, and past the end', async () => {
    await calls(`
      fresh('copy'); data = os.urandom(2000000); put('a', data); put('b', b'-' * 100)
      a, b = os.open('a', os.O_RDWR), os.open('b', os.O_RDWR)
      def copy(source, at, target, to, length):
          done = 0
          while done < length and (n := os.copy_file_range(source, target, length - done, at + done, to + done)) > 0: done += n
          return done
      assert copy(a, 7, b, 50, 1500000) == 1500000 and get('b') == b'-' * 50 + data[7:1500007]
      assert copy(a, 1999990, b, 0, 100) == 10 and os.copy_file_range(a, b, 10, 2000000, 0) == 0
      fails('EINVAL', os.copy_file_range, a, a, 100, 0, 50); assert copy(a, 0, a, 1000000, 1000) == 1000 and get('a')[1000000:1001000] == data[:1000]
      os.ftruncate(a, 0); os.ftruncate(a, 3000000); assert copy(a, 0, b, 0, 3000000) == 3000000 and get('b') == bytes(3000000)
      append = os.open('b', os.O_WRONLY | os.O_APPEND); fails('EBADF', os.copy_file_range, a, append, 1, 0, 0); fails('EBADF', os.copy_file_range, append, a, 1)
      fails('EISDIR', os.copy_file_range, os.open('.', os.O_RDONLY), a, 1)`)
  })

  test('open files without a name, and ones that another was renamed over', async () => {
    await calls(`
      fresh('open'); put('u', b'one'); fd = os.open('u', os.O_RDWR); os.unlink('u'); fails('ENOENT', os.stat, 'u')
      os.write(fd, b'ONE and more'); os.ftruncate(fd, 300000); os.pwrite(fd, b'tail', 299996); os.fchmod(fd, 0o600); os.utime(fd, ns=(3, 4)); os.setxattr(fd, 'user.x', b'v'); os.fsync(fd)
      s = os.fstat(fd); assert (s.st_nlink, s.st_size, s.st_mtime_ns, s.st_mode & 0o777) == (0, 300000, 4, 0o600) and os.getxattr(fd, 'user.x') == b'v'
      again = os.open('/proc/self/fd/%d' % fd, os.O_RDONLY); assert os.pread(again, 12, 0) == b'ONE and more' and os.pread(again, 4, 299996) == b'tail'
      put('v', b'old'); held = os.open('v', os.O_RDONLY); put('w', b'new'); os.rename('w', 'v'); assert os.read(held, 9) == b'old' and get('v') == b'new' and os.fstat(held).st_ino != os.stat('v').st_ino
      put('t', b'0123'); fd = os.open('t', os.O_RDONLY); open('t', 'w').close(); assert os.read(fd, 9) == b''
      fails('EEXIST', os.open, 't', os.O_CREAT | os.O_EXCL); fails('ENOTDIR', os.open, 't', os.O_DIRECTORY); fails('EBADF', os.write, fd, b'x')
      one_way = os.open('made', os.O_CREAT | os.O_RDWR, 0o000); os.write(one_way, b'mode says no, but it was opened'); os.fsync(one_way)`)
  })

  test('programs are run from it, and cannot be written while they run', async () => {
    await shell(space, `
      cd $M; mkdir exec; cd exec; cp /bin/sleep s; ./s 30 > /dev/null 2>&1 & pid=$!
      until [ "$(readlink /proc/$pid/exe)" = "$(realpath s)" ]; do :; done
      echo x 2>/dev/null >> s && exit 1; { python3 -c 'import os; os.truncate("s", 1)' 2>&1 || true; } | grep -q 'Text file busy'
      rm s; kill $pid; wait $pid || true
      printf '#!/bin/sh\\necho "script: $1"\\n' > script; chmod 755 script; test "$(./script yes)" = 'script: yes'; chmod 644 script; ./script 2>/dev/null && exit 1
      printf 'int printf(const char *, ...); int main(void) { return printf("compiled\\\\n") != 9; }\\n' > p.c; gcc -o p p.c; test $(./p) = compiled`)
  })
})
