// The registry of src/server/pages: see server/route.h.
#pragma once

#include <span>

#include "server/route.h"

namespace hearth::server::pages {
using Entry = Routes;
std::span<const Entry* const> entries();
}  // namespace hearth::server::pages
