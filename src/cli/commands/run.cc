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
    {"min-p", "P", "sample among tokens at least P times as likely as the likeliest"},
    {"repetition-penalty", "R", "above 1: tokens that were there are less likely"},
    {"num-beams", "N", "search with N beams; the answer then comes at its end (1)"},
    {"num-beam-groups", "N", "of beams that keep apart, with --diversity-penalty"},
    {"diversity-penalty", "D", "how far groups of beams keep apart"},
    {"length-penalty", "L", "above 0: beams prefer longer answers (1)"},
    {"penalty-alpha", "A", "contrastive search among the --top-k likeliest tokens"},
    {"prompt-lookup", "N", "guess N tokens from the prompt and check them at once"},
    {"cache-implementation", "NAME", "how the past is kept: dynamic (the default), static, quantized or offloaded"},
    {"cache-config", "JSON", "of a quantized cache: {\"backend\": \"quanto\", \"nbits\": 4}"},
    {"stop", "TEXT", "end before this text"},
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
