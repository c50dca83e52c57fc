// The metadata of a checkpoint's GGUF file: what gguf_checkpoint.h reads, the other way round.
// Source: llama.cpp convert_hf_to_gguf.py and conversion/*.py (set_gguf_parameters, generate_extra_tensors).
#pragma once

#include <string>
#include <vector>

#include "base/result.h"
#include "safetensors/gguf.h"
#include "tensor/backend.h"
#include "transformers/config.h"

namespace hearth {

/// Model and tokenizer of a folder as GGUF's metadata. unsupported for families without an architecture of GGUF that
/// is read here, and for what that architecture has no key for.
Result<std::vector<GgufEntry>> gguf_metadata(const Config& config, const std::string& folder);

/// What a configuration says of positions that stands in the file as tensors: the divisors of llama3's frequencies,
/// longrope's factors.
Result<std::vector<WeightSource>> gguf_rope_tensors(const Config& config);

}  // namespace hearth
