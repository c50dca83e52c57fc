// The verbs whose work lies in libhearth_nn; their flags and help are in cli/commands/.
#pragma once

#include <span>

#include "base/door.h"

namespace hearth::inference::commands {
using Entry = CommandBody;
std::span<const Entry* const> entries();
}  // namespace hearth::inference::commands
