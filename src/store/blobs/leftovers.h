// Old files of a flat folder, removed.
#pragma once

#include <cstdint>
#include <string>

#include "base/result.h"

namespace hearth::store {

/// Removes what lies in `folder` and was last written before `oldest_s` (seconds since 1970).
Status remove_old_files(const std::string& folder, int64_t oldest_s);

}  // namespace hearth::store
