// Child processes: run to the end with captured output, or started and owned.
#pragma once

#include <sys/types.h>

#include <optional>
#include <string>
#include <vector>

#include "base/files.h"
#include "base/result.h"

namespace hearth {

struct ProcessOptions {
  std::vector<std::string> arguments;    ///< argv; [0] is looked up in PATH unless it holds a slash
  std::vector<std::string> environment;  ///< NAME=VALUE added to this process's own
  std::string folder;                    ///< working folder, empty: this one
  int stdin_fd = -1;                     ///< -1: /dev/null. The caller keeps ownership of all three.
  int stdout_fd = -1;                    ///< -1: this process's own
  int stderr_fd = -1;                    ///< -1: this process's own
  bool die_with_parent = true;           ///< the kernel kills it when the starting thread's process ends
};

/// A running child; killed and reaped when dropped.
class Process {
 public:
  static Result<Process> start(const ProcessOptions& options);
  Process(Process&& other) noexcept : pid_(std::exchange(other.pid_, -1)) {}
  Process& operator=(Process&& other) noexcept;
  ~Process();
  pid_t pid() const { return pid_; }
  /// Exit status once ended (128 + signal when killed), nothing while it runs. Never waits.
  std::optional<int> poll();
  /// Waits for the end.
  int wait();
  void signal(int number);

 private:
  explicit Process(pid_t pid) : pid_(pid) {}
  pid_t pid_ = -1;
  std::optional<int> ended_;
};

struct ProcessOutput {
  int exit_status = 0;
  std::string out;
  std::string err;
};

/// Runs to the end with `input` on standard input. Output over `max_bytes` a stream is too_large.
Result<ProcessOutput> run_process(ProcessOptions options, std::string_view input = {}, size_t max_bytes = 64u << 20);

/// The path of the running executable, and `name` in the folder of the project's shared objects beside it.
std::string executable_path();

}  // namespace hearth
