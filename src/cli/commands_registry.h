// The verbs of `hearth`: one file of commands/ holds the rows of one top-level verb ("auth": auth login, auth whoami).
// A verb whose work lies in another shared object has flags and help here and its body in that object's room, in the
// registry folder `commands/` (base/door.h), so that help needs none of the objects.
//
// The global option `--data DIR` is no verb's own: it is taken out of the words, wherever it stands, and handed on as
// the environment variable HEARTH_DATA, which every body reads.
#pragma once

#include <span>
#include <string_view>

#include "base/arguments.h"
#include "base/terminal.h"

namespace hearth::cli {

/// Under which heading `hearth --help` lists a verb; `internal` is not listed.
enum class Group { run, hub, repositories, files, machine, internal };

/// One verb. Literal: give either `object` ("hub", "nn", "data") or `run`.
struct Command {
  std::string_view verb;     ///< all its words: "auth login"
  std::string_view usage;    ///< its words after the options: "REPO_ID [FILENAMES]..."
  std::string_view summary;  ///< one sentence
  std::span<const Option> options;
  std::string_view help;  ///< after the summary: paragraphs, then "Examples\n" with a "  $ hearth ..." line each
  std::string_view object = {};
  int (*run)(const Arguments& arguments, Terminal& terminal) = nullptr;
};

/// The rows of one top-level verb. `summary` is that of the whole ("Manage repositories on the Hub.").
struct Commands {
  Group group;
  std::string_view name;
  std::string_view summary;
  std::span<const Command> rows;
};

}  // namespace hearth::cli

namespace hearth::cli::commands {
using Entry = Commands;
std::span<const Entry* const> entries();
}  // namespace hearth::cli::commands
