// From the words of a command line to the verb that runs: global options, the longest matching verb, help, "did you
// mean".
#pragma once

#include <span>
#include <string_view>

#include "base/terminal.h"
#include "cli/commands_registry.h"

namespace hearth::cli {

/// Runs the command line `words` (without the program's name) against `table`; the exit code.
int dispatch(std::span<const std::string_view> words, std::span<const Commands* const> table, Terminal& terminal);

}  // namespace hearth::cli
