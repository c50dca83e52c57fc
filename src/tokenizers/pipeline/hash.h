// A hash for short keys (words, tokens, pairs of ids): a few multiplications, good in all 64 bits.
// Source: the folded multiply of wyhash (Wang Yi), public domain.
#pragma once

#include <cstdint>
#include <cstring>
#include <string_view>

namespace hearth::tokenizers {

inline uint64_t fold(uint64_t a, uint64_t b) {
  const auto product = static_cast<unsigned __int128>(a) * b;
  return static_cast<uint64_t>(product) ^ static_cast<uint64_t>(product >> 64);
}

inline uint64_t load64(const char* p) {
  uint64_t out;
  std::memcpy(&out, p, 8);
  return out;
}

inline uint64_t load32(const char* p) {
  uint32_t out;
  std::memcpy(&out, p, 4);
  return out;
}

inline uint64_t hash_bytes(std::string_view key) {
  constexpr uint64_t kA = 0xa0761d6478bd642f, kB = 0xe7037ed1a0b428db;
  const char* p = key.data();
  const size_t n = key.size();
  if (n <= 3) {
    if (n == 0) return 0;
    const uint64_t v = static_cast<uint64_t>(static_cast<unsigned char>(p[0])) << 16 |
                       static_cast<uint64_t>(static_cast<unsigned char>(p[n / 2])) << 8 |
                       static_cast<unsigned char>(p[n - 1]);
    return fold(v ^ kA, n ^ kB);
  }
  if (n <= 8) return fold((load32(p) << 32 | load32(p + n - 4)) ^ kA, n ^ kB);
  if (n <= 16) return fold(load64(p) ^ kA, load64(p + n - 8) ^ n ^ kB);
  uint64_t h = n;
  for (size_t i = 0; i + 16 < n; i += 16) h = fold(load64(p + i) ^ kA ^ h, load64(p + i + 8) ^ kB);
  return fold(load64(p + n - 16) ^ kA ^ h, load64(p + n - 8) ^ kB);
}

}  // namespace hearth::tokenizers
