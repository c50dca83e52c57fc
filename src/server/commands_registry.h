// The bodies of verbs whose work lies in libhearth_hub: serve, admin, and git's hooks (base/door.h).
#pragma once

#include <span>

#include "base/door.h"

namespace hearth::server::commands {
using Entry = CommandBody;
std::span<const Entry* const> entries();
}  // namespace hearth::server::commands
