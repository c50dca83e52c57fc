// The registry of src/server/routes: see server/route.h.
#pragma once

#include <span>

#include "server/route.h"

namespace hearth::server::routes {
using Entry = Routes;
std::span<const Entry* const> entries();
}  // namespace hearth::server::routes
