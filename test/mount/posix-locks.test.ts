import { afterAll, beforeAll, describe, test } from 'vitest'
import { MountedSpace } from '../support/mounted-space.js'
import { python, whyNoPython } from '../support/python.js'

const reason = whyNoPython()
if (reason !== undefined) console.log(`skipped: locks on a mount: ${reason}`)

describe.skipIf(reason !== undefined)('locks and notices on a mount', () => {
  const space = new MountedSpace(['allow_other'])
  beforeAll(() => space.mount())
  afterAll(() => space.dispose())
  const calls = (script: string) => python(space.dir, script)

  test('fcntl locks between processes, by range, and gone with the process', async () => {
    await calls(`
      import fcntl
      fresh('fcntl'); put('f', bytes(100)); fd = os.open('f', os.O_RDWR)
      fcntl.lockf(fd, fcntl.LOCK_EX | fcntl.LOCK_NB, 10, 0)
      def other():
          mine = os.open('f', os.O_RDWR)
          fails('EAGAIN', fcntl.lockf, mine, fcntl.LOCK_EX | fcntl.LOCK_NB, 10, 5); fails('EAGAIN', fcntl.lockf, mine, fcntl.LOCK_SH | fcntl.LOCK_NB, 1, 9)
          fcntl.lockf(mine, fcntl.LOCK_EX | fcntl.LOCK_NB, 10, 10)
          found = struct.unpack('hhqqi4x', fcntl.fcntl(mine, fcntl.F_GETLK, struct.pack('hhqqi4x', fcntl.F_WRLCK, 0, 0, 5, 0)))
          assert found[0] == fcntl.F_WRLCK and found[4] == os.getppid(), found
      as_user(0, other)
      fcntl.lockf(fd, fcntl.LOCK_EX | fcntl.LOCK_NB, 90, 10); fcntl.lockf(fd, fcntl.LOCK_UN)
      go, told = os.pipe()
      def holder(): mine = os.open('f', os.O_RDWR); fcntl.lockf(mine, fcntl.LOCK_EX); os.write(told, b'x'); os.read(os.pipe()[0], 1)
      pid = child(holder); os.read(go, 1); fails('EAGAIN', fcntl.lockf, fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
      os.kill(pid, 9); os.waitpid(pid, 0); fcntl.lockf(fd, fcntl.LOCK_EX)`)
  })

  test('a lock that is waited for, and a deadlock that is seen', async () => {
    await calls(`
      import fcntl
      fresh('waiting'); put('f', bytes(2)); fd = os.open('f', os.O_RDWR); fcntl.lockf(fd, fcntl.LOCK_EX, 1, 0)
      ready, tell = os.pipe()
      def other():
          mine = os.open('f', os.O_RDWR); fcntl.lockf(mine, fcntl.LOCK_EX, 1, 1); os.write(tell, b'x'); fcntl.lockf(mine, fcntl.LOCK_EX, 1, 0)
      pid = child(other); os.read(ready, 1)
      while b'-> POSIX' not in get('/proc/locks'): pass
      fails('EDEADLK', fcntl.lockf, fd, fcntl.LOCK_EX, 1, 1)
      fcntl.lockf(fd, fcntl.LOCK_UN, 1, 0); ends(pid)`)
  })

  test('flock and OFD locks belong to what is open', async () => {
    await calls(`
      import fcntl
      fresh('flock'); put('f', b'x'); a, b = os.open('f', os.O_RDWR), os.open('f', os.O_RDWR)
      fcntl.flock(a, fcntl.LOCK_SH); fcntl.flock(b, fcntl.LOCK_SH); fails('EAGAIN', fcntl.flock, b, fcntl.LOCK_EX | fcntl.LOCK_NB)
      fcntl.flock(a, fcntl.LOCK_UN); fcntl.flock(b, fcntl.LOCK_EX | fcntl.LOCK_NB)
      as_user(0, lambda: fails('EAGAIN', fcntl.flock, os.open('f', os.O_RDWR), fcntl.LOCK_SH | fcntl.LOCK_NB)); os.close(b); fcntl.flock(a, fcntl.LOCK_EX | fcntl.LOCK_NB)
      OFD_SETLK = 37; lock = lambda kind: struct.pack('hhqqi4x', kind, 0, 0, 0, 0)
      c, d = os.open('f', os.O_RDWR), os.open('f', os.O_RDWR)
      fcntl.fcntl(c, OFD_SETLK, lock(fcntl.F_WRLCK)); fails('EAGAIN', fcntl.fcntl, d, OFD_SETLK, lock(fcntl.F_RDLCK)); fails('EAGAIN', fcntl.lockf, d, fcntl.LOCK_EX | fcntl.LOCK_NB)
      e = os.dup(c); os.close(c); fails('EAGAIN', fcntl.fcntl, d, OFD_SETLK, lock(fcntl.F_RDLCK)); os.close(e); fcntl.fcntl(d, OFD_SETLK, lock(fcntl.F_WRLCK))`)
  })

  test('inotify tells what programs do', async () => {
    await calls(`
      fresh('inotify'); os.mkdir('d'); fd = libc.inotify_init1(0o4000); assert libc.inotify_add_watch(fd, b'd', 0xfff) > 0
      put('d/f', b'x'); os.rename('d/f', 'd/g'); os.setxattr('d/g', 'user.x', b''); get('d/g'); os.unlink('d/g')
      events, data = [], os.read(fd, 65536)
      while data:
          _, mask, _, length = struct.unpack_from('iIII', data); events.append((mask & 0xfff, data[16:16 + length].rstrip(b'\\0'))); data = data[16 + length:]
      for wanted in ((0x100, b'f'), (0x2, b'f'), (0x8, b'f'), (0x40, b'f'), (0x80, b'g'), (0x4, b'g'), (0x1, b'g'), (0x200, b'g')): assert wanted in events, (wanted, events)`)
  })
})
