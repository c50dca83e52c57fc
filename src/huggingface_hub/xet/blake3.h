// BLAKE3 in keyed mode, 32 bytes out. Source: the BLAKE3 paper and specification (github.com/BLAKE3-team/BLAKE3-specs).
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

namespace hearth::xet {

using Blake3Key = std::array<uint8_t, 32>;

/// The hash of the whole input. Leaves are hashed 4, 8 or 16 at a time, by what the machine can do.
std::array<uint8_t, 32> blake3_keyed(const Blake3Key& key, std::span<const std::byte> input);

/// The name of the kernels in use: "plain", "avx2", "avx512".
const char* blake3_kernel_name();
/// For tests: uses the kernels of that name from now on; false when the machine lacks them.
bool use_blake3_kernel(const char* name);

}  // namespace hearth::xet
