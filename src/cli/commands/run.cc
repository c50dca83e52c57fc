// hearth run: flags and help; the body is in inference/commands/run.cc.
#include "cli/commands_registry.h"
#include "cli/generation_flags.h"

namespace hearth::cli::commands {
namespace {

constexpr Option kOptions[] = {
    {"raw", "", "continue the text as it is, without the chat template"},
    {"task", "NAME",
     "of a model with an encoder: summarization, translation_en_to_de ... as its config.json names them"},
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
    kBackendOption,
};
constexpr Command kRows[] = {{
    .verb = "run",
    .usage = "MODEL [PROMPT]",
    .summary = "Answer one prompt with a model.",
    .options = kOptions,
    .help = "MODEL is a folder, a GGUF file, or a repository on the Hub; of several weight files name one with "
            "REPO:FILE. Without PROMPT the text comes from standard input. The answer goes to standard output, "
            "tokens a second and the numerics to standard error.\n\n"
            "Examples\n"
            "  $ hearth run ann/smollm2 \"Why is the sky blue?\"\n"
            "  $ hearth run ./model.gguf --raw --exact \"The capital of France is\"\n"
            "  $ hearth run ann/smollm2:model.Q4_1.gguf --temperature 0.7 --seed 1 < prompt.txt\n"
            "  $ hearth run ann/smollm2 --regex \"(yes|no)\\\\.\" \"Is water wet?\"\n"
            "  $ hearth run ann/t5-small --task translation_en_to_de \"The house is wonderful.\"\n",
    .object = "nn",
}};

}  // namespace

extern constinit const Commands run_entry{Group::run, "run", kRows[0].summary, kRows};

}  // namespace hearth::cli::commands
