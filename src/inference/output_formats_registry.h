// The forms of tool calls: each file of output_formats/ is one.
#pragma once

#include <span>

#include "inference/output_format.h"

namespace hearth::inference::output_formats {
using Entry = OutputFormat;
std::span<const Entry* const> entries();
}  // namespace hearth::inference::output_formats
