#include "transformers/relative_positions.h"

#include <algorithm>
#include <cmath>

#include "base/text.h"

namespace hearth {

int32_t RelativeBuckets::bucket(int64_t distance) const {
  const int64_t count = bidirectional ? num_buckets / 2 : num_buckets;
  const int64_t first = bidirectional && distance > 0 ? count : 0;
  const int64_t away = bidirectional ? std::abs(distance) : std::max<int64_t>(-distance, 0);
  const int64_t exact = count / 2;
  if (away < exact) return static_cast<int32_t>(first + away);
  // In f32, step by step as torch does it: at a bin's edge the last bit decides.
  const float ratio = std::log(static_cast<float>(away) / static_cast<float>(exact));
  const auto range = static_cast<float>(std::log(static_cast<double>(max_distance) / static_cast<double>(exact)));
  const auto bin = static_cast<int64_t>(ratio / range * static_cast<float>(count - exact));
  return static_cast<int32_t>(first + std::min(exact + bin, count - 1));
}

Status RelativeBuckets::check() const {
  const int64_t exact = num_buckets / (bidirectional ? 4 : 2);
  if (exact < 1)
    return {Code::bad_input, cat("config.json: ", num_buckets, " buckets of relative positions are too few")};
  if (max_distance <= exact)
    return {Code::bad_input, cat("config.json: the largest relative distance, ", max_distance, ", is not above ", exact,
                                 ", the number of distances that have a bucket each")};
  return {};
}

RelativeAttentionBias::RelativeAttentionBias(const Params& p, int64_t heads, const RelativeBuckets& buckets,
                                             int64_t rows)
    : heads_(heads), buckets_(buckets) {
  const auto weight = p.store().array(p.name("weight"), {rows > 0 ? rows : buckets.num_buckets, heads});
  if (weight.defined()) values_ = to_vector(weight);
}

Tensor RelativeAttentionBias::between(const Backend& backend, int64_t past, int64_t count) const {
  const int64_t keys = past + count, last = keys - 1;  // distances are -last .. count - 1
  std::vector<float> by_distance(static_cast<size_t>(last + count));
  std::vector<float> out(static_cast<size_t>(heads_ * count * keys));
  auto* to = out.data();
  for (int64_t head = 0; head < heads_; ++head) {
    for (int64_t distance = -last; distance < count; ++distance)
      by_distance[static_cast<size_t>(distance + last)] =
          values_[static_cast<size_t>(buckets_.bucket(distance) * heads_ + head)];
    for (int64_t row = 0; row < count; ++row, to += keys)
      std::copy_n(by_distance.data() + last - (past + row), keys, to);
  }
  return backend.from_host(out, {heads_, count, keys});
}

std::vector<Tensor> RelativeAttentionBias::operator()(const Batch& batch) const {
  // Sequences that are all their rows see the same distances: the longest one's biases hold the others'.
  int64_t longest = 0;
  for (const auto& s : batch.sequences)
    if (s.past() == 0) longest = std::max(longest, s.count);
  const Tensor shared = longest > 0 ? between(batch.backend, 0, longest) : Tensor();
  std::vector<Tensor> out;
  out.reserve(batch.sequences.size());
  for (const auto& s : batch.sequences)
    out.push_back(s.past() > 0 ? between(batch.backend, s.past(), s.count)
                               : shared.narrow(1, 0, s.count).narrow(2, 0, s.count));
  return out;
}

}  // namespace hearth
