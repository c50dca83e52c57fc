// How GGUF files of each family differ from checkpoints: what tensors and numbers are called there and here, and which
// values lie in another order or are others.
// Source: gguf 0.19.0 tensor_mapping.py, constants.py; llama.cpp convert_hf_to_gguf.py (b11434) and, of later
// revisions, conversion/*.py.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <utility>

#include "base/json.h"

namespace hearth {

/// GGUF's name and the checkpoint's.
using GgufPair = std::pair<std::string_view, std::string_view>;

/// Layers: tensors below "THEIRS.N" in the file and "OURS.N" in the checkpoint. `parts` are looked at first.
struct GgufStack {
  std::string_view theirs = "blk", ours = "model.layers";
  std::span<const GgufPair> parts = {}, others = {};
};

/// The files of a family, or of a part of one.
struct GgufLayout {
  std::string_view key;           ///< model_type, or gguf_layout's name for a part of it
  std::string_view architecture;  ///< general.architecture
  std::span<const GgufPair> top = {};
  std::span<const GgufStack> stacks = {};
  std::span<const GgufPair> numbers = {};  ///< GGUF's key below the architecture, and config.json's
  /// Experts' matrices, one tensor [experts, outputs, inputs] for all of a layer, and each expert's name below
  /// `experts_path`.N.
  std::span<const GgufPair> experts = {};
  std::string_view experts_path = "mlp.experts", expert_count = {};  ///< the latter of config.json
  bool permutes_rows = false;  ///< of Q and K: pairs of dimensions stand together that are halves in a checkpoint
  bool norms_add_one = false;  ///< what a norm multiplies by, where a checkpoint has one less
  bool groups_qkv = false;     ///< all queries, keys and values follow each other that a checkpoint groups by keys
  bool transposes = false;     ///< [outputs, inputs], where a checkpoint has Conv1D's [inputs, outputs]
  bool splits_kv_b = false;    ///< latent attention's expansion is two tensors of three dimensions
  /// A checkpoint's activations that the architecture computes.
  std::string_view activations = "silu";
};

/// The layout of a configuration's family; nullptr where GGUF has no architecture for it that is known here.
const GgufLayout* gguf_layout(const Json& config);

/// The model_types that are known, for a message.
std::string known_gguf_families();

}  // namespace hearth
