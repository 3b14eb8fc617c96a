"""System calls for the tests of a mount: what Python has no name for, other users, and refusals by name."""
import ctypes
import errno
import os
import struct
import sys
import traceback

libc = ctypes.CDLL(None, use_errno=True)
M = os.environ.get('M')

NOREPLACE, EXCHANGE, WHITEOUT = 1, 2, 4
KEEP_SIZE, PUNCH_HOLE, COLLAPSE_RANGE, ZERO_RANGE, INSERT_RANGE, UNSHARE_RANGE = 1, 2, 8, 16, 32, 64
LARGEST = 2 ** 53 - 1


def checked(result, name):
    if result < 0:
        code = ctypes.get_errno()
        raise OSError(code, f'{name}: {os.strerror(code)}')
    return result


def renameat2(old, new, flags):
    checked(libc.renameat2(-100, os.fsencode(old), -100, os.fsencode(new), flags), 'renameat2')


def fallocate(fd, mode, offset, length):
    checked(libc.fallocate(fd, mode, ctypes.c_int64(offset), ctypes.c_int64(length)), 'fallocate')


def linkat_open(fd, path):
    """Gives an open file a name (AT_SYMLINK_FOLLOW of its /proc link)."""
    checked(libc.linkat(-100, f'/proc/self/fd/{fd}'.encode(), -100, os.fsencode(path), 0x400), 'linkat')


def statx(path):
    """(mask, btime, mtime) with times in nanoseconds."""
    buffer = ctypes.create_string_buffer(256)
    checked(libc.statx(-100, os.fsencode(path), 0x100, 0xfff, buffer), 'statx')
    mask, = struct.unpack_from('=I', buffer, 0)
    time = lambda at: (lambda seconds, nanoseconds: seconds * 10 ** 9 + nanoseconds)(*struct.unpack_from('=qI', buffer, at))
    return mask, time(80), time(112)


def fails(name, call, *args, **named):
    """The call must be refused with this errno and no other."""
    try:
        call(*args, **named)
    except OSError as error:
        got = errno.errorcode.get(error.errno)
        assert error.errno == getattr(errno, name), f'{call.__name__}{args!r:.200} gave {got}, not {name}'
    else:
        raise AssertionError(f'{call.__name__}{args!r:.200} succeeded, and should give {name}')


def child(action, uid=0, gid=None, groups=()):
    """Starts `action` in a process of another user; gives the process id."""
    pid = os.fork()
    if pid:
        return pid
    status = 1
    try:
        if uid or gid:
            os.setgroups(list(groups))
            os.setgid(uid if gid is None else gid)
            os.setuid(uid)
        action()
        status = 0
    except BaseException:
        traceback.print_exc()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(status)


def ends(*pids):
    """Waits for processes; all must have ended well."""
    for pid in pids:
        _, status = os.waitpid(pid, 0)
        assert status == 0, f'a process ended with {status:#x}'


def as_user(uid, action, gid=None, groups=()):
    ends(child(action, uid, gid, groups))


def put(path, data=b'', mode=0o644):
    with open(path, 'wb') as file:
        file.write(data)
    os.chmod(path, mode)
    return path


def get(path):
    with open(path, 'rb') as file:
        return file.read()


def mode(path):
    return os.lstat(path).st_mode & 0o7777


def fresh(name):
    """An empty directory that anybody may use, and the working directory from now on."""
    path = os.path.join(M, name)
    os.mkdir(path)
    os.chmod(path, 0o777)
    os.chdir(path)
    return path
