#include "cli/dispatch.h"

#include <cstdlib>

#include "base/door.h"
#include "base/text.h"
#include "cli/help.h"

namespace hearth::cli {
namespace {

using Words = std::vector<std::string_view>;

/// Takes the global options out of `words`. `--help` and `--version` count as global before the verb only.
struct Globals {
  bool help = false;
  bool version = false;
};
Result<Globals> take_globals(Words& words) {
  Globals out;
  Words left;
  bool verb_seen = false;
  for (size_t i = 0; i < words.size(); ++i) {
    const auto word = words[i];
    if (word == "--") {
      left.insert(left.end(), words.begin() + static_cast<std::ptrdiff_t>(i), words.end());
      break;
    }
    std::string_view folder;
    if (word == "--data") {
      if (i + 1 == words.size()) return Status(Code::bad_input, "--data needs a value: --data DIR");
      folder = words[++i];
    } else if (word.starts_with("--data=")) {
      folder = word.substr(7);
    } else if (!verb_seen && (word == "--help" || word == "-h")) {
      out.help = true;
      continue;
    } else if (!verb_seen && word == "--version") {
      out.version = true;
      continue;
    } else if (!verb_seen && word.starts_with('-')) {
      return Status(Code::bad_input, cat("unknown option ", word, " before the verb; `hearth --help` lists the verbs"));
    } else {
      verb_seen = true;
      left.push_back(word);
      continue;
    }
    if (folder.empty()) return Status(Code::bad_input, "--data needs a folder, not an empty word");
    setenv("HEARTH_DATA", std::string(folder).c_str(), 1);
  }
  words = std::move(left);
  return out;
}

/// How many of the first words are `verb`'s words; 0 unless all of the verb's are there.
size_t match(std::string_view verb, const Words& words) {
  const auto parts = split(verb, ' ');
  if (parts.size() > words.size()) return 0;
  for (size_t i = 0; i < parts.size(); ++i)
    if (parts[i] != words[i]) return 0;
  return parts.size();
}

Status unknown(std::string_view typed, std::string_view prefix, const std::vector<std::string_view>& known) {
  std::string_view nearest;
  for (const auto name : known)
    if (nearest.empty() || edit_distance(typed, name) < edit_distance(typed, nearest)) nearest = name;
  const auto shown = cat(prefix, typed);
  if (!nearest.empty() && edit_distance(typed, nearest) <= std::max<size_t>(2, typed.size() / 3))
    return Status(Code::bad_input, cat("unknown command '", shown, "' (did you mean `hearth ", prefix, nearest, "`?)"));
  return Status(Code::bad_input, cat("unknown command '", shown, "'; `hearth ", prefix, "--help` lists the commands"));
}

int run(const Command& command, std::span<const std::string_view> words, Terminal& terminal) {
  for (const auto word : words) {
    if (word == "--") break;
    if (word == "--help" || word == "-h") {
      terminal.print(verb_help(command, terminal.width()));
      return 0;
    }
  }
  auto arguments = Arguments::parse(words, command.options);
  if (!arguments.ok()) return terminal.fail(std::move(arguments).status().with(cat("hearth ", command.verb)));
  if (command.run) return command.run(*arguments, terminal);

  const auto symbol = cat("hearth_", command.object, "_run");
  const auto door = open_door(command.object, symbol.c_str());
  if (!door.ok()) return terminal.fail(door.status());
  const auto canonical = arguments->words();
  const Words views(canonical.begin(), canonical.end());
  return reinterpret_cast<CommandDoor>(*door)(command.verb, views, terminal);
}

}  // namespace

int dispatch(std::span<const std::string_view> all_words, std::span<const Commands* const> table, Terminal& terminal) {
  Words words(all_words.begin(), all_words.end());
  const auto globals = take_globals(words);
  if (!globals.ok()) return terminal.fail(globals.status());
  if (globals->version) {
    terminal.print_line("hearth " HEARTH_VERSION);
    return 0;
  }
  if (globals->help && !words.empty()) words.push_back("--help");
  if (words.empty()) {
    terminal.print(main_help(table, terminal.width()));
    return 0;
  }

  const Commands* group = nullptr;
  std::vector<std::string_view> names;
  for (const auto* commands : table) {
    if (commands->name == words[0]) group = commands;
    if (commands->group != Group::internal) names.push_back(commands->name);
  }
  if (!group) return terminal.fail(unknown(words[0], "", names));

  const Command* best = nullptr;
  size_t best_length = 0;
  for (const auto& command : group->rows)
    if (const auto length = match(command.verb, words); length > best_length) best = &command, best_length = length;
  if (best) return run(*best, std::span(words).subspan(best_length), terminal);

  // A verb of several words whose rest is missing, asked for help, or mistyped.
  size_t depth = 1;
  std::string prefix = cat(group->name, " ");
  for (bool deeper = true; deeper && depth < words.size();) {
    deeper = false;
    for (const auto& command : group->rows) deeper = deeper || command.verb.starts_with(cat(prefix, words[depth], " "));
    if (deeper) prefix += cat(words[depth++], " ");
  }
  const bool asked = depth < words.size() && (words[depth] == "--help" || words[depth] == "-h");
  if (asked || depth == words.size()) {
    terminal.print(group_help(*group, prefix, terminal.width()));
    return asked ? 0 : code_row(Code::bad_input).exit_code;
  }
  names.clear();
  for (const auto& command : group->rows) {
    if (!command.verb.starts_with(prefix)) continue;
    const auto rest = command.verb.substr(prefix.size());
    names.push_back(rest.substr(0, rest.find(' ')));
  }
  return terminal.fail(unknown(words[depth], prefix, names));
}

}  // namespace hearth::cli
