#include "huggingface_hub/xet_chunker.h"

#include <algorithm>

namespace hearth::xet {
namespace {

constexpr uint64_t kGear[256] = {
#include "huggingface_hub/xet/gear_table.inc"
};
constexpr uint64_t kMask = 0xFFFF000000000000;
// Each step shifts the hash by a bit, so it depends on the last 64 bytes alone: those before the first place where a
// cut is allowed need no hashing.
constexpr size_t kWindow = 64;

}  // namespace

size_t chunk_length(std::span<const std::byte> bytes) {
  const size_t end = std::min(bytes.size(), kChunkMax);
  if (end <= kChunkMin) return end;
  const auto* data = reinterpret_cast<const uint8_t*>(bytes.data());
  uint64_t hash = 0;
  size_t i = kChunkMin - kWindow - 1;
  for (; i < kChunkMin - 1; ++i) hash = (hash << 1) + kGear[data[i]];
  // Four bytes a turn: the hashes of a group are sums of shifted table words, so only one addition a byte depends on
  // the turn before.
  for (; i + 4 <= end; i += 4) {
    const uint64_t a = kGear[data[i]], b = kGear[data[i + 1]], c = kGear[data[i + 2]], d = kGear[data[i + 3]];
    const uint64_t ab = (a << 1) + b, abc = (ab << 1) + c, abcd = (abc << 1) + d;
    const uint64_t h1 = (hash << 1) + a, h2 = (hash << 2) + ab, h3 = (hash << 3) + abc;
    hash = (hash << 4) + abcd;
    if ((h1 & kMask) == 0) return i + 1;
    if ((h2 & kMask) == 0) return i + 2;
    if ((h3 & kMask) == 0) return i + 3;
    if ((hash & kMask) == 0) return i + 4;
  }
  for (; i < end; ++i) {
    hash = (hash << 1) + kGear[data[i]];
    if ((hash & kMask) == 0) return i + 1;
  }
  return end;
}

}  // namespace hearth::xet
