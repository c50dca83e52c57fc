/* A disk that misbehaves: preloaded into a program (LD_PRELOAD), it watches what that does to files below one folder.
 *
 * HEARTH_DISK_ROOT     the folder; the rest of the machine is left alone
 * HEARTH_DISK_LOG      each change is noted here in the order of its happening, with what a sync made durable: enough
 * to build every folder that a power cut could leave (tests/clients/test_disk.py does) HEARTH_DISK_CONTROL  a file
 * mapped by tester and program: the n-th operation from now on fails (struct control)
 *
 * A record of the log is a line, and after it as many bytes as the line's last word says:
 *   create INODE PATH | make PATH | rename PATH PATH | link PATH PATH | unlink PATH | remove PATH   names
 *   truncate INODE SIZE | write INODE OFFSET LENGTH                                                  databases' files
 *   sync INODE LENGTH                                  the whole content then (of databases' files none: writes are
 * known) syncdir PATH
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

struct control {
  atomic_long count;    /* operations since the tester set it to 0 */
  atomic_long fail_at;  /* the operation that fails; 0: none */
  atomic_int error;     /* its errno; 0: half of a write is done, and said so */
  atomic_int lasting;   /* so do all that follow, until the tester says otherwise */
  atomic_int databases; /* 0: other files alone, 1: SQLite's alone */
};

static char root[PATH_MAX];
static size_t root_length;
static int log_fd = -1;
static struct control* control;

#define REAL(name) ((__typeof__(&name))real_function(#name))
static void* real_function(const char* name) {
  return dlsym(RTLD_NEXT, name);
}

