// TorchGenerator: the random numbers of torch on the CPU after torch.manual_seed, so that a seed draws the same tokens
// here as in Python.
// Source: PyTorch 2.13 aten/src/ATen/CPUGeneratorImpl.cpp (mt19937), core/DistributionsHelper.h
// (exponential_distribution in double from 53 bits), native/Distributions.cpp (multinomial without replacement).
#pragma once

#include <cstdint>
#include <random>
#include <span>
#include <vector>

namespace hearth {

/// One thread at a time.
class TorchGenerator {
 public:
  /// Of the seed torch uses the lower 32 bits.
  explicit TorchGenerator(uint64_t seed) : engine_(static_cast<uint32_t>(seed)) {}

  /// torch.multinomial(probabilities, count), without replacement: `count` indices, those that come first where several
  /// are drawn. Weights that are 0 are never drawn unless nothing else is left. Uses probabilities.size() numbers.
  std::vector<int32_t> multinomial(std::span<const float> probabilities, size_t count);
  int32_t multinomial(std::span<const float> probabilities) { return multinomial(probabilities, 1).front(); }
  /// torch.rand's f32: 24 bits in [0, 1).
  float uniform();
  /// As if a draw among `count` had been made.
  void skip(size_t count) { engine_.discard(kWords * count); }

 private:
  static constexpr unsigned long long kWords = 2;  // of 32 bits for one number
  std::mt19937 engine_;
};

}  // namespace hearth
