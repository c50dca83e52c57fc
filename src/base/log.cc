#include "base/log.h"

#include <unistd.h>

#include <atomic>

#include "base/clock.h"
#include "base/files.h"
#include "base/json.h"
#include "base/text.h"

namespace hearth {
namespace {

constexpr std::string_view kNames[] = {"debug", "info", "warning", "error"};

LogLevel level_from_environment() {
  const auto name = env("HEARTH_LOG");
  for (int i = 0; i < 4; ++i)
    if (name == kNames[i]) return static_cast<LogLevel>(i);
  return LogLevel::info;
}

std::atomic<LogLevel>& threshold() {
  static std::atomic<LogLevel> level = level_from_environment();
  return level;
}

std::atomic<LogFormat>& format() {
  static std::atomic<LogFormat> chosen = env("HEARTH_LOG_FORMAT") == "json" ? LogFormat::json : LogFormat::text;
  return chosen;
}

// A process whose standard error is kept elsewhere may be given another descriptor for its lines.
int descriptor() {
  static const auto given = parse_int(env("HEARTH_LOG_FD"));
  return given && *given >= 0 && *given < 1024 ? static_cast<int>(*given) : STDERR_FILENO;
}

std::string text_line(LogLevel level, std::string_view room, std::string_view text,
                      std::initializer_list<LogField> fields) {
  auto line = cat(iso_time(now_ms()), " ", kNames[static_cast<int>(level)], " ", room, ": ", text);
  for (const auto& [name, value] : fields) {
    if (const auto* word = std::get_if<std::string_view>(&value)) {
      if (!word->empty()) line += cat(" ", name, "=", *word);
    } else if (const auto* number = std::get_if<int64_t>(&value)) {
      line += cat(" ", name, "=", *number);
    } else {
      char shown[40];
      snprintf(shown, sizeof shown, "%.1f", std::get<double>(value));
      line += cat(" ", name, "=", std::string_view(shown));
    }
  }
  for (char& c : line)
    if (static_cast<unsigned char>(c) < 0x20) c = ' ';
  return line;
}

std::string json_line(LogLevel level, std::string_view room, std::string_view text,
                      std::initializer_list<LogField> fields) {
  JsonWriter out;
  out.begin_object().field("time", iso_time(now_ms())).field("level", kNames[static_cast<int>(level)]);
  out.field("room", room).field("text", utf8_replace_errors(text));
  for (const auto& [name, value] : fields) {
    if (const auto* word = std::get_if<std::string_view>(&value)) {
      if (!word->empty()) out.field(name, utf8_replace_errors(*word));
    } else if (const auto* number = std::get_if<int64_t>(&value)) {
      out.field(name, *number);
    } else {
      out.field(name, std::get<double>(value));
    }
  }
  out.end();
  return out.take();
}

}  // namespace

void set_log_format(LogFormat chosen) {
  format() = chosen;
}

void set_log_level(LogLevel level) {
  threshold() = level;
}

void log(LogLevel level, std::string_view room, std::string_view text) {
  log(level, room, text, {});
}

void log(LogLevel level, std::string_view room, std::string_view text, std::initializer_list<LogField> fields) {
  if (level < threshold().load(std::memory_order_relaxed)) return;
  auto line = format() == LogFormat::json ? json_line(level, room, text, fields) : text_line(level, room, text, fields);
  line.push_back('\n');
  const auto status = write_all(descriptor(), line, "standard error");
  static_cast<void>(status.ok());  // nowhere left to say it
}

}  // namespace hearth
