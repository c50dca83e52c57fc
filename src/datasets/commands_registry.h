// The verbs whose bodies lie in libhearth_data: one file of commands/ each.
#pragma once

#include <span>

#include "base/door.h"

namespace hearth::datasets::commands {
using Entry = CommandBody;
std::span<const Entry* const> entries();
}  // namespace hearth::datasets::commands
