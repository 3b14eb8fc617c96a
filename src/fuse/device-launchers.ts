/**
 * Programs in Perl and Python that mount through fusermount3 and tie descriptor 3, an open /dev/fuse, to the new mount.
 *
 * Arguments: directory, options. They write one line when the mount is there and end when their standard input ends: fusermount3
 * with auto_unmount watches the socket that they hold. They wait a moment first: of the files of a process that is killed the
 * pipe may go before the device, and fusermount3 looks once whether the mount is dead. 127 is the exit code when there is no fusermount3.
 * Standard modules only. FUSE_DEV_IOC_CLONE is 0x8004e500; recvmsg(2) has number 47 on x86-64 and 212 on the other 64-bit machines.
 * @packageDocumentation
 */

export const PYTHON = `
import os, socket, struct, sys, time, fcntl
ours, theirs = socket.socketpair()
child = os.fork()
if child == 0:
    os.set_inheritable(theirs.fileno(), True)
    os.environ['_FUSE_COMMFD'] = str(theirs.fileno())
    null = os.open('/dev/null', os.O_RDWR)
    os.dup2(null, 0)
    os.dup2(null, 1)
    os.close(3)
    try:
        os.execvp('fusermount3', ['fusermount3', '-o', sys.argv[2], '--', sys.argv[1]])
    finally:
        os._exit(127)
theirs.close()
_, rights, _, _ = ours.recvmsg(1, 64)
if not rights:
    sys.exit(os.WEXITSTATUS(os.waitpid(child, 0)[1]) or 1)
fd = struct.unpack('i', rights[0][2][:4])[0]
fcntl.ioctl(3, 0x8004e500, struct.pack('I', fd))
os.close(fd)
os.close(3)
os.write(1, b'mounted\\n')
os.close(2)
while os.read(0, 1):
    pass
time.sleep(0.2)
`

export const PERL = `
use strict; use warnings; use Socket; use POSIX ();
$^F = 255;
socketpair(my $ours, my $theirs, AF_UNIX, SOCK_STREAM, PF_UNSPEC) or die "socketpair: $!\\n";
my $child = fork() // die "fork: $!\\n";
if ($child == 0) {
  close $ours;
  $ENV{_FUSE_COMMFD} = fileno $theirs;
  open STDIN, '<', '/dev/null'; open STDOUT, '>', '/dev/null';
  POSIX::close(3);
  { no warnings; exec {'fusermount3'} 'fusermount3', '-o', $ARGV[1], '--', $ARGV[0]; }
  POSIX::_exit(127);
}
close $theirs;
my ($byte, $control) = ("\\0" x 1, "\\0" x 24);
my $iov = pack 'P Q', $byte, 1;
my $message = pack 'Q Q P Q P Q Q', 0, 0, $iov, 1, $control, 24, 0;
my $length = syscall((POSIX::uname())[4] eq 'x86_64' ? 47 : 212, fileno($ours), $message, 0);
my (undef, $level, $type, $fd) = unpack 'Q i i i', $control;
if ($length != 1 || $level != 1 || $type != 1) { waitpid $child, 0; exit($? >> 8 || 1); }
open my $device, '+<&=', 3 or die "descriptor 3: $!\\n";
defined ioctl($device, 0x8004e500, pack('I', $fd)) or die "ioctl: $!\\n";
POSIX::close($fd);
POSIX::close(3);
syswrite STDOUT, "mounted\\n";
close STDERR;
1 while sysread STDIN, $byte, 1;
select undef, undef, undef, 0.2;
`
