// Shards: which ranges of which xorbs make up a file, and which chunks a xorb holds. Clients upload them without a
// footer; answers to dedup queries end with one.
// Source: huggingface/xet-core mdb_shard (shard_format.rs, file_structs.rs, xorb_structs.rs); hf_xet 1.8.0 on the wire.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/result.h"
#include "huggingface_hub/xet_hash.h"

namespace hearth::xet {

/// The largest shard that is read; clients aim at 64 MiB.
inline constexpr uint64_t kShardMax = 80 << 20;

/// Chunks [chunk_begin, chunk_end) of a xorb, `size_bytes` unpacked.
struct Segment {
  Hash xorb;
  uint32_t size_bytes = 0, chunk_begin = 0, chunk_end = 0;
};

struct ShardFile {
  Hash hash;
  std::vector<Segment> segments;
  std::vector<Hash> range_hashes;  ///< one a segment, or none at all
  std::optional<Hash> sha256;      ///< its text is the usual hexadecimal form
};

struct ShardChunk {
  Hash hash;
  uint32_t size_begin = 0, size_bytes = 0;
};

struct ShardXorb {
  Hash hash;
  uint32_t size_bytes = 0, packed_bytes = 0;
  std::vector<ShardChunk> chunks;
};

struct Shard {
  std::vector<ShardFile> files;
  std::vector<ShardXorb> xorbs;
  std::optional<Hash> hmac_key;  ///< of the footer, when there is one and its key is not zero
};

/// bad_input when it is cut short or its counts do not fit; what it says is not checked against anything. Memory is
/// bounded by the shard's own size.
Result<Shard> read_shard(std::span<const std::byte> bytes);

struct ShardFooter {
  std::optional<Hash> hmac_key;  ///< set: chunk hashes are written keyed, recognised only by who has the chunk already
  int64_t created_s = 0, key_expires_s = 0;
};
/// With `footer` as a dedup answer, without as an upload.
std::string write_shard(const Shard& shard, const std::optional<ShardFooter>& footer);

}  // namespace hearth::xet
