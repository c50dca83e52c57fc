/* hearth-hook: git's pre-receive and post-receive hooks. Git starts it by a link named after the hook; it carries what
 * git says to the front's Unix socket and prints the verdict, which git shows in the pushing person's terminal.
 * A static program of its own: starting `hearth` twice a push would cost more than all of git's work.
 * Source: git 2.39 Documentation/githooks.txt. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

enum { kInputMax = 4 << 20, kAnswerMax = 1 << 20 };

static int fail(const char* what) {
  fprintf(stderr, "the hub could not judge this push: %s (%s)\n", what, strerror(errno));
  return 1;
}

/* All that comes from fd, at most `max` bytes; its length, or -1. */
static ssize_t read_all(int fd, char* out, size_t max) {
  size_t length = 0;
  while (length < max) {
    const ssize_t n = read(fd, out + length, max - length);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return -1;
    if (n == 0) return (ssize_t)length;
    length += (size_t)n;
  }
  errno = EFBIG;
  return -1;
}

static int write_all(int fd, const char* bytes, size_t length) {
  while (length > 0) {
    const ssize_t n = write(fd, bytes, length);
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return -1;
    bytes += n;
    length -= (size_t)n;
  }
  return 0;
}

int main(int argc, char** argv) {
  const char* slash = argc > 0 ? strrchr(argv[0], '/') : NULL;
  const char* hook = slash ? slash + 1 : "pre-receive";
  const char* path = getenv("HEARTH_HOOK_SOCKET");
  const char* push = getenv("HEARTH_HOOK_PUSH");
  const char* quarantine = getenv("GIT_QUARANTINE_PATH");
  struct sockaddr_un address = {.sun_family = AF_UNIX};
  if (!path || !push || strlen(path) >= sizeof address.sun_path) return fail("not started by the hub");
  strcpy(address.sun_path, path);

  char* input = malloc(kInputMax);
  char* answer = malloc(kAnswerMax + 1);
  if (!input || !answer) return fail("no memory");
  const ssize_t length = read_all(0, input, kInputMax);
  if (length < 0) return fail("cannot read git's list of references");

  const int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (fd < 0 || connect(fd, (struct sockaddr*)&address, sizeof address) != 0) return fail(path);
  char head[8192];
  const int written = snprintf(head, sizeof head,
                               "POST /%s HTTP/1.1\r\nHost: hook\r\nConnection: close\r\nX-Push: %s\r\n"
                               "X-Quarantine: %s\r\nContent-Length: %zd\r\n\r\n",
                               hook, push, quarantine ? quarantine : "", length);
  if (written < 0 || (size_t)written >= sizeof head) return fail("a path is too long");
  if (write_all(fd, head, (size_t)written) != 0 || write_all(fd, input, (size_t)length) != 0) return fail(path);
  const ssize_t got = read_all(fd, answer, kAnswerMax);
  if (got < 0) return fail("no answer");
  answer[got] = 0;
  const char* body = strstr(answer, "\r\n\r\n");
  if (!body) return fail("no answer");
  fputs(body + 4, stderr);
  return strncmp(answer, "HTTP/1.1 200", 12) == 0 ? 0 : 1;
}
