/*
 * The work of the small-operation rows, without a start of a program per operation.
 * Each command does one thing and prints the seconds that it took; what is prepared before the clock starts is not in them.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <err.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define MIB (1024 * 1024)
#define PAGE 4096
#define FILES_PER_DIR 100

static unsigned char buffer[MIB];
static uint64_t state = 88172645463325252ULL;

static uint64_t next(void) {
  state ^= state << 13;
  state ^= state >> 7;
  state ^= state << 17;
  return state;
}

/* Not compressible, and no two blocks alike: fill once, then number each block. */
static void fill(void) {
  for (size_t i = 0; i < MIB; i += 8) {
    uint64_t word = next();
    memcpy(buffer + i, &word, 8);
  }
}

static double now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return t.tv_sec + t.tv_nsec / 1e9;
}

static void done(double start) { printf("%.9f\n", now() - start); }

static int open_or_die(const char *path, int flags) {
  int fd = open(path, flags, 0644);
  if (fd < 0) err(1, "open %s", path);
  return fd;
}

static void write_all(int fd, size_t length, off_t offset) {
  for (size_t at = 0; at < length;) {
    ssize_t n = pwrite(fd, buffer + at, length - at, offset + at);
    if (n <= 0) err(1, "write");
    at += n;
  }
}

static void sync_or_die(int fd) {
  if (fsync(fd) != 0) err(1, "fsync");
}

static void write_file(const char *path, long mib) {
  fill();
  double start = now();
  int fd = open_or_die(path, O_WRONLY | O_CREAT | O_TRUNC);
  for (long i = 0; i < mib; i++) {
    memcpy(buffer, &i, sizeof i);
    write_all(fd, MIB, (off_t)i * MIB);
  }
  sync_or_die(fd);
  close(fd);
  done(start);
}

static long read_file(const char *path) {
  int fd = open_or_die(path, O_RDONLY);
  long total = 0;
  for (;;) {
    ssize_t n = read(fd, buffer, MIB);
    if (n < 0) err(1, "read %s", path);
    if (n == 0) break;
    total += n;
  }
  close(fd);
  return total;
}

/* 4 KiB at random places of a file that is there; durable after each, or at the end. */
static void overwrite(const char *path, long count, int each) {
  fill();
  int fd = open_or_die(path, O_WRONLY);
  struct stat st;
  if (fstat(fd, &st) != 0) err(1, "fstat");
  long pages = st.st_size / PAGE;
  double start = now();
  for (long i = 0; i < count; i++) {
    memcpy(buffer, &i, sizeof i);
    write_all(fd, PAGE, (off_t)(next() % pages) * PAGE);
    if (each) sync_or_die(fd);
  }
  if (!each) sync_or_die(fd);
  done(start);
  close(fd);
}

static void small_path(char *path, const char *dir, long i) { snprintf(path, 4096, "%s/d%03ld/file-%05ld.dat", dir, i / FILES_PER_DIR, i); }

/* fsync of a directory asks a filesystem of FUSE to write what it holds; the kernel does not pass syncfs to it. */
static void settle(const char *dir, const char *backing) {
  int fd = open_or_die(dir, O_RDONLY | O_DIRECTORY);
  sync_or_die(fd);
  if (syncfs(fd) != 0) err(1, "syncfs");
  close(fd);
  fd = open_or_die(backing, O_RDONLY | O_DIRECTORY);
  if (syncfs(fd) != 0) err(1, "syncfs");
  close(fd);
}

static void create(const char *dir, long count, long bytes, int each, const char *backing) {
  char path[4096];
  fill();
  double start = now();
  for (long i = 0; i < count; i++) {
    if (i % FILES_PER_DIR == 0) {
      snprintf(path, sizeof path, "%s/d%03ld", dir, i / FILES_PER_DIR);
      if (mkdir(path, 0755) != 0) err(1, "mkdir");
    }
    small_path(path, dir, i);
    int fd = open_or_die(path, O_WRONLY | O_CREAT | O_EXCL);
    memcpy(buffer, &i, sizeof i);
    write_all(fd, bytes, 0);
    if (each) sync_or_die(fd);
    close(fd);
  }
  if (!each) settle(dir, backing);
  done(start);
}

