// ALiBi: positions as a slope a head, which is added to the scores. No row knows its own position: softmax takes away
// what all keys of a row have in common.
// Source: Press et al., arXiv:2108.12409; transformers 5.23.0 models/bloom/modeling_bloom.py, models/falcon.
#pragma once

#include <bit>
#include <cmath>
#include <cstdint>
#include <vector>

#include "transformers/batch.h"

namespace hearth {

/// Geometric slopes, one a head; where their number is no power of two, the rest come from the next power's series.
inline std::vector<float> alibi_slopes(int64_t heads) {
  const auto closest = std::bit_floor(static_cast<uint64_t>(heads));
  const auto series = [](uint64_t power) {
    return static_cast<float>(std::pow(2.0, -std::pow(2.0, -(std::log2(static_cast<double>(power)) - 3))));
  };
  std::vector<float> out;
  for (uint64_t i = 1; i <= closest; ++i) out.push_back(std::pow(series(closest), static_cast<float>(i)));
  for (uint64_t i = 1; out.size() < static_cast<size_t>(heads); i += 2)
    out.push_back(std::pow(series(2 * closest), static_cast<float>(i)));
  return out;
}

/// What is added to the scores of each sequence, [heads, 1, keys]: value(a head's slope, the key's index).
template <class Value>
std::vector<Tensor> alibi(const Batch& batch, int64_t heads, const Value& value) {
  const auto slopes = alibi_slopes(heads);
  std::vector<Tensor> out;
  for (const auto& s : batch.sequences) {
    const auto keys = s.past() + s.count;
    std::vector<float> values;
    values.reserve(static_cast<size_t>(heads * keys));
    for (const float slope : slopes)
      for (int64_t key = 0; key < keys; ++key) values.push_back(value(slope, static_cast<float>(key)));
    out.push_back(batch.backend.from_host(values, {heads, 1, keys}));
  }
  return out;
}

}  // namespace hearth
