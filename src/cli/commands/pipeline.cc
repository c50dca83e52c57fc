// hearth pipeline: flags and help; the body is in inference/commands/pipeline.cc.
#include "cli/commands_registry.h"
#include "cli/generation_flags.h"

namespace hearth::cli::commands {
namespace {

constexpr Option kOptions[] = {
    {"input", "TEXT", "a text, or JSON: a list, an object; several make a list", /*repeated=*/true},
    {"parameters", "JSON", "the task's parameters, an object: {\"top_k\": 2}"},
    kExactOption,
    kFastOption,
    kDTypeOption,
    kQuantizeOption,
    kBackendOption,
};
constexpr Command kRows[] = {{
    .verb = "pipeline",
    .usage = "[TASK] MODEL",
    .summary = "Do a task with a model, as transformers' pipeline(TASK, MODEL).",
    .options = kOptions,
    .help = "MODEL is a folder or a repository on the Hub. Without TASK it does what its card (pipeline_tag) or its\n"
            "configuration says. The answer is JSON, as Python returns it.\n\n"
            "Without --input each line of standard input is one, and a line is printed for each:\n"
            "{\"inputs\": ..., \"parameters\": ...} is one with parameters of its own, anything else that is JSON or\n"
            "text is an input. A line that fails is answered by {\"error\": ...}.\n\n"
            "Examples\n"
            "  $ hearth pipeline text-classification ann/sst2 --input \"What a film!\"\n"
            "  $ hearth pipeline fill-mask ./bert --input \"Paris is [MASK].\" --parameters '{\"top_k\": 2}'\n"
            "  $ hearth pipeline ann/ner < sentences.txt\n",
    .object = "nn",
}};

}  // namespace

extern constinit const Commands pipeline_entry{Group::run, "pipeline", kRows[0].summary, kRows};

}  // namespace hearth::cli::commands