__attribute__((constructor)) static void begin(void) {
  const char* folder = getenv("HEARTH_DISK_ROOT");
  if (!folder || !realpath(folder, root)) return;
  root_length = strlen(root);
  const char* log = getenv("HEARTH_DISK_LOG");
  if (log) log_fd = REAL(open)(log, O_WRONLY | O_APPEND | O_CLOEXEC);
  const char* shared = getenv("HEARTH_DISK_CONTROL");
  const int fd = shared ? REAL(open)(shared, O_RDWR | O_CLOEXEC) : -1;
  if (fd < 0) return;
  void* mapped = mmap(NULL, sizeof *control, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  if (mapped != MAP_FAILED) control = mapped;
  REAL(close)(fd);
}

/* ---- which files ---- */

static int is_below(const char* path) {
  return root_length && strncmp(path, root, root_length) == 0 && path[root_length] == '/';
}

static int is_database(const char* path) {
  const char* name = strrchr(path, '/');
  return name && strstr(name, ".db") != NULL;
}

static int is_ignored(const char* path) { /* SQLite makes its shared memory anew */
  const size_t length = strlen(path);
  return length > 4 && strcmp(path + length - 4, "-shm") == 0;
}

/* The path of an open file below the folder; 0 for any other. */
static int path_of(int fd, char* out) {
  char link[64];
  snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
  const ssize_t got = readlink(link, out, PATH_MAX - 1);
  if (got <= 0) return 0;
  out[got] = '\0';
  return (is_below(out) || (root_length && strcmp(out, root) == 0)) && !is_ignored(out);
}

/* The absolute path of a name, whose folder must exist. */
static int absolute(int folder, const char* name, char* out) {
  char joined[PATH_MAX];
  if (name[0] == '/') {
    snprintf(joined, sizeof joined, "%s", name);
  } else {
    char base[PATH_MAX];
    if (folder == AT_FDCWD) {
      if (!getcwd(base, sizeof base)) return 0;
    } else {
      char link[64];
      snprintf(link, sizeof link, "/proc/self/fd/%d", folder);
      const ssize_t got = readlink(link, base, sizeof base - 1);
      if (got <= 0) return 0;
      base[got] = '\0';
    }
    if (snprintf(joined, sizeof joined, "%s/%s", base, name) >= (int)sizeof joined) return 0;
  }
  size_t length = strlen(joined);
  while (length > 1 && joined[length - 1] == '/') joined[--length] = '\0';
  char* last = strrchr(joined, '/');
  if (!last) return 0;
  char parent[PATH_MAX];
  *last = '\0';
  if (!realpath(joined[0] ? joined : "/", parent)) return 0;
  if (snprintf(out, PATH_MAX, "%s/%s", parent, last + 1) >= PATH_MAX) return 0;
  return is_below(out) && !is_ignored(out);
}

static unsigned long inode_of(int fd) {
  struct stat info;
  return fstat(fd, &info) == 0 ? (unsigned long)info.st_ino : 0;
}

/* ---- the log ---- */

static void note(const void* bytes, size_t length, const char* format, ...) {
  if (log_fd < 0) return;
  const int kept = errno;
  char line[3 * PATH_MAX];
  va_list arguments;
  va_start(arguments, format);
  const int size = vsnprintf(line, sizeof line, format, arguments);
  va_end(arguments);
  struct iovec parts[2] = {{line, (size_t)size}, {(void*)bytes, length}};
  const ssize_t written = REAL(writev)(log_fd, parts, 2); /* one call on O_APPEND: records do not mix */
  if (written != (ssize_t)(size + length)) abort();
  errno = kept;
}

static void note_sync(int fd, const char* path) {
  struct stat info;
  if (log_fd < 0 || fstat(fd, &info) != 0) return;
  if (S_ISDIR(info.st_mode)) {
    note(NULL, 0, "syncdir\t%s\t0\n", path);
    return;
  }
  if (is_database(path)) {
    note(NULL, 0, "sync\t%lu\t0\n", (unsigned long)info.st_ino);
    return;
  }
  char link[64]; /* the file may be open for writing alone */
  snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
  const int again = REAL(open)(link, O_RDONLY | O_CLOEXEC);
  char* bytes = malloc((size_t)info.st_size + 1);
  size_t have = 0;
  for (ssize_t got; again >= 0 && bytes && have < (size_t)info.st_size; have += (size_t)got)
    if ((got = pread(again, bytes + have, (size_t)info.st_size - have, (off_t)have)) <= 0) break;
  if (have != (size_t)info.st_size) abort();
  note(bytes, have, "sync\t%lu\t%zu\n", (unsigned long)info.st_ino, have);
  free(bytes);
  REAL(close)(again);
}

/* ---- failing ---- */

/* Does this operation fail? Then errno is set, or (`half` given) it is to be done by half. */
static int fails(const char* path, int* half) {
  if (!control || is_database(path) != atomic_load(&control->databases)) return 0;
  const long number = atomic_fetch_add(&control->count, 1) + 1;
  const long at = atomic_load(&control->fail_at);
  if (at == 0 || (atomic_load(&control->lasting) ? number < at : number != at)) return 0;
  const int error = atomic_load(&control->error);
  if (error == 0) {
    if (half) *half = 1;
    return 0;
  }
  errno = error;
  return 1;
}

/* ---- what programs call ---- */

static int open_at(int folder, const char* name, int flags, mode_t mode) {
  char path[PATH_MAX];
  if (!(flags & (O_CREAT | O_TRUNC)) || (flags & O_TMPFILE) == O_TMPFILE || !absolute(folder, name, path))
    return REAL(openat)(folder, name, flags, mode);
  const int existed = access(path, F_OK) == 0;
  if (!existed && fails(path, NULL)) return -1;
  const int fd = REAL(openat)(folder, name, flags, mode);
  if (fd >= 0 && !existed) note(NULL, 0, "create\t%lu\t%s\t0\n", inode_of(fd), path);
  if (fd >= 0 && existed && (flags & O_TRUNC)) note(NULL, 0, "truncate\t%lu\t0\t0\n", inode_of(fd));
  return fd;
}

#define OPEN_MODE                               \
  mode_t mode = 0;                              \
  if (flags & (O_CREAT | __O_TMPFILE)) {        \
    va_list arguments;                          \
    va_start(arguments, flags);                 \
    mode = (mode_t)va_arg(arguments, unsigned); \
    va_end(arguments);                          \
  }

int open(const char* name, int flags, ...) {
  OPEN_MODE
  return open_at(AT_FDCWD, name, flags, mode);
}
int open64(const char* name, int flags, ...) {
  OPEN_MODE
  return open_at(AT_FDCWD, name, flags | O_LARGEFILE, mode);
}
int openat(int folder, const char* name, int flags, ...) {
  OPEN_MODE
  return open_at(folder, name, flags, mode);
}
int openat64(int folder, const char* name, int flags, ...) {
  OPEN_MODE
  return open_at(folder, name, flags | O_LARGEFILE, mode);
}
int creat(const char* name, mode_t mode) {
  return open_at(AT_FDCWD, name, O_WRONLY | O_CREAT | O_TRUNC, mode);
}
int mkstemp(char* name) {
  const int fd = REAL(mkstemp)(name);
  char path[PATH_MAX];
  if (fd >= 0 && path_of(fd, path)) note(NULL, 0, "create\t%lu\t%s\t0\n", inode_of(fd), path);
  return fd;
}
char* mkdtemp(char* name) {
  char path[PATH_MAX];
  char* made = REAL(mkdtemp)(name);
  if (made && absolute(AT_FDCWD, name, path)) note(NULL, 0, "make\t%s\t0\n", path);
  return made;
}
int mkstemp64(char* name) {
  return mkstemp(name);
}

static void note_write(int fd, const char* path, const void* bytes, ssize_t length, off_t offset) {
  if (log_fd >= 0 && length > 0 && is_database(path))
    note(bytes, (size_t)length, "write\t%lu\t%lld\t%zd\n", inode_of(fd), (long long)offset, length);
}

ssize_t write(int fd, const void* bytes, size_t length) {
  char path[PATH_MAX];
  int half = 0;
  if (!root_length || fd == log_fd || !path_of(fd, path)) return REAL(write)(fd, bytes, length);
  if (fails(path, &half)) return -1;
  const off_t offset = lseek(fd, 0, SEEK_CUR);
  const ssize_t done = REAL(write)(fd, bytes, half && length > 1 ? length / 2 : length);
  note_write(fd, path, bytes, done, offset);
  return done;
}
ssize_t pwrite(int fd, const void* bytes, size_t length, off_t offset) {
  char path[PATH_MAX];
  int half = 0;
  if (!root_length || !path_of(fd, path)) return REAL(pwrite)(fd, bytes, length, offset);
  if (fails(path, &half)) return -1;
  const ssize_t done = REAL(pwrite)(fd, bytes, half && length > 1 ? length / 2 : length, offset);
  note_write(fd, path, bytes, done, offset);
  return done;
}
ssize_t pwrite64(int fd, const void* bytes, size_t length, off64_t offset) {
  return pwrite(fd, bytes, length, offset);
}
ssize_t writev(int fd, const struct iovec* parts, int count) {
  char path[PATH_MAX];
  if (root_length && path_of(fd, path) && fails(path, NULL)) return -1;
  return REAL(writev)(fd, parts, count);
}

static int sync_by(int fd, int (*real)(int)) {
  char path[PATH_MAX];
  if (!root_length || !path_of(fd, path)) return real(fd);
  if (fails(path, NULL)) return -1;
  const int done = real(fd);
  if (done == 0) note_sync(fd, path);
  return done;
}
int fsync(int fd) {
  return sync_by(fd, REAL(fsync));
}
int fdatasync(int fd) {
  return sync_by(fd, REAL(fdatasync));
}

int ftruncate(int fd, off_t size) {
  char path[PATH_MAX];
  if (!root_length || !path_of(fd, path)) return REAL(ftruncate)(fd, size);
  if (fails(path, NULL)) return -1;
  const int done = REAL(ftruncate)(fd, size);
  if (done == 0) note(NULL, 0, "truncate\t%lu\t%lld\t0\n", inode_of(fd), (long long)size);
  return done;
}
int ftruncate64(int fd, off64_t size) {
  return ftruncate(fd, size);
}

int renameat2(int from_folder, const char* from, int to_folder, const char* to, unsigned flags) {
  char from_path[PATH_MAX], to_path[PATH_MAX];
  if (!absolute(to_folder, to, to_path) || !absolute(from_folder, from, from_path))
    return REAL(renameat2)(from_folder, from, to_folder, to, flags);
  if (fails(to_path, NULL)) return -1;
  const int done = REAL(renameat2)(from_folder, from, to_folder, to, flags);
  if (done == 0) note(NULL, 0, "rename\t%s\t%s\t0\n", from_path, to_path);
  return done;
}
int renameat(int from_folder, const char* from, int to_folder, const char* to) {
  return renameat2(from_folder, from, to_folder, to, 0);
}
int rename(const char* from, const char* to) {
  return renameat2(AT_FDCWD, from, AT_FDCWD, to, 0);
}

int linkat(int from_folder, const char* from, int to_folder, const char* to, int flags) {
  char from_path[PATH_MAX], to_path[PATH_MAX];
  if (!absolute(to_folder, to, to_path) || !absolute(from_folder, from, from_path))
    return REAL(linkat)(from_folder, from, to_folder, to, flags);
  if (fails(to_path, NULL)) return -1;
  const int done = REAL(linkat)(from_folder, from, to_folder, to, flags);
  if (done == 0) note(NULL, 0, "link\t%s\t%s\t0\n", from_path, to_path);
  return done;
}
int link(const char* from, const char* to) {
  return linkat(AT_FDCWD, from, AT_FDCWD, to, 0);
}

int unlinkat(int folder, const char* name, int flags) {
  char path[PATH_MAX];
  if (!absolute(folder, name, path)) return REAL(unlinkat)(folder, name, flags);
  const int done = REAL(unlinkat)(folder, name, flags);
  if (done == 0) note(NULL, 0, "%s\t%s\t0\n", flags & AT_REMOVEDIR ? "remove" : "unlink", path);
  return done;
}
int unlink(const char* name) {
  return unlinkat(AT_FDCWD, name, 0);
}
int rmdir(const char* name) {
  return unlinkat(AT_FDCWD, name, AT_REMOVEDIR);
}
int remove(const char* name) {
  struct stat info;
  if (lstat(name, &info) != 0) return -1;
  return S_ISDIR(info.st_mode) ? rmdir(name) : unlink(name);
}

int mkdirat(int folder, const char* name, mode_t mode) {
  char path[PATH_MAX];
  if (!absolute(folder, name, path)) return REAL(mkdirat)(folder, name, mode);
  if (access(path, F_OK) != 0 && fails(path, NULL)) return -1;
  const int done = REAL(mkdirat)(folder, name, mode);
  if (done == 0) note(NULL, 0, "make\t%s\t0\n", path);
  return done;
}
int mkdir(const char* name, mode_t mode) {
  return mkdirat(AT_FDCWD, name, mode);
}
