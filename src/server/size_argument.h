// Sizes as administrators write them.
#pragma once

#include <cstdint>
#include <string_view>

#include "base/result.h"

namespace hearth::server {

/// "100GB", "1.5 TB", "4096": bytes, in decimal units. bad_input otherwise.
Result<int64_t> parse_size(std::string_view text);

}  // namespace hearth::server
