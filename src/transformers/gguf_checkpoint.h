// GGUF files as checkpoints: their metadata as a config.json; gguf_tensors.h has their tensors.
// Source: transformers 5.23.0 modeling_gguf_pytorch_utils.py; llama.cpp convert_hf_to_gguf.py (set_gguf_parameters),
// src/llama-model.cpp (what it takes for granted).
#pragma once

#include "base/json.h"
#include "base/result.h"
#include "safetensors/shards.h"

namespace hearth {

/// What config.json would say. `model_type` is that of the family that serves the file's architecture; bad_input names
/// a missing key, and a number that the tensors deny; unsupported an architecture that no family serves.
Result<Json> gguf_config(const Weights& weights);

}  // namespace hearth
