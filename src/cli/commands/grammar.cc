// hearth grammar: flags and help; the body is in inference/commands/grammar.cc.
#include "cli/commands_registry.h"
#include "cli/generation_flags.h"

namespace hearth::cli::commands {
namespace {

constexpr Option kOptions[] = {
    kRegexOption,   kJsonSchemaOption,
    kGrammarOption, {"sample", "N", "write N texts of the grammar instead, those that end early enough"},
    kSeedOption,
};
constexpr Command kRows[] = {{
    .verb = "grammar",
    .usage = "",
    .summary = "Check texts against a regular expression, JSON Schema or grammar.",
    .options = kOptions,
    .help = "Reads texts from standard input, each line one as a JSON string, and writes true or false for each.\n\n"
            "Examples\n"
            "  $ echo '\"2026-11-23\"' | hearth grammar --regex '[0-9]{4}-[0-9]{2}-[0-9]{2}'\n"
            "  $ hearth grammar --json-schema person.json --sample 3\n",
    .object = "nn",
}};

}  // namespace

extern constinit const Commands grammar_entry{Group::files, "grammar", kRows[0].summary, kRows};

}  // namespace hearth::cli::commands
