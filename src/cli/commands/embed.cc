// hearth embed: flags and help; the body is in inference/commands/embed.cc.
#include "cli/commands_registry.h"
#include "cli/generation_flags.h"

namespace hearth::cli::commands {
namespace {

constexpr Option kOptions[] = {
    {"json", "", "print one JSON array of arrays"},
    {"batch-size", "N", "texts that pass the model at once (32)"},
    {"prompt-name", "NAME", "a prompt of the model to put before each text: query, document, ..."},
    {"prompt", "TEXT", "words to put before each text"},
    {"normalize", "", "vectors of length 1, whatever the model's modules say"},
    kExactOption,
    kFastOption,
    kDTypeOption,
    kQuantizeOption,
    kBackendOption,
};
constexpr Command kRows[] = {{
    .verb = "embed",
    .usage = "MODEL [TEXT...]",
    .summary = "Turn texts into vectors with a sentence-transformers model.",
    .options = kOptions,
    .help = "MODEL is a folder or a repository on the Hub with modules.json; of any other encoder the mean of its\n"
            "tokens is taken. Without TEXT each line of standard input is one. A line is printed for each text, its\n"
            "numbers between spaces.\n\n"
            "Examples\n"
            "  $ hearth embed ann/all-MiniLM-L6-v2 \"A cat sleeps.\" \"A kitten naps.\"\n"
            "  $ hearth embed ./e5-small --prompt-name query --json < questions.txt\n",
    .object = "nn",
}};

}  // namespace

extern constinit const Commands embed_entry{Group::run, "embed", kRows[0].summary, kRows};

}  // namespace hearth::cli::commands
