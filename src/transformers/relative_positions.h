// Relative positions of T5 and MPNet: a learned bias for each head and bucket of distances, added to attention scores.
// Source: Raffel et al., arXiv:1910.10683; transformers 5.23.0 models/t5/modeling_t5.py _relative_position_bucket and
// models/mpnet/modeling_mpnet.py relative_position_bucket, which are the same function.
#pragma once

#include <cstdint>
#include <vector>

#include "tensor/params.h"
#include "transformers/batch.h"

namespace hearth {

/// Which distances share a bias: small ones have a bucket each, larger ones fall into logarithmic bins, and all beyond
/// `max_distance` into the last.
struct RelativeBuckets {
  int64_t num_buckets = 32;    ///< bidirectional: half of them for each direction
  int64_t max_distance = 128;  ///< above the buckets of single distances
  bool bidirectional = true;   ///< false: a decoder's; all keys after the query share bucket 0

  /// `distance`: the key's position minus the query's.
  int32_t bucket(int64_t distance) const;
  /// bad_input unless every distance has a bucket and max_distance lies beyond the single ones.
  Status check() const;
};

/// `relative_attention_bias`: weight [num_buckets, heads].
class RelativeAttentionBias {
 public:
  /// p: where `weight` lies, with as many rows as there are buckets, or `rows`. `buckets` has passed its check().
  RelativeAttentionBias(const Params& p, int64_t heads, const RelativeBuckets& buckets, int64_t rows = 0);
  /// What is added to the scores of each sequence of the batch, from its rows to all its keys: [heads, rows, keys].
  std::vector<Tensor> operator()(const Batch& batch) const;

 private:
  Tensor between(const Backend& backend, int64_t past, int64_t count) const;

  int64_t heads_;
  RelativeBuckets buckets_;
  std::vector<float> values_;  // [num_buckets, heads]; empty when the file has none, which the store has noted
};

}  // namespace hearth
