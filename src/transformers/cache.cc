#include "transformers/cache.h"

#include <algorithm>

#include "base/result.h"

namespace hearth {
namespace {

size_t pages_of(int64_t positions) {
  return static_cast<size_t>((positions + kKvPagePositions - 1) / kKvPagePositions);
}

}  // namespace

void KvCache::truncate(int64_t length) {
  VERIFY(length >= 0 && length <= length_, "a cache is cut inside what it holds");
  VERIFY(!quantized_ || length == 0 || length == length_, "a quantized cache forgets all or nothing");
  if (quantized_ && length == 0) quantized_->clear();
  length_ = length;
  pages_.resize(std::min(pages_.size(), pages_of(length)));
}

Status KvCache::reserve(const Backend& backend, int64_t length) {
  if (length <= length_ || quantized_) return {};
  // Of the pages written to only the first can hold positions of this cache, and those be shared.
  const auto first = static_cast<size_t>(length_ / kKvPagePositions), before = pages_.size();
  if (first < before && pages_[first].use_count() > 1) {
    auto own = TRY(pool_->take(backend));
    if (const auto used = length_ % kKvPagePositions; used > 0) backend.kv_copy(*pages_[first], *own, used);
    pages_[first] = std::move(own);
  }
  while (pages_.size() < pages_of(length)) {
    auto page = pool_->take(backend);
    if (!page.ok()) {
      pages_.resize(before);
      return std::move(page).status();
    }
    pages_.push_back(*std::move(page));
  }
  return {};
}

void KvCache::quantize(const QuantizedCacheConfig& config) {
  const auto& shape = pool_->shape();
  VERIFY(length_ == 0 && !shape.values_are_keys, "an empty cache of keys and values becomes a quantized one");
  pages_.clear();
  quantized_ = std::make_unique<QuantizedLayers>(config, shape.layers, shape.kv_heads, shape.head_dim);
}

int64_t KvCache::size_bytes() const {
  return quantized_ ? quantized_->size_bytes() : static_cast<int64_t>(pages_.size()) * pool_->page_bytes();
}

KvCache KvCache::fork() const {
  KvCache out(pool_, cross_);
  if (quantized_) {
    out.quantized_ = std::make_unique<QuantizedLayers>(*quantized_);
    out.length_ = length_;
  } else {
    out.adopt(std::span(pages_).first(pages_of(length_)), length_);
  }
  out.skipped_ = skipped_;
  return out;
}

void KvCache::adopt(std::span<const std::shared_ptr<KvPage>> pages, int64_t length) {
  VERIFY(length_ == 0 && length >= 0 && pages_of(length) <= pages.size(), "an empty cache adopts what pages hold");
  const auto held = pages.first(pages_of(length));
  pages_.assign(held.begin(), held.end());
  length_ = length;
}

}  // namespace hearth
