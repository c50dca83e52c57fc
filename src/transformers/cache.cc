#include "transformers/cache.h"

#include <algorithm>

#include "base/result.h"

namespace hearth {

void KvCache::truncate(int64_t length) {
  VERIFY(length >= 0 && length <= length_, "a cache is cut inside what it holds");
  length_ = length;
}

void KvCache::grow(const Backend& backend, int64_t capacity) {
  const auto moved = [&](const Tensor& old) {
    Tensor grown = backend.empty({shape_.kv_heads, capacity, shape_.head_dim}, dtype_);
    for (int64_t head = 0; length_ > 0 && head < shape_.kv_heads; ++head) {
      // One head's positions are dense, so a [length, 1, head_dim] view of it can be written as rows.
      const Tensor from = old.narrow(0, head, 1).view({capacity_, 1, shape_.head_dim});
      backend.cache_write(grown.narrow(0, head, 1), 0, from, 0, length_);
    }
    return grown;
  };
  for (auto& [k, v] : layers_) {
    k = moved(k);
    v = shape_.values_are_keys ? k : moved(v);
  }
  capacity_ = capacity;
}

void KvCache::reserve(const Backend& backend, int64_t length) {
  constexpr int64_t kFirst = 64;
  if (length > capacity_) grow(backend, std::max({length, 2 * capacity_, kFirst}));
}

KvCache KvCache::copy(const Backend& backend) const {
  KvCache out(shape_, dtype_, cross_);
  out.layers_ = layers_;
  out.length_ = length_;
  out.skipped_ = skipped_;
  out.capacity_ = capacity_;
  if (capacity_ > 0) out.grow(backend, capacity_);
  return out;
}

}  // namespace hearth
