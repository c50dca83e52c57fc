// hearth forward: flags and help; the body is in inference/commands/forward.cc.
#include "cli/commands_registry.h"

namespace hearth::cli::commands {
namespace {

constexpr Option kOptions[] = {
    {"task", "NAME", "the head: base, causal_lm, sequence_classification ...; default: what config.json names"},
    {"split", "N", "of a language model: the logits of the first N tokens, then of one token after the other, cached"},
    {"generate", "JSON",
     "out.sequences: what generate() makes of the batch under these arguments, as {\"num_beams\": 4}"},
    {"assistant", "MODEL", "with --generate: a smaller model whose guesses are checked"},
    {"exact", "", "dequantized weights and f32 arithmetic"},
    {"fast", "", "8-bit activations with quantized weights"},
    {"dtype", "TYPE", "arithmetic of exact numerics: f32 (default) or bf16"},
    {"quantize", "TYPE", "round plain weights to q4_0, q4_1, q5_0, q5_1 or q8_0 while loading"},
    {"backend", "NAME", "native (default) or aten"},
};
constexpr Command kRows[] = {{
    .verb = "forward",
    .usage = "MODEL INPUTS.safetensors OUTPUTS.safetensors",
    .summary = "Write what a model gives for a batch of token ids, hidden states too.",
    .options = kOptions,
    .help = "The inputs are named as in Python, with or without `in.`: input_ids and attention_mask [batch, length],\n"
            "token_type_ids, position_ids, decoder_input_ids. The outputs are out.logits, out.last_hidden_state,\n"
            "out.hidden_states.I and so on, over the rows whose mask is not 0.\n",
    .object = "nn",
}};

}  // namespace

extern constinit const Commands forward_entry{Group::internal, "forward", kRows[0].summary, kRows};

}  // namespace hearth::cli::commands
