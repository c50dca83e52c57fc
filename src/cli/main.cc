// The program: one executable whose verbs are in commands/. It is small on purpose; engines, the Hub and Arrow lie in
// shared objects that are opened when a verb needs them.
#include <csignal>
#include <cstdlib>
#include <exception>
#include <string_view>
#include <vector>

#include "base/files.h"
#include "base/process.h"
#include "base/text.h"
#include "cli/dispatch.h"

namespace {

/// The archive of scripts/dist brings a git for machines without one; the machine's own goes first.
void find_git() {
  const auto path = hearth::env("PATH");
  for (const auto folder : hearth::split(path, ':'))
    if (hearth::exists(hearth::path_join(folder, "git"))) return;
  const auto program = hearth::executable_path();
  const auto own = hearth::path_join(hearth::path_parent(hearth::path_parent(program)), "libexec/git-core");
  if (!hearth::exists(hearth::path_join(own, "git"))) return;
  setenv("PATH", hearth::cat(own, ":", path).c_str(), 1);
  setenv("GIT_EXEC_PATH", own.c_str(), 1);
}

}  // namespace

int main(int argc, char** argv) {
  // OpenMP reads this once, when the first object that uses it is opened: spinning workers would starve our own
  // threads.
  setenv("OMP_WAIT_POLICY", "passive", 0);
  // A closed pipe or socket is an error of the write, told where it happens.
  std::signal(SIGPIPE, SIG_IGN);
  find_git();
  hearth::Terminal terminal;
  try {
    const std::vector<std::string_view> words(argv + 1, argv + argc);
    return hearth::cli::dispatch(words, hearth::cli::commands::entries(), terminal);
  } catch (const std::exception& error) {
    return terminal.fail(
        hearth::Status(hearth::Code::internal, hearth::cat("unexpected failure: ", std::string_view(error.what()))));
  }
}
