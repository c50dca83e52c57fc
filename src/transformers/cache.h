// KvCache: the keys and values of one sequence, those of the encoder that it answers among them.
//
// Invariants:
// 1. Every layer of a cache holds the same positions 0 .. length() - 1; a forward pass writes from length() on in each
//    layer and moves length() once, at its end. A pass that throws leaves length() as it was.
// 2. Position p lies in page p / kKvPagePositions (tensor/kv_pages.h). Caches share pages; after reserve() those that
//    the next positions go to are this cache's own.
// 3. A cache that is quantized has no pages: it holds its own numbers, and forgets all of them or none.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <stdexcept>
#include <utility>
#include <vector>

#include "tensor/kv_pages.h"
#include "tensor/ops.h"
#include "transformers/quantized_cache.h"

namespace hearth {

struct KvPair {
  Tensor k, v;
};

/// An encoder's output as a decoder's layers read it: keys and values [heads, length, head_dim] for each layer.
/// Immutable, shared by all beams of a sequence.
struct CrossCache {
  std::vector<KvPair> layers;
};

/// Its pool has no room for the next positions.
class CacheFull : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

/// One thread at a time, and the same for all that share pages. Memory: 2 * layers * kv_heads * head_dim * 4 bytes a
/// token, half of it where values are keys, in whole pages.
class KvCache {
 public:
  explicit KvCache(std::shared_ptr<KvPool> pool, std::shared_ptr<const CrossCache> cross = {})
      : pool_(std::move(pool)), cross_(std::move(cross)) {}
  /// Of a pool of its own, without a limit.
  KvCache(const CacheShape& shape, DType dtype, std::shared_ptr<const CrossCache> cross = {})
      : KvCache(KvPool::make(shape, dtype), std::move(cross)) {}
  KvCache(KvCache&&) = default;
  KvCache& operator=(KvCache&&) = default;
  KvCache(const KvCache&) = delete;
  KvCache& operator=(const KvCache&) = delete;

  int64_t length() const { return length_; }
  /// Positions before its first row, which a model counts and the cache does not hold: padding.
  int64_t skipped() const { return skipped_; }
  void skip_positions(int64_t count) { skipped_ = count; }
  /// Keeps what is to come as generate()'s quantized cache does. The cache is empty before; values are not keys.
  void quantize(const QuantizedCacheConfig& config);
  bool is_quantized() const { return quantized_ != nullptr; }
  /// Of what the cache holds, in whole pages or quantized; shared pages count.
  int64_t size_bytes() const;
  int64_t capacity() const { return static_cast<int64_t>(pages_.size()) * kKvPagePositions; }
  /// Forgets all positions from `length` on, and lets their pages go: a prefix shared with the next prompt stays. Of a
  /// quantized cache `length` is 0 or length().
  void truncate(int64_t length);
  /// Room for `length` positions, so that a pass to there cannot want memory; what is there stays. busy when the pool
  /// is at its limit: the cache is then as it was.
  Status reserve(const Backend& backend, int64_t length);
  /// Another cache that holds the same, on the same pages: a beam that goes on from this one.
  KvCache fork() const;
  /// What holds the positions: the first length() / kKvPagePositions pages are full and never change.
  std::span<const std::shared_ptr<KvPage>> pages() const { return pages_; }
  /// Begins with `length` positions that lie in another cache's pages, of the same pool. The cache is empty before.
  void adopt(std::span<const std::shared_ptr<KvPage>> pages, int64_t length);
  const std::shared_ptr<KvPool>& pool() const { return pool_; }

 private:
  friend struct Batch;

  std::shared_ptr<KvPool> pool_;
  std::vector<std::shared_ptr<KvPage>> pages_;
  std::unique_ptr<QuantizedLayers> quantized_;
  int64_t length_ = 0, skipped_ = 0;
  std::shared_ptr<const CrossCache> cross_;
};

}  // namespace hearth
