// GGUF files as checkpoints: their metadata as a config.json, their tensors under Hugging Face's names.
// Source: transformers 5.23.0 modeling_gguf_pytorch_utils.py; llama.cpp convert_hf_to_gguf.py (permute), gguf-py
// tensor_mapping.py.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"
#include "base/result.h"
#include "safetensors/shards.h"
#include "tensor/backend.h"

namespace hearth {

/// What config.json would say. `model_type` is that of the family that serves the file's architecture; bad_input names
/// a missing key, unsupported an architecture that no family serves.
Result<Json> gguf_config(const Weights& weights);

/// All tensors under the checkpoint's names ("blk.0.attn_q.weight" is "model.layers.0.self_attn.q_proj.weight"), with
/// LLaMA's q and k rows back in the order of halves (GGUF stores them interleaved). A tensor without a counterpart
/// keeps its name. The sources keep `weights` alive.
Result<std::vector<WeightSource>> gguf_sources(const std::shared_ptr<const Weights>& weights, const Json& config);

}  // namespace hearth
