#include "transformers/cache.h"

#include <algorithm>

#include "base/result.h"

namespace hearth {

void KvCache::truncate(int64_t length) {
  VERIFY(length >= 0 && length <= length_, "a cache is cut inside what it holds");
  length_ = length;
}

void KvCache::reserve(const Backend& backend, int64_t length) {
  if (length <= capacity_) return;
  constexpr int64_t kFirst = 64;
  const auto capacity = std::max({length, 2 * capacity_, kFirst});
  const auto grow = [&](Tensor& old) {
    Tensor grown = backend.empty({kv_heads_, capacity, head_dim_}, dtype_);
    for (int64_t head = 0; length_ > 0 && head < kv_heads_; ++head) {
      // One head's positions are dense, so a [length, 1, head_dim] view of it can be written as rows.
      const Tensor from = old.narrow(0, head, 1).view({capacity_, 1, head_dim_});
      backend.cache_write(grown.narrow(0, head, 1), 0, from, 0, length_);
    }
    old = std::move(grown);
  };
  for (auto& layer : layers_) {
    grow(layer.k);
    grow(layer.v);
  }
  capacity_ = capacity;
}

Tensor KvLayer::attention(const Tensor& q, const Tensor& k, const Tensor& v, const AttentionOptions& options) const {
  std::vector<AttentionSequence> sequences;
  sequences.reserve(entries_.size());
  int64_t row = 0;
  for (const auto& [cache, count] : entries_) {
    const auto& layer = cache->layers_[layer_];
    q.backend().cache_write(layer.k, cache->length_, k, row, count);
    q.backend().cache_write(layer.v, cache->length_, v, row, count);
    sequences.push_back({row, count, layer.k, layer.v, cache->length_ + count});
    row += count;
  }
  return hearth::attention(q, sequences, options);
}

KvBatch::KvBatch(const Backend& backend, std::span<const KvEntry> entries) : entries_(entries) {
  for (const auto& [cache, count] : entries_) cache->reserve(backend, cache->length_ + count);
}

std::vector<PositionRange> KvBatch::positions() const {
  std::vector<PositionRange> out;
  for (const auto& [cache, count] : entries_) out.push_back({cache->length_, count});
  return out;
}

void KvBatch::commit() {
  for (const auto& [cache, count] : entries_) cache->length_ += count;
}

}  // namespace hearth
