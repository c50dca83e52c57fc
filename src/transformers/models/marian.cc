// Marian: BART's layers with sinusoidal positions, without a norm of the embeddings. The two sides may have a
// vocabulary each.
// Source: Junczys-Dowmunt et al., arXiv:1804.00344; transformers 5.23.0 models/marian/modeling_marian.py. Oracle:
// marian.
#include "transformers/seq2seq_stack.h"

namespace hearth::transformers::models {
namespace {

constexpr Seq2SeqKind kKind{.is_sinusoidal = true};

Result<std::unique_ptr<TextModel>> build(const Config& config, const Params& p) {
  return build_seq2seq_stack(config, p, kKind);
}
Result<std::unique_ptr<TextModel>> build_decoder(const Config& config, const Params& p) {
  return build_seq2seq_decoder(config, p, kKind);
}

}  // namespace

extern constinit const Family marian_entry{
    .model_types = {"marian"},
    .heads = {{"MarianMTModel", Task::seq2seq_lm, seq2seq_lm_head},
              {"MarianModel", Task::base},
              {"MarianForCausalLM", Task::causal_lm, seq2seq_lm_head, build_decoder}},
    .attribute_map = {{"hidden_size", "d_model"},
                      {"num_hidden_layers", "encoder_layers"},
                      {"num_attention_heads", "encoder_attention_heads"}},
    .defaults = R"({"hidden_size": 1024, "num_hidden_layers": 12, "num_attention_heads": 16, "vocab_size": 58101,
                    "max_position_embeddings": 1024, "pad_token_id": 58100, "eos_token_id": 0,
                    "decoder_start_token_id": 58100, "tie_word_embeddings": true})",
    .input_embeddings = "shared",
    .build = build};

}  // namespace hearth::transformers::models
