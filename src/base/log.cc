#include "base/log.h"

#include <unistd.h>

#include <atomic>

#include "base/clock.h"
#include "base/files.h"
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

}  // namespace

void set_log_level(LogLevel level) {
  threshold() = level;
}

void log(LogLevel level, std::string_view room, std::string_view text) {
  if (level < threshold().load(std::memory_order_relaxed)) return;
  auto line = cat(iso_time(now_ms()), " ", kNames[static_cast<int>(level)], " ", room, ": ", text);
  for (char& c : line)
    if (static_cast<unsigned char>(c) < 0x20) c = ' ';
  line.push_back('\n');
  const auto status = write_all(STDERR_FILENO, line, "standard error");
  static_cast<void>(status.ok());  // nowhere left to say it
}

}  // namespace hearth
