/**
 * Receiving a descriptor from another process: recvmsg(2) with SCM_RIGHTS, called through koffi. unix(7), cmsg(3)
 *
 * The layouts are those of 64-bit Linux.
 * @packageDocumentation
 */
import koffi from 'koffi'

const AF_UNIX = 1
const SOCK_STREAM = 1
const SOCK_CLOEXEC = 0o2000000
const MSG_CMSG_CLOEXEC = 0x40000000
const SOL_SOCKET = 1
const SCM_RIGHTS = 1
/** cmsghdr: length (8 bytes), level, type; then one descriptor. */
const CMSG_BYTES = 24

const libc = koffi.load(null)
koffi.struct('iovec', { iov_base: 'void *', iov_len: 'size_t' })
koffi.struct('msghdr', {
  msg_name: 'void *', msg_namelen: 'uint32_t', msg_iov: 'iovec *', msg_iovlen: 'size_t', msg_control: 'void *', msg_controllen: 'size_t', msg_flags: 'int',
})
const socketpair = libc.func('int socketpair(int, int, int, _Out_ int *)')
const recvmsg = libc.func('long recvmsg(int, msghdr *, int)')

/** Two connected sockets; a child gets one only when it is handed over. */
export function pair(): [number, number] {
  const fds: [number, number] = [-1, -1]
  if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds) !== 0) throw new Error(`socketpair failed with errno ${koffi.errno()}`)
  return fds
}

/** Waits on the thread pool for a message. @returns undefined when the other side closed without one */
export function receiveDescriptor(socket: number): Promise<number | undefined> {
  const byte = Buffer.alloc(1)
  const control = Buffer.alloc(CMSG_BYTES)
  const message = {
    msg_name: null, msg_namelen: 0, msg_iov: [{ iov_base: byte, iov_len: 1 }], msg_iovlen: 1, msg_control: control, msg_controllen: CMSG_BYTES, msg_flags: 0,
  }
  return new Promise((resolve) => {
    recvmsg.async(socket, message, MSG_CMSG_CLOEXEC, (error: unknown, length: number | bigint) => {
      const whole = !error && Number(length) === 1 && control.readInt32LE(8) === SOL_SOCKET && control.readInt32LE(12) === SCM_RIGHTS
      resolve(whole ? control.readInt32LE(16) : undefined)
    })
  })
}
