// Batch: the rows of one forward pass, one row a token. The sequences of a batch lie one after another, so that
// different lengths need no padding; each may have a cache that holds the rows of earlier passes.
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <utility>
#include <vector>

#include "tensor/ops.h"
#include "transformers/cache.h"

namespace hearth {

/// Rows of one sequence of a batch.
struct BatchSequence {
  int64_t begin = 0, count = 0;
  KvCache* cache = nullptr;  ///< none: the sequence is all of these rows
  int64_t rope_length = 0;   ///< Batch's, of this sequence alone: of a text whose beginning these rows are
  /// Positions before these rows.
  int64_t past() const { return cache ? cache->length() : 0; }
};

struct Batch {
  const Backend& backend;
  std::vector<int32_t> ids = {};             ///< one a row
  std::vector<int32_t> positions = {};       ///< one a row: `position_ids`
  std::vector<int32_t> token_type_ids = {};  ///< one a row, or empty: all 0
  std::vector<BatchSequence> sequences = {};
  /// What dynamic and longrope positions take for the length of every sequence; 0: each one's own. transformers looks
  /// at the longest row of a padded batch.
  int64_t rope_length = 0;
  const Batch* source = nullptr;                 ///< of a decoder's batch: what the encoder read, sequence by sequence
  std::vector<Tensor>* hidden_states = nullptr;  ///< where record() puts what it is given, or none
  /// Called after each layer of a decoder, or none: another pass, over other caches, may be made there.
  const std::function<void()>* after_layer = nullptr;

  int64_t rows() const { return static_cast<int64_t>(ids.size()); }
  /// Each row's index in its sequence, earlier passes counted.
  std::vector<int32_t> ranks() const;
  /// One of transformers' `hidden_states`: the embeddings, then what each layer gives.
  void record(const Tensor& x) const {
    if (hidden_states) hidden_states->push_back(x);
  }

  /// Attends q [rows, heads, head_dim] to k and v [rows, kv_heads, head_dim] of each row's own sequence, and to those
  /// of earlier passes, which layer `layer` of the caches holds: -> [rows, heads * head_dim]. `biases`: one a sequence,
  /// or none.
  Tensor attention(size_t layer, const Tensor& q, const Tensor& k, const Tensor& v,
                   const AttentionOptions& options = {}, std::span<const Tensor> biases = {}) const;
  /// Attends q to what the sequences' caches hold of an encoder.
  Tensor cross_attention(size_t layer, const Tensor& q, AttentionOptions options = {}) const;

  /// Before a pass: room in the caches, or CacheFull; after it: their new lengths. A pass that throws leaves them as
  /// they were.
  void reserve() const;
  void commit() const;
};

/// A stack that norms what its last layer gives: layer(one of `layers`, x, its index) for each, then the norm. Records
/// the embeddings, what each layer but the last gives, and the normed end, as transformers' `hidden_states` has them.
template <class Layers, class Layer, class Norm>
Tensor through(const Layers& layers, Tensor x, const Batch& batch, const Norm& norm, const Layer& layer) {
  for (size_t i = 0; i < layers.size(); ++i) {
    batch.record(x);
    x = layer(layers[i], std::move(x), i);
    if (batch.after_layer) (*batch.after_layer)();
  }
  x = norm(x);
  batch.record(x);
  return x;
}

}  // namespace hearth
