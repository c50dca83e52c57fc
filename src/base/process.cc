#include "base/process.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <climits>
#include <csignal>
#include <cstring>

#include "base/text.h"

namespace hearth {
namespace {

int status_of(int wait_status) {
  return WIFEXITED(wait_status) ? WEXITSTATUS(wait_status) : 128 + WTERMSIG(wait_status);
}

// Runs in the child between fork and exec: only async-signal-safe calls.
[[noreturn]] void become(const ProcessOptions& options, char* const* argv, char* const* envp, int null_fd, pid_t parent,
                         int report_fd) {
  if (options.die_with_parent) {
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent) _exit(127);
  }
  sigset_t none;
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, nullptr);
  signal(SIGPIPE, SIG_DFL);
  dup2(options.stdin_fd >= 0 ? options.stdin_fd : null_fd, 0);
  if (options.stdout_fd >= 0) dup2(options.stdout_fd, 1);
  if (options.stderr_fd >= 0) dup2(options.stderr_fd, 2);
  if (options.folder.empty() || chdir(options.folder.c_str()) == 0) execvpe(argv[0], argv, envp);
  const int error = errno;
  static_cast<void>(!write(report_fd, &error, sizeof error));
  _exit(127);
}

}  // namespace

Result<Process> Process::start(const ProcessOptions& options) {
  VERIFY(!options.arguments.empty(), "a process has a program");
  std::vector<char*> argv, envp;
  for (const auto& argument : options.arguments) argv.push_back(const_cast<char*>(argument.c_str()));
  argv.push_back(nullptr);
  for (const auto& variable : options.environment) envp.push_back(const_cast<char*>(variable.c_str()));
  for (char** variable = environ; *variable; ++variable) {
    const std::string_view name(*variable, std::strcspn(*variable, "=") + 1);
    bool replaced = false;
    for (const auto& ours : options.environment) replaced |= std::string_view(ours).starts_with(name);
    if (!replaced) envp.push_back(*variable);
  }
  envp.push_back(nullptr);

  int report[2];
  if (pipe2(report, O_CLOEXEC) != 0) return errno_status("cannot start", options.arguments[0]);
  const Fd report_read(report[0]);
  Fd report_write(report[1]);
  const Fd null_fd(::open("/dev/null", O_RDONLY | O_CLOEXEC));
  const pid_t parent = getpid();
  const pid_t pid = fork();
  if (pid < 0) return errno_status("cannot start", options.arguments[0]);
  if (pid == 0) become(options, argv.data(), envp.data(), null_fd.get(), parent, report_write.get());
  report_write.close();
  int error = 0;
  if (::read(report_read.get(), &error, sizeof error) == sizeof error) {
    waitpid(pid, nullptr, 0);
    errno = error;
    return errno_status("cannot start", options.arguments[0]);
  }
  return Process(pid);
}

Process& Process::operator=(Process&& other) noexcept {
  std::swap(pid_, other.pid_);
  std::swap(ended_, other.ended_);
  return *this;
}

Process::~Process() {
  if (pid_ < 0 || ended_) return;
  kill(pid_, SIGKILL);
  wait();
}

std::optional<int> Process::poll() {
  int status = 0;
  if (!ended_ && waitpid(pid_, &status, WNOHANG) == pid_) ended_ = status_of(status);
  return ended_;
}

int Process::wait() {
  int status = 0;
  while (!ended_) {
    if (waitpid(pid_, &status, 0) == pid_)
      ended_ = status_of(status);
    else if (errno != EINTR)
      ended_ = 127;
  }
  return *ended_;
}

void Process::signal(int number) {
  if (pid_ > 0 && !poll()) kill(pid_, number);
}

Result<ProcessOutput> run_process(ProcessOptions options, std::string_view input, size_t max_bytes) {
  int in[2], out[2], err[2];
  if (pipe2(in, O_CLOEXEC) != 0) return errno_status("cannot start", options.arguments[0]);
  const Fd in_read(in[0]);
  Fd in_write(in[1]);
  if (pipe2(out, O_CLOEXEC) != 0) return errno_status("cannot start", options.arguments[0]);
  Fd out_read(out[0]), out_write(out[1]);
  if (pipe2(err, O_CLOEXEC) != 0) return errno_status("cannot start", options.arguments[0]);
  Fd err_read(err[0]), err_write(err[1]);
  options.stdin_fd = in_read.get();
  options.stdout_fd = out_write.get();
  options.stderr_fd = err_write.get();
  auto process = TRY(Process::start(options));
  out_write.close();
  err_write.close();
  fcntl(in_write.get(), F_SETFL, O_NONBLOCK);
  if (input.empty()) in_write.close();

  ProcessOutput output;
  const auto drain = [&](Fd& fd, std::string& into) -> Status {
    char buffer[65536];
    const ssize_t got = ::read(fd.get(), buffer, sizeof buffer);
    if (got > 0) into.append(buffer, static_cast<size_t>(got));
    if (got == 0) fd.close();
    if (into.size() > max_bytes)
      return Status(Code::too_large, cat(options.arguments[0], " printed over ", max_bytes, " bytes"));
    return {};
  };
  while (out_read || err_read) {
    pollfd waits[3] = {{out_read.get(), POLLIN, 0}, {err_read.get(), POLLIN, 0}, {in_write.get(), POLLOUT, 0}};
    if (::poll(waits, 3, -1) < 0 && errno != EINTR) return errno_status("cannot wait for", options.arguments[0]);
    if (waits[0].revents) TRY(drain(out_read, output.out));
    if (waits[1].revents) TRY(drain(err_read, output.err));
    if (waits[2].revents && in_write) {
      const ssize_t put = ::write(in_write.get(), input.data(), input.size());
      if (put > 0) input.remove_prefix(static_cast<size_t>(put));
      if (input.empty() || (put < 0 && errno != EAGAIN && errno != EINTR)) in_write.close();
    }
  }
  output.exit_status = process.wait();
  return output;
}

std::string executable_path() {
  char buffer[PATH_MAX];
  const ssize_t size = ::readlink("/proc/self/exe", buffer, sizeof buffer);
  return size > 0 ? std::string(buffer, static_cast<size_t>(size)) : std::string();
}

}  // namespace hearth
