// The entry of libhearth_nn for commands: run, chat, logits, engine.
#pragma once

#include <span>
#include <string_view>

#include "base/terminal.h"

/// Runs a verb of this object (base/door.h, CommandDoor).
extern "C" int hearth_nn_run(std::string_view verb, std::span<const std::string_view> words,
                             hearth::Terminal& terminal);
