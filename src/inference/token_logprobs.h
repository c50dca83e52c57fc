// What a model thought at one step: the likeliest tokens with their log probabilities.
#pragma once

#include <algorithm>
#include <cstdint>
#include <functional>
#include <numeric>
#include <utility>
#include <vector>

#include "inference/engine.h"

namespace hearth::inference {

/// The `count` likeliest tokens of the step that `token` was made in, the likeliest first. `own`: token.logprob().
inline std::vector<std::pair<int32_t, double>> likeliest(const MadeToken& token, double own, int64_t count) {
  std::vector<int32_t> ids(token.logits.size());
  std::iota(ids.begin(), ids.end(), 0);
  const auto end = ids.begin() + std::min<std::ptrdiff_t>(count, std::ssize(ids));
  const auto logit = [&](int32_t id) { return token.logits[static_cast<size_t>(id)]; };
  std::ranges::partial_sort(ids, end, std::greater(), logit);
  std::vector<std::pair<int32_t, double>> out;
  for (auto id = ids.begin(); id != end; ++id) out.emplace_back(*id, own + (logit(*id) - logit(token.id)));
  return out;
}

}  // namespace hearth::inference
