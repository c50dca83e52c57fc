// What a BLAKE3 kernel file offers, and the constants of the format.
#pragma once

#include <cstdint>

namespace hearth::xet {

constexpr int64_t kBlake3Leaf = 1024;
constexpr uint32_t kBlake3ChunkStart = 1, kBlake3ChunkEnd = 2, kBlake3Parent = 4, kBlake3Root = 8, kBlake3Keyed = 16;

struct Blake3Kernels {
  /// Chaining values (8 words each) of `count` whole leaves of 1024 bytes, numbered from 0.
  void (*leaves)(const uint8_t* input, int64_t count, const uint32_t* key, uint32_t* out);
  /// Of `count` pairs of chaining values; `out` may be `pairs`.
  void (*parents)(const uint32_t* pairs, int64_t count, const uint32_t* key, uint32_t* out);
};

}  // namespace hearth::xet
