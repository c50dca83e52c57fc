#include "transformers/batch.h"

#include <algorithm>

namespace hearth {
namespace {

/// Rows of one sequence over all that a quantized cache holds, with these rows behind it.
AttentionSequence dequantized(const Backend& backend, QuantizedLayers& cache, size_t layer, const BatchSequence& s,
                              const Tensor& k, const Tensor& v) {
  const auto heads = k.size(1), width = k.size(2), keys = s.past() + s.count;
  const auto made =
      cache.update(layer, to_vector(k.narrow(0, s.begin, s.count)), to_vector(v.narrow(0, s.begin, s.count)));
  return {s.begin, s.count, backend.from_host(made.k, {heads, keys, width}),
          backend.from_host(made.v, {heads, keys, width}), keys};
}

}  // namespace

std::vector<int32_t> Batch::ranks() const {
  std::vector<int32_t> out;
  out.reserve(ids.size());
  for (const auto& s : sequences)
    for (int64_t i = 0; i < s.count; ++i) out.push_back(static_cast<int32_t>(s.past() + i));
  return out;
}

Tensor Batch::attention(size_t layer, const Tensor& q, const Tensor& k, const Tensor& v,
                        const AttentionOptions& options, std::span<const Tensor> biases) const {
  std::vector<AttentionSequence> work;
  work.reserve(sequences.size());
  for (const auto& s : sequences) {
    if (s.cache && s.cache->quantized_) {
      if (options.window > 0)
        throw ShapeError("a quantized cache is for models whose layers all see every token: leave it out");
      work.push_back(dequantized(backend, *s.cache->quantized_, layer, s, k, v));
    } else if (s.cache) {
      const KvPagesView held{s.cache->pages_, static_cast<int64_t>(layer)};
      backend.kv_write(held, s.past(), k, v, s.begin, s.count);
      work.push_back({s.begin, s.count, {}, {}, s.past() + s.count, {}, held});
    } else {
      work.push_back({s.begin, s.count, k.narrow(0, s.begin, s.count).transpose(0, 1),
                      v.narrow(0, s.begin, s.count).transpose(0, 1), s.count});
    }
    if (!biases.empty()) work.back().bias = biases[work.size() - 1];
  }
  return hearth::attention(q, work, options);
}

Tensor Batch::cross_attention(size_t layer, const Tensor& q, AttentionOptions options) const {
  options.causal = false;
  std::vector<AttentionSequence> work;
  work.reserve(sequences.size());
  const CrossCache* last = nullptr;
  for (const auto& s : sequences) {
    const auto* cross = s.cache->cross_.get();
    const auto& held = cross->layers.at(layer);
    // Beams of one text lie side by side: their rows see the same keys, so they are read once.
    if (cross == last) {
      work.back().row_count += s.count;
    } else {
      work.push_back({s.begin, s.count, held.k, held.v, held.k.size(1)});
    }
    last = cross;
  }
  return hearth::attention(q, work, options);
}

void Batch::reserve() const {
  for (const auto& s : sequences)
    if (s.cache) {
      const auto room = s.cache->reserve(backend, s.cache->length() + s.count);
      if (!room.ok()) throw CacheFull(room.message());
    }
}

void Batch::commit() const {
  for (const auto& s : sequences) {
    if (!s.cache) continue;
    s.cache->length_ += s.count;
    if (s.cache->quantized_) s.cache->quantized_->commit();
  }
}

}  // namespace hearth
