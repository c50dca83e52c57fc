#include "base/text.h"
#include "huggingface_hub/xet/blake3.h"
#include "huggingface_hub/xet/tree.h"
#include "huggingface_hub/xet_hash.h"

namespace hearth::xet {
namespace {

constexpr Blake3Key kChunkKey = {0x66, 0x97, 0xf5, 0x77, 0x5b, 0x95, 0x50, 0xde, 0x31, 0x35, 0xcb,
                                 0xac, 0xa5, 0x97, 0x18, 0x1c, 0x9d, 0xe4, 0x21, 0x10, 0x9b, 0xeb,
                                 0x2b, 0x58, 0xb4, 0xd0, 0xb0, 0x4b, 0x93, 0xad, 0xf2, 0x29};
constexpr Blake3Key kNodeKey = {0x01, 0x7e, 0xc5, 0xc7, 0xa5, 0x47, 0x29, 0x96, 0xfd, 0x94, 0x66,
                                0x66, 0xb4, 0x8a, 0x02, 0xe6, 0x5d, 0xdd, 0x53, 0x6f, 0x37, 0xc7,
                                0x6d, 0xd2, 0xf8, 0x63, 0x52, 0xe6, 0x4a, 0x53, 0x71, 0x3f};
constexpr Blake3Key kRangeKey = {0x7f, 0x18, 0x57, 0xd6, 0xce, 0x56, 0xed, 0x66, 0x12, 0x7f, 0xf9,
                                 0x13, 0xe7, 0xa5, 0xc3, 0xf3, 0xa4, 0xcd, 0x26, 0xd5, 0xb5, 0xdb,
                                 0x49, 0xe6, 0x41, 0x24, 0x98, 0x7f, 0x28, 0xfb, 0x94, 0xc3};
constexpr Blake3Key kFileKey = {};

Hash hash_with(const Blake3Key& key, std::span<const std::byte> bytes) {
  return {blake3_keyed(key, bytes)};
}

int digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

}  // namespace

std::string Hash::hex() const {
  constexpr std::string_view digits = "0123456789abcdef";
  std::string out(64, '0');
  for (size_t i = 0; i < 32; ++i) {
    const uint8_t byte = bytes[i / 8 * 8 + 7 - i % 8];
    out[2 * i] = digits[byte >> 4];
    out[2 * i + 1] = digits[byte & 15];
  }
  return out;
}

std::optional<Hash> parse_hash(std::string_view hex) {
  if (hex.size() != 64) return std::nullopt;
  Hash out;
  for (size_t i = 0; i < 32; ++i) {
    const int high = digit(hex[2 * i]), low = digit(hex[2 * i + 1]);
    if (high < 0 || low < 0) return std::nullopt;
    out.bytes[i / 8 * 8 + 7 - i % 8] = static_cast<uint8_t>(high << 4 | low);
  }
  return out;
}

TreeEntry group(std::span<const TreeEntry> entries) {
  std::string text;
  TreeEntry out;
  for (const auto& entry : entries) {
    text += cat(entry.hash.hex(), " : ", entry.size_bytes, "\n");
    out.size_bytes += entry.size_bytes;
  }
  out.hash = hash_with(kNodeKey, std::as_bytes(std::span(text)));
  return out;
}

size_t group_size(std::span<const TreeEntry> entries) {
  if (entries.size() < kGroupMin) return entries.size();
  const size_t end = std::min(kGroupMax, entries.size());
  for (size_t i = kGroupMin - 1; i < end; ++i)
    if (ends_group(entries[i])) return i + 1;
  return end;
}

Hash chunk_hash(std::span<const std::byte> chunk) {
  return hash_with(kChunkKey, chunk);
}

Hash range_hash(std::span<const Hash> chunks) {
  return hash_with(kRangeKey, std::as_bytes(chunks));
}

Hash keyed_hash(const Hash& key, const Hash& hash) {
  return hash_with(key.bytes, std::as_bytes(std::span(hash.bytes)));
}

Hash file_hash(const Hash& root) {
  if (root.zero()) return {};
  return hash_with(kFileKey, std::as_bytes(std::span(root.bytes)));
}

Hash xorb_hash(std::span<const TreeEntry> chunks) {
  TreeHasher tree;
  for (const auto& chunk : chunks) tree.add(chunk);
  return tree.finish();
}

void TreeHasher::add(size_t level, const TreeEntry& entry) {
  if (levels_.size() == level) levels_.emplace_back();
  levels_[level].waiting.push_back(entry);
  // With a full group's entries at hand the cut does not depend on what follows.
  if (levels_[level].waiting.size() >= kGroupMax) cut(level);
}

void TreeHasher::cut(size_t level) {
  auto& waiting = levels_[level].waiting;
  const size_t size = group_size(waiting);
  const auto made = group(std::span(waiting).first(size));
  waiting.erase(waiting.begin(), waiting.begin() + static_cast<ptrdiff_t>(size));
  ++levels_[level].groups;
  add(level + 1, made);
}

Hash TreeHasher::finish() {
  for (size_t level = 0; level < levels_.size(); ++level) {
    if (levels_[level].groups == 0 && levels_[level].waiting.size() == 1) return levels_[level].waiting[0].hash;
    while (!levels_[level].waiting.empty()) cut(level);
  }
  return {};
}

}  // namespace hearth::xet
