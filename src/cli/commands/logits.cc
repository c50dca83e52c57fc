// hearth logits: flags and help; the body is in inference/commands/logits.cc.
#include "cli/commands_registry.h"

namespace hearth::cli::commands {
namespace {

constexpr Option kOptions[] = {
    {"exact", "", "dequantized weights and f32 arithmetic"},
    {"fast", "", "8-bit activations with quantized weights"},
    {"dtype", "TYPE", "arithmetic of exact numerics: f32 (default) or bf16"},
    {"quantize", "TYPE", "round plain weights to q4_0, q4_1, q5_0, q5_1 or q8_0 while loading"},
    {"backend", "NAME", "native (default) or aten"},
};
constexpr Command kRows[] = {{
    .verb = "logits",
    .usage = "MODEL REQUEST.json OUTPUT.safetensors",
    .summary = "Write a model's logits and greedy tokens of given ids.",
    .options = kOptions,
    .help = "The request is {\"sequences\": [[id, ...], ...], \"max_new_tokens\": N, \"split\": N}; the output has a\n"
            "tensor logits.I [ids, vocabulary] and, with max_new_tokens, ids.I for each sequence. `split` fills the\n"
            "cache with that many ids first.\n",
    .object = "nn",
}};

}  // namespace

extern constinit const Commands logits_entry{Group::internal, "logits", kRows[0].summary, kRows};

}  // namespace hearth::cli::commands
