// The help texts: of the program, of a verb with sub-verbs, of one verb; wrapped to the terminal.
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "cli/commands_registry.h"

namespace hearth::cli {

std::string main_help(std::span<const Commands* const> table, int width);
/// The sub-verbs of `commands` whose verb begins with `prefix` ("admin ", "admin user ").
std::string group_help(const Commands& commands, std::string_view prefix, int width);
std::string verb_help(const Command& command, int width);

}  // namespace hearth::cli
