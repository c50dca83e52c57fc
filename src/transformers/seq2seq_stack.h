// Seq2SeqStack: the encoder and the decoder that BART, mBART, PEGASUS and Marian share: attention, attention to the
// encoder and feed-forward parts with biases, each with a layer norm. A family says in Seq2SeqKind how it differs.
// Source: Lewis et al., arXiv:1910.13461; transformers 5.23.0 models/bart, mbart, pegasus, marian.
#pragma once

#include <memory>

#include "tensor/params.h"
#include "transformers/heads.h"

namespace hearth {

/// What distinguishes a family.
struct Seq2SeqKind {
  bool norm_first = false;          ///< a part reads a norm, and a norm ends the stack; else a norm follows each part
  bool has_embedding_norm = false;  ///< layernorm_embedding
  bool is_sinusoidal = false;       ///< positions by formula, where the file has no table
  int64_t position_offset = 0;      ///< rows of the table before that of position 0
  DecoderInputs decoder_inputs = DecoderInputs::none;
};

/// A whole model: a Seq2SeqModel.
Result<std::unique_ptr<TextModel>> build_seq2seq_stack(const Config& config, const Params& p, const Seq2SeqKind& kind);
/// The decoder alone, without an encoder to read: of ...ForCausalLM.
Result<std::unique_ptr<TextModel>> build_seq2seq_decoder(const Config& config, const Params& p,
                                                         const Seq2SeqKind& kind);
/// lm_head over the decoder's vocabulary, plus `final_logits_bias` where the file has it.
Result<std::unique_ptr<Head>> seq2seq_lm_head(const Config& config, const Params& root);

}  // namespace hearth
