// The tensors of GGUF files under a checkpoint's names and in its order, and the other way round.
// Source: gguf 0.19.0 tensor_mapping.py; llama.cpp convert_hf_to_gguf.py and conversion/*.py (modify_tensors of
// LlamaModel, FalconModel, BloomModel, GPTNeoXModel, GPT2Model, DeepseekV2Model).
#pragma once

#include <memory>
#include <vector>

#include "base/json.h"
#include "base/result.h"
#include "safetensors/shards.h"
#include "tensor/backend.h"

namespace hearth {

/// All tensors under the checkpoint's names ("blk.0.attn_q.weight" is "model.layers.0.self_attn.q_proj.weight") and as
/// it has them: rows in its order, a matrix an expert. `config` is gguf_config's. A tensor without a counterpart keeps
/// its name. bad_input names a tensor whose shape the configuration denies. The sources keep `weights` alive.
Result<std::vector<WeightSource>> gguf_sources(const std::shared_ptr<const Weights>& weights, const Json& config);

/// A checkpoint's tensors as llama.cpp's converter writes them. `config` has the keys that every family shares. Tables
/// that are computed are left out; unsupported names a tensor that has no name in GGUF.
Result<std::vector<WeightSource>> gguf_tensors(const std::vector<WeightSource>& sources, const Json& config);

}  // namespace hearth
