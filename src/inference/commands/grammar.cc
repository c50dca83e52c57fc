// hearth grammar: what a regular expression, a JSON Schema or a GBNF grammar takes, without a model.
#include "base/text.h"
#include "inference/commands_registry.h"
#include "inference/generation_options.h"

namespace hearth::inference::commands {
namespace {

Status check(const Arguments& arguments, Terminal& terminal) {
  const auto grammar = TRY(grammar_option(arguments));
  if (!grammar) return {Code::bad_input, "hearth grammar takes --regex, --json-schema or --grammar"};
  if (arguments.has("sample")) {
    constexpr size_t kTextMax = 4000;
    const auto count = TRY(arguments.get_int("sample", 1, 1, 1 << 20));
    const auto seed = static_cast<uint64_t>(TRY(arguments.get_int("seed", 0, 0, INT64_MAX)));
    for (int64_t i = 0; i < count; ++i)
      if (const auto text = grammar->sample(seed + static_cast<uint64_t>(i), kTextMax))
        terminal.print_line(Json(*text).dump());
    return {};
  }
  for (auto line = terminal.read_line(); line.ok(); line = terminal.read_line()) {
    const auto text = TRY(Json::parse(*line));
    if (!text.is_string()) return {Code::bad_input, cat("not a JSON string: ", *line)};
    terminal.print_line(grammar->accepts(text.as_string()) ? "true" : "false");
  }
  return {};
}

int run(const Arguments& arguments, Terminal& terminal) {
  const auto status = check(arguments, terminal);
  return status.ok() ? 0 : terminal.fail(status);
}

}  // namespace

extern constinit const CommandBody grammar_entry{"grammar", run};

}  // namespace hearth::inference::commands
