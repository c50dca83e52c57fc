// hearth chat: flags and help; the body is in inference/commands/chat.cc.
#include "cli/commands_registry.h"
#include "cli/generation_flags.h"

namespace hearth::cli::commands {
namespace {

constexpr Option kOptions[] = {
    {"system", "TEXT", "the system message of the conversation"},
    kMaxNewTokensOption,
    kTemperatureOption,
    kTopKOption,
    kTopPOption,
    kSeedOption,
    kRegexOption,
    kJsonSchemaOption,
    kGrammarOption,
    kExactOption,
    kFastOption,
    kDTypeOption,
    kQuantizeOption,
    kBackendOption,
};
constexpr Command kRows[] = {{
    .verb = "chat",
    .usage = "MODEL",
    .summary = "Talk with a model in the terminal.",
    .options = kOptions,
    .help = "MODEL is what `hearth run` takes. Ctrl-C stops an answer, /reset begins anew, /exit leaves.\n\n"
            "Examples\n"
            "  $ hearth chat ann/smollm2\n"
            "  $ hearth chat ./model.gguf --temperature 0.7 --system \"You are terse.\"\n",
    .object = "nn",
}};

}  // namespace

extern constinit const Commands chat_entry{Group::run, "chat", kRows[0].summary, kRows};

}  // namespace hearth::cli::commands
