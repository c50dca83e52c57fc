// The directory of a zip archive: its members and where their bytes lie; zip64. Unpacks nothing.
// Source: PKWARE APPNOTE 6.3.10, sections 4.3.7 to 4.3.16.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "base/result.h"

namespace hearth {

struct ZipMember {
  std::string name;
  int method = 0;  ///< 0: stored, 8: deflated
  uint64_t compressed_bytes = 0, size_bytes = 0;
  uint64_t header_at = 0;  ///< of the local header
};

bool is_zip(std::span<const std::byte> file);
/// bad_input when the directory is broken; too_large over a million members.
Result<std::vector<ZipMember>> zip_members(std::span<const std::byte> file);
/// The member's bytes as they lie in the file: packed, unless its method is 0.
Result<std::span<const std::byte>> packed_bytes(std::span<const std::byte> file, const ZipMember& member);

}  // namespace hearth
