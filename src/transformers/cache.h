// KvCache: the keys and values of one sequence, and KvLayer: one layer's view of a whole batch's caches.
//
// Invariants:
// 1. Every layer of a cache holds the same positions 0 .. length() - 1; a forward pass writes from length() on in each
//    layer and moves length() once, at its end. A pass that throws leaves length() as it was.
// 2. Tensors are [kv_heads, capacity, head_dim]; capacity doubles, so that n tokens cost O(n) copies.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "tensor/ops.h"
#include "transformers/config.h"
#include "transformers/rope.h"

namespace hearth {

/// One thread at a time. Memory: 2 * layers * kv_heads * head_dim * 4 bytes a token.
class KvCache {
 public:
  KvCache(const Config& config, DType dtype)
      : layers_(static_cast<size_t>(config.num_hidden_layers)),
        kv_heads_(config.num_key_value_heads),
        head_dim_(config.head_dim),
        dtype_(dtype) {}

  int64_t length() const { return length_; }
  int64_t capacity() const { return capacity_; }
  /// Forgets all positions from `length` on: a prefix shared with the next prompt stays.
  void truncate(int64_t length);
  /// Room for `length` positions; what is there stays.
  void reserve(const Backend& backend, int64_t length);

 private:
  friend class KvBatch;
  friend class KvLayer;
  struct Layer {
    Tensor k, v;
  };
  std::vector<Layer> layers_;
  int64_t kv_heads_, head_dim_;
  DType dtype_;
  int64_t length_ = 0, capacity_ = 0;
};

/// One sequence's part of a forward pass: `count` new tokens after what `cache` holds.
struct KvEntry {
  KvCache* cache = nullptr;
  int64_t count = 0;
};

/// One layer of the caches of a batch.
class KvLayer {
 public:
  KvLayer(std::span<const KvEntry> entries, size_t layer) : entries_(entries), layer_(layer) {}
  /// Appends k and v [rows, kv_heads, head_dim] to the sequences' caches, then attends q [rows, heads, head_dim] to
  /// each row's own sequence: -> [rows, heads * head_dim].
  Tensor attention(const Tensor& q, const Tensor& k, const Tensor& v, const AttentionOptions& options = {}) const;

 private:
  std::span<const KvEntry> entries_;
  size_t layer_;
};

/// The caches of one forward pass: reserves room, hands out layers, and commits the new length at the end.
class KvBatch {
 public:
  KvBatch(const Backend& backend, std::span<const KvEntry> entries);
  KvLayer layer(size_t index) const { return {entries_, index}; }
  /// The positions of the new tokens, one range a sequence.
  std::vector<PositionRange> positions() const;
  void commit();

 private:
  std::span<const KvEntry> entries_;
};

}  // namespace hearth
