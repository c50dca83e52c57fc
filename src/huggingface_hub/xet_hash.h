// Xet's hashes: chunks, the trees over them that name xorbs and files, and the proof that somebody has a range of
// chunks. Source: huggingface/xet-core merklehash and mdb_shard (August 2026); checked against what hf_xet 1.8.0 sends.
#pragma once

#include <array>
#include <compare>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace hearth::xet {

/// 32 bytes. In text each group of 8 is a little-endian number of 16 hexadecimal digits: not the order of the bytes.
/// A SHA-256 inside a shard is kept so that its text is the usual one.
struct Hash {
  std::array<uint8_t, 32> bytes{};

  std::string hex() const;
  uint64_t word(int index) const {
    uint64_t out;
    std::memcpy(&out, bytes.data() + 8 * index, 8);
    return out;
  }
  bool zero() const { return word(0) == 0 && word(1) == 0 && word(2) == 0 && word(3) == 0; }
  auto operator<=>(const Hash&) const = default;
};

/// The inverse of Hash::hex: 64 hexadecimal digits; nothing otherwise.
std::optional<Hash> parse_hash(std::string_view hex);

Hash chunk_hash(std::span<const std::byte> chunk);
/// Over the chunks' hashes, in order: sent with each range of a file to show that its sender knows them.
Hash range_hash(std::span<const Hash> chunks);
/// What a dedup answer shows instead of a chunk's hash when it has a key.
Hash keyed_hash(const Hash& key, const Hash& hash);

/// A chunk or a group of them in a tree.
struct TreeEntry {
  Hash hash;
  uint64_t size_bytes = 0;
};

/// The tree over chunks of any number, in memory that does not grow with it: at most a dozen entries a level wait.
class TreeHasher {
 public:
  void add(const TreeEntry& chunk) { add(0, chunk); }
  /// The root; zero without chunks. Ends the hasher.
  Hash finish();

 private:
  struct Level {
    std::vector<TreeEntry> waiting;
    uint64_t groups = 0;  ///< cut and passed on
  };
  void add(size_t level, const TreeEntry& entry);
  void cut(size_t level);
  std::vector<Level> levels_;
};

/// The name of a xorb that holds these chunks.
Hash xorb_hash(std::span<const TreeEntry> chunks);
/// The name of a file from the root of the tree over all its chunks (zero for an empty file).
Hash file_hash(const Hash& root);

/// Is the chunk one whose hash clients ask the hub for, besides the first of each file?
inline bool globally_deduplicated(const Hash& chunk) {
  return chunk.word(3) % 1024 == 0;
}

}  // namespace hearth::xet
