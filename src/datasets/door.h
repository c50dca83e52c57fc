// The entry of libhearth_data, opened by the command line when a verb needs Arrow.
#pragma once

#include "base/door.h"

/// A CommandDoor: runs a verb of datasets/commands/ and returns its exit code.
extern "C" int hearth_data_run(std::string_view verb, std::span<const std::string_view> words,
                               hearth::Terminal& terminal);
