// The members of a zip archive, unpacked for scanning: stored and deflated ones.
// Source: PKWARE APPNOTE 6.3.10; RFC 1951.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>

#include "base/result.h"
#include "base/zip.h"

namespace hearth::hub::scan {

/// The member's bytes; too_large when they unpack to more than `max_bytes`, whatever the directory says.
Result<std::string> read_member(std::span<const std::byte> file, const ZipMember& member, uint64_t max_bytes);

}  // namespace hearth::hub::scan
