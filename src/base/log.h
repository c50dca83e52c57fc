// One line an event on standard error: time, level, room, text. HEARTH_LOG=debug|info|warning|error sets the threshold.
#pragma once

#include <string_view>

namespace hearth {

enum class LogLevel { debug, info, warning, error };

/// Writes one line, whole, from any thread. Control characters in `text` are escaped.
void log(LogLevel level, std::string_view room, std::string_view text);
void set_log_level(LogLevel level);

}  // namespace hearth
