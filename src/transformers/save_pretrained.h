// save_pretrained: a checkpoint written anew, in another format, type or number of files, as Python's transformers
// loads it. Source: transformers 5.23.0 modeling_utils.py save_pretrained; huggingface_hub 2.4.0
// serialization/_base.py (names of shards, the index).
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "base/result.h"
#include "safetensors/file.h"

namespace hearth {

struct SaveOptions {
  WeightFormat format = WeightFormat::safetensors;  ///< or torch
  std::optional<DType> dtype = {};                  ///< f32, f16 or bf16: of all floating-point tensors
  int64_t max_shard_bytes = 50'000'000'000;         ///< a file holds no more, unless one tensor does
};

/// Writes the checkpoint at `from` (a folder or a weight file: safetensors, PyTorch, GGUF, flax, TensorFlow) into the
/// folder `to`, which is absent or empty: weights, config.json, and the other small files beside them. Head weights
/// that the configuration ties to the embeddings are left out, as in Python. Of a GGUF file the weights are dequantized
/// (f32 unless `dtype` says otherwise) under Hugging Face's names and the configuration is what its metadata say; its
/// tokenizer is not written. A `to` that ends in .safetensors, .bin, .pt or .pth is one file of weights alone, whatever
/// `format` says; one that ends in .gguf has configuration and tokenizer in it, and is made of the families of
/// gguf_names.cc.
Status save_pretrained(const std::string& from, const std::string& to, const SaveOptions& options = {});

}  // namespace hearth
