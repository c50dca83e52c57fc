// hearth perplexity: flags and help; the body is in inference/commands/perplexity.cc.
#include "cli/commands_registry.h"
#include "cli/generation_flags.h"

namespace hearth::cli::commands {
namespace {

constexpr Option kOptions[] = {
    {"text", "FILE", "the text; default: standard input"},
    {"against", "MODEL",
     "another model of the same tokens, or the same one, in exact numerics: how far apart they are"},
    {"window", "N", "tokens of a window (512)"},
    {"windows", "N", "stop after so many windows; default: the whole text"},
    {"json", "", "print one JSON object"},
    kExactOption,
    kFastOption,
    kDTypeOption,
    kQuantizeOption,
    kBackendOption,
};
constexpr Command kRows[] = {{
    .verb = "perplexity",
    .usage = "MODEL [--text FILE]",
    .summary = "Measure how well a model foretells a text, and what quantizing it has changed.",
    .options = kOptions,
    .help =
        "The text is cut into windows, each read on its own; every token of a window but the first is foretold.\n"
        "Perplexity is e to the mean of -log p. With --against, for each of those tokens the distributions of both\n"
        "models are laid side by side: the mean of KL(against || model) in nats, and the share of places where both\n"
        "hold the same token for likeliest. The other model computes exactly, whatever this one does.\n\n"
        "Examples\n"
        "  $ hearth perplexity model.Q4_K_M.gguf --text book.txt\n"
        "  $ hearth perplexity model.Q4_K_M.gguf --text book.txt --against model.Q4_K_M.gguf   # fast against exact\n"
        "  $ hearth perplexity model.Q4_K_M.gguf --exact --text book.txt --against model.f32.gguf\n",
    .object = "nn",
}};

}  // namespace

extern constinit const Commands perplexity_entry{Group::run, "perplexity", kRows[0].summary, kRows};

}  // namespace hearth::cli::commands
