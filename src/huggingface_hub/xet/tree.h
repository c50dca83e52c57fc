// How entries of a hash tree are grouped.
// Source: xet-core merklehash aggregated_hashes.
#pragma once

#include <cstddef>
#include <span>

#include "huggingface_hub/xet_hash.h"

namespace hearth::xet {

/// A group has at least so many entries, unless fewer are left.
inline constexpr size_t kGroupMin = 3, kGroupMax = 9;

/// May a group end with this entry?
inline bool ends_group(const TreeEntry& entry) {
  return entry.hash.word(3) % 4 == 0;
}
/// How many of the entries make the next group.
size_t group_size(std::span<const TreeEntry> entries);
/// The entry above these.
TreeEntry group(std::span<const TreeEntry> entries);

}  // namespace hearth::xet
