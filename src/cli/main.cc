// The program: one executable whose verbs are in commands/. It is small on purpose; engines, the Hub and Arrow lie in
// shared objects that are opened when a verb needs them.
#include <csignal>
#include <cstdlib>
#include <exception>
#include <string_view>
#include <vector>

#include "base/text.h"
#include "cli/dispatch.h"

int main(int argc, char** argv) {
  // OpenMP reads this once, when the first object that uses it is opened: spinning workers would starve our own
  // threads.
  setenv("OMP_WAIT_POLICY", "passive", 0);
  // A closed pipe or socket is an error of the write, told where it happens.
  std::signal(SIGPIPE, SIG_IGN);
  hearth::Terminal terminal;
  try {
    const std::vector<std::string_view> words(argv + 1, argv + argc);
    return hearth::cli::dispatch(words, hearth::cli::commands::entries(), terminal);
  } catch (const std::exception& error) {
    return terminal.fail(
        hearth::Status(hearth::Code::internal, hearth::cat("unexpected failure: ", std::string_view(error.what()))));
  }
}
