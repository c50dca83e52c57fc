// The command line's door into libhearth_hub (base/door.h).
#pragma once

#include "base/door.h"

extern "C" int hearth_hub_run(std::string_view verb, std::span<const std::string_view> words,
                              hearth::Terminal& terminal);
