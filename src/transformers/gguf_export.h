// A checkpoint as a GGUF file: what gguf_checkpoint.h reads, the other way round.
// Source: llama.cpp convert_hf_to_gguf.py (LlamaModel: metadata, permute, rope_freqs; Qwen2Model,
// Qwen3Model).
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "safetensors/gguf.h"
#include "transformers/config.h"

namespace hearth {

/// Model and tokenizer of a folder as GGUF's metadata. unsupported for families without an architecture of GGUF that
/// is read here, and for what that architecture has no key for.
Result<std::vector<GgufEntry>> gguf_metadata(const Config& config, const std::string& folder);

/// Whether the rows of Q and K stand in pairs there, as llama.cpp's "llama" turns them; others keep halves.
bool gguf_is_permuted(const Config& config);

/// "model.layers.0.self_attn.q_proj.weight" as "blk.0.attn_q.weight"; unsupported when it has no counterpart.
Result<std::string> gguf_name(std::string_view name);

/// The divisors of llama3's frequencies, which stand in the file as the tensor rope_freqs.weight; none of other kinds.
Result<std::vector<float>> gguf_rope_freqs(const Config& config);

}  // namespace hearth
