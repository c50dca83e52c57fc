#include "tensor/torch_generator.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <utility>

namespace hearth {

// p / Exponential(1) is largest for index i with probability p_i / sum(p): the exponential race.
std::vector<int32_t> TorchGenerator::multinomial(std::span<const float> probabilities, size_t count) {
  std::vector<float> race(probabilities.size());
  size_t skipped = 0;
  for (size_t i = 0; i < race.size(); ++i) {
    if (probabilities[i] == 0) {  // 0 / x: the number is not needed
      ++skipped;
      continue;
    }
    skip(std::exchange(skipped, 0));
    const uint64_t high = engine_(), low = engine_();
    constexpr uint64_t kMask = (uint64_t{1} << 53) - 1;
    const double uniform = static_cast<double>((high << 32 | low) & kMask) * 0x1p-53;
    race[i] = probabilities[i] / static_cast<float>(-std::log1p(-uniform));
  }
  skip(skipped);
  if (count == 1) return {static_cast<int32_t>(std::ranges::max_element(race) - race.begin())};
  std::vector<int32_t> order(race.size());
  std::iota(order.begin(), order.end(), 0);
  const auto is_before = [&](int32_t a, int32_t b) {
    const float x = race[static_cast<size_t>(a)], y = race[static_cast<size_t>(b)];
    return x != y ? x > y : a < b;
  };
  std::ranges::partial_sort(order, order.begin() + static_cast<std::ptrdiff_t>(count), is_before);
  order.resize(count);
  return order;
}

float TorchGenerator::uniform() {
  return static_cast<float>(engine_() & 0xffffff) * 0x1p-24f;
}

}  // namespace hearth