static void stat_files(const char *dir, long count) {
  char path[4096];
  struct stat st;
  double start = now();
  for (long i = 0; i < count; i++) {
    small_path(path, dir, i);
    if (lstat(path, &st) != 0) err(1, "stat");
  }
  done(start);
}

static void read_files(const char *dir, long count) {
  char path[4096];
  double start = now();
  for (long i = 0; i < count; i++) {
    small_path(path, dir, i);
    if (read_file(path) == 0) errx(1, "an empty file where there should be none");
  }
  done(start);
}

static void fill_dir(const char *dir, long count) {
  char path[4096];
  for (long i = 0; i < count; i++) {
    snprintf(path, sizeof path, "%s/entry-%06ld.txt", dir, i);
    close(open_or_die(path, O_WRONLY | O_CREAT | O_EXCL));
  }
  done(now());
}

static void list(const char *dir, long expected) {
  long count = 0;
  double start = now();
  DIR *d = opendir(dir);
  if (d == NULL) err(1, "opendir");
  while (readdir(d) != NULL) count++;
  closedir(d);
  done(start);
  if (count < expected) errx(1, "%ld entries where there should be %ld", count, expected);
}

static long tree_bytes;

static int visit(const char *path, const struct stat *st, int type, struct FTW *ftw) {
  (void)st;
  (void)ftw;
  if (type == FTW_DNR || type == FTW_NS) errx(1, "cannot read in the tree");
  if (type == FTW_F) tree_bytes += read_file(path);
  return 0;
}

static void read_tree(const char *dir, long expected) {
  double start = now();
  if (nftw(dir, visit, 64, FTW_PHYS) != 0) err(1, "nftw");
  done(start);
  if (tree_bytes < expected) errx(1, "%ld bytes where there should be %ld", tree_bytes, expected);
}

/* A whole program, from fork to its end; what it prints goes nowhere. */
static void run(char **command) {
  double start = now();
  pid_t pid = fork();
  if (pid < 0) err(1, "fork");
  if (pid == 0) {
    int null = open("/dev/null", O_WRONLY);
    dup2(null, 1);
    execvp(command[0], command);
    err(127, "%s", command[0]);
  }
  int status;
  waitpid(pid, &status, 0);
  if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) errx(1, "%s failed", command[0]);
  done(start);
}

int main(int argc, char **argv) {
  const char *what = argc > 2 ? argv[1] : "";
  long number = argc > 3 ? atol(argv[3]) : 0;
  if (strcmp(what, "run") == 0) run(argv + 2);
  else if (strcmp(what, "write") == 0 && argc == 4) write_file(argv[2], number);
  else if (strcmp(what, "read") == 0 && argc == 3) {
    double start = now();
    read_file(argv[2]);
    done(start);
  } else if (strcmp(what, "overwrite") == 0 && argc == 5) overwrite(argv[2], number, strcmp(argv[4], "each") == 0);
  else if (strcmp(what, "create") == 0 && argc == 7) create(argv[2], number, atol(argv[4]), strcmp(argv[5], "each") == 0, argv[6]);
  else if (strcmp(what, "stat") == 0 && argc == 4) stat_files(argv[2], number);
  else if (strcmp(what, "read-files") == 0 && argc == 4) read_files(argv[2], number);
  else if (strcmp(what, "fill-dir") == 0 && argc == 4) fill_dir(argv[2], number);
  else if (strcmp(what, "list") == 0 && argc == 4) list(argv[2], number);
  else if (strcmp(what, "read-tree") == 0 && argc == 4) read_tree(argv[2], number);
  else if (strcmp(what, "settle") == 0 && argc == 4) {
    double start = now();
    settle(argv[2], argv[3]);
    done(start);
  } else errx(2, "usage: see bench/rows.ts");
  return 0;
}
