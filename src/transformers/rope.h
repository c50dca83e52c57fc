// Rotary positions: the frequencies of every rope_type, and one forward pass's cosines and sines.
// Source: transformers 5.23.0 modeling_rope_utils.py; Su et al., arXiv:2104.09864; YaRN, arXiv:2309.00071.
#pragma once

#include <vector>

#include "base/result.h"
#include "tensor/ops.h"
#include "transformers/batch.h"
#include "transformers/config.h"

namespace hearth {

/// What the frequencies of a model are at a given sequence length. f32 as in the original.
class RopeFrequencies {
 public:
  /// bad_input when the parameters contradict each other (longrope factors of another length).
  static Result<RopeFrequencies> from(const Config& config) { return from(config, config.rope_parameters); }
  /// The same with another layer type's parameters, or of a part of each head: `head_dim` dimensions.
  static Result<RopeFrequencies> from(const Config& config, const RopeParameters& parameters, int64_t head_dim = 0);

  /// One frequency a pair of rotated dimensions; `length` is the last position + 1, which dynamic and longrope look at.
  std::vector<float> inv_freq(int64_t length) const;
  /// Multiplies cosines and sines.
  float attention_factor() const { return attention_factor_; }
  bool depends_on_length() const;

 private:
  RopeParameters p_;
  int64_t dim_ = 0;  // rotated dimensions of a head
  int64_t max_position_embeddings_ = 0;
  float attention_factor_ = 1;
  std::vector<float> fixed_;  // where the length does not matter
};

/// The rotation of one forward pass: rope(x) turns x [rows, heads, head_dim] by each row's position.
class Rope {
 public:
  Rope(const Batch& batch, const RopeFrequencies& frequencies);
  Tensor operator()(Tensor x) const {
    const Backend& backend = x.backend();
    return backend.rope(std::move(x), cos_, sin_);
  }

 private:
  Tensor cos_, sin_;  // [rows, rotated / 2]
};

}  // namespace hearth
