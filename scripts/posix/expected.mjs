/**
 * What the suites cannot pass, and why. A run fails when one of these passes, and when anything else does not: the list
 * cannot go out of date unnoticed. docs/posix.md tells the same in words.
 */

export const PJDFSTEST = {
  failed: {},
  skipped: {
    'link::link_count_max':
      'pathconf(_PC_LINK_MAX) knows the limits of a few filesystems by their magic number, and says 127 for all others, FUSE among them; ' +
      'EMLINK at our limit of 5,000 is tested in test/mount/posix-names.test.ts',
  },
}

export const POSIXTEST = {
  failed: {
    FcntlFlockLocksFile:
      'takes two fcntl(2) locks in one process and wants them to conflict; such locks belong to the process, so they do not on any filesystem ' +
      '(locks between processes are tested in test/mount/posix-locks.test.ts)',
  },
  skipped: {},
}
