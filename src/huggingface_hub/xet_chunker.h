// Where a file is cut into chunks: by its content, so that an insertion moves only the cuts near it.
// Source: huggingface/xet-core deduplication/src/chunking.rs (target 64 KiB); rust-gearhash for the rolling hash.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace hearth::xet {

inline constexpr size_t kChunkMin = 8 << 10, kChunkMax = 128 << 10;

/// The length of the first chunk of `bytes`: a cut that the content asks for between 8 and 128 KiB, 128 KiB without
/// one. `bytes` holds at least kChunkMax bytes or runs to the file's end, where the last chunk may be shorter.
size_t chunk_length(std::span<const std::byte> bytes);

}  // namespace hearth::xet
