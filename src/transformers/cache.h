// KvCache: the keys and values of one sequence, those of the encoder that it answers among them.
//
// Invariants:
// 1. Every layer of a cache holds the same positions 0 .. length() - 1; a forward pass writes from length() on in each
//    layer and moves length() once, at its end. A pass that throws leaves length() as it was.
// 2. Tensors are [kv_heads, capacity, head_dim]; capacity doubles, so that n tokens cost O(n) copies.
#pragma once

#include <cstdint>
#include <memory>
#include <utility>
#include <vector>

#include "tensor/ops.h"

namespace hearth {

/// What a model's caches hold for each position.
struct CacheShape {
  int64_t layers = 0, kv_heads = 0, head_dim = 0;
  bool values_are_keys = false;  ///< one tensor is both: latent attention
};

struct KvPair {
  Tensor k, v;
};

/// An encoder's output as a decoder's layers read it: keys and values [heads, length, head_dim] for each layer.
/// Immutable, shared by all beams of a sequence.
struct CrossCache {
  std::vector<KvPair> layers;
};

/// One thread at a time. Memory: 2 * layers * kv_heads * head_dim * 4 bytes a token, half of it where values are keys.
class KvCache {
 public:
  KvCache(const CacheShape& shape, DType dtype, std::shared_ptr<const CrossCache> cross = {})
      : layers_(static_cast<size_t>(shape.layers)), shape_(shape), dtype_(dtype), cross_(std::move(cross)) {}
  KvCache(KvCache&&) = default;
  KvCache& operator=(KvCache&&) = default;
  KvCache(const KvCache&) = delete;
  KvCache& operator=(const KvCache&) = delete;

  int64_t length() const { return length_; }
  /// Positions before its first row, which a model counts and the cache does not hold: padding.
  int64_t skipped() const { return skipped_; }
  void skip_positions(int64_t count) { skipped_ = count; }
  int64_t capacity() const { return capacity_; }
  /// Forgets all positions from `length` on: a prefix shared with the next prompt stays.
  void truncate(int64_t length);
  /// Room for `length` positions; what is there stays.
  void reserve(const Backend& backend, int64_t length);
  /// Another cache that holds the same: a beam that goes on from this one.
  KvCache copy(const Backend& backend) const;

 private:
  friend struct Batch;
  void grow(const Backend& backend, int64_t capacity);

  std::vector<KvPair> layers_;
  CacheShape shape_;
  DType dtype_;
  int64_t length_ = 0, capacity_ = 0, skipped_ = 0;
  std::shared_ptr<const CrossCache> cross_;
};

}  // namespace hearth
