// The members of a zip archive, for scanning: central directory, stored and deflated members, zip64.
// Source: PKWARE APPNOTE 6.3.10, sections 4.3.7 to 4.3.16; RFC 1951.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace hearth::hub::scan {

struct ZipMember {
  std::string name;
  int method = 0;  ///< 0: stored, 8: deflated
  uint64_t compressed_bytes = 0, size_bytes = 0;
  uint64_t header_at = 0;  ///< of the local header
};

bool is_zip(std::span<const std::byte> file);
/// bad_input when the directory is broken; too_large over a million members.
Result<std::vector<ZipMember>> zip_members(std::span<const std::byte> file);
/// The member's bytes; too_large when they unpack to more than `max_bytes`, whatever the directory says.
Result<std::string> read_member(std::span<const std::byte> file, const ZipMember& member, uint64_t max_bytes);

}  // namespace hearth::hub::scan
