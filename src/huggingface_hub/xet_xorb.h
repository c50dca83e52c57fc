// Xorbs: up to 64 MiB of chunks, each behind a header of 8 bytes, packed or not; ours end with a footer that says where
// each chunk lies, so that a stored one is read without walking it.
// Source: huggingface/xet-core cas_object (cas_chunk_format.rs, cas_object_format.rs, compression_scheme.rs).
//
//   chunk     version u8 = 0 | packed size u24 | scheme u8 | size u24 | packed bytes
//   footer    "XETBLOB" 1 hash | "XBLBHSH" 0 n hashes | "XBLBBND" 1 n packed ends, unpacked ends | n, two offsets | 16
//   bytes length    of the footer, u32
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "huggingface_hub/xet_chunker.h"
#include "huggingface_hub/xet_hash.h"

namespace hearth::xet {

inline constexpr uint64_t kXorbMax = 64 << 20;  ///< of the chunks' bytes, unpacked
inline constexpr size_t kXorbChunksMax = 8192;
inline constexpr size_t kChunkHeader = 8;
/// The largest body that can be a xorb: chunks that did not shrink, their headers and a footer.
inline constexpr uint64_t kXorbFileMax = kXorbMax + kXorbChunksMax * 64 + 4096;

enum class Scheme : uint8_t { none = 0, lz4 = 1, grouped_lz4 = 2 };

struct ChunkHeader {
  uint32_t packed_bytes = 0, size_bytes = 0;
  Scheme scheme = Scheme::none;
};
/// bad_input unless the 8 bytes are a chunk's header within the format's limits.
Result<ChunkHeader> read_chunk_header(std::span<const std::byte> bytes);
void append_chunk_header(std::string& out, const ChunkHeader& header);
/// The chunk with its header; as it is when packing does not make it smaller.
void append_chunk(std::string& out, std::span<const std::byte> chunk, Scheme scheme);

/// Unpacks chunks; keep one for many. For one thread at a time.
class Unpacker {
 public:
  Unpacker();
  ~Unpacker();
  Unpacker(Unpacker&&) noexcept;
  /// The chunk's bytes; a view of `packed` (scheme none) or of this object, until its next use. bad_input when they are
  /// not exactly `header.size_bytes`.
  Result<std::span<const std::byte>> unpack(const ChunkHeader& header, std::span<const std::byte> packed);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

struct XorbChunk {
  Hash hash;
  uint32_t packed_end = 0;  ///< in the xorb's file, after this chunk
  uint32_t size_end = 0;    ///< of all chunks up to this one, unpacked
};

/// What a xorb holds, chunk by chunk.
struct XorbTable {
  Hash hash;
  std::vector<XorbChunk> chunks;

  uint32_t packed_bytes() const { return chunks.empty() ? 0 : chunks.back().packed_end; }
  uint32_t size_bytes() const { return chunks.empty() ? 0 : chunks.back().size_end; }
};

/// Unpacks and hashes every chunk of a xorb while it arrives; a footer is passed over, its claims with it. Holds at
/// most one packed chunk that is not whole yet.
class XorbReader {
 public:
  /// The bytes that come next, in pieces of any size. bad_input when anything is not as the format says: the reader is
  /// of no use then.
  Status add(std::span<const std::byte> bytes);
  /// All has come. bad_input when it ends inside a chunk.
  Result<XorbTable> finish();

 private:
  Result<size_t> add_chunks(std::span<const std::byte> bytes);
  Status read_chunk(const ChunkHeader& header, std::span<const std::byte> packed);

  XorbTable table_;
  TreeHasher tree_;
  Unpacker unpacker_;
  std::vector<std::byte> part_;  // of a chunk, with its header
  uint64_t packed_bytes_ = 0, size_bytes_ = 0;
  bool in_footer_ = false;
};

/// The same of a xorb that is all there.
Result<XorbTable> read_xorb(std::span<const std::byte> bytes);

/// The footer with its length, to be put after the chunks.
std::string format_xorb_footer(const XorbTable& table);

/// A stored xorb's footer, read in place. The bytes belong to whoever made the view.
class XorbView {
 public:
  /// `file` ends with a footer; what lies before it is not looked at. bad_input when its parts do not fit each other.
  static Result<XorbView> open(std::span<const std::byte> file);

  size_t count() const { return count_; }
  Hash hash(size_t chunk) const;
  uint32_t packed_begin(size_t chunk) const { return chunk == 0 ? 0 : end_of(packed_ends_, chunk - 1); }
  uint32_t packed_end(size_t chunk) const { return end_of(packed_ends_, chunk); }
  uint32_t size_begin(size_t chunk) const { return chunk == 0 ? 0 : end_of(size_ends_, chunk - 1); }
  uint32_t size_end(size_t chunk) const { return end_of(size_ends_, chunk); }
  /// The chunk that holds this byte of the unpacked whole.
  size_t chunk_at(uint32_t unpacked_offset) const;

 private:
  static uint32_t end_of(const std::byte* ends, size_t chunk) {
    uint32_t out;
    std::memcpy(&out, ends + 4 * chunk, 4);
    return out;
  }
  const std::byte *hashes_ = nullptr, *packed_ends_ = nullptr, *size_ends_ = nullptr;
  size_t count_ = 0;
};

}  // namespace hearth::xet
