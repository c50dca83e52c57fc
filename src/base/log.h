// One line an event on standard error: time, level, room, text. HEARTH_LOG=debug|info|warning|error sets the threshold,
// HEARTH_LOG_FORMAT=text|json the form, HEARTH_LOG_FD=N writes to another descriptor.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <string_view>
#include <utility>
#include <variant>

namespace hearth {

enum class LogLevel { debug, info, warning, error };

/// Writes one line, whole, from any thread. Control characters in `text` are escaped.
void log(LogLevel level, std::string_view room, std::string_view text);
using LogField = std::pair<std::string_view, std::variant<std::string_view, int64_t, double>>;
/// With facts for machines: ` name=value` after the text, members of their own in JSON. Empty texts are left out.
void log(LogLevel level, std::string_view room, std::string_view text, std::initializer_list<LogField> fields);
void set_log_level(LogLevel level);

enum class LogFormat { text, json };
/// JSON: one object a line, with "time", "level", "room", "text" and the fields.
void set_log_format(LogFormat format);

}  // namespace hearth
