#include "base/clock.h"

#include <ctime>

#include <cstdio>

#include "base/text.h"

namespace hearth {

int64_t now_ms() {
  timespec t{};
  clock_gettime(CLOCK_REALTIME, &t);
  return static_cast<int64_t>(t.tv_sec) * 1000 + t.tv_nsec / 1000000;
}
double monotonic_s() {
  timespec t{};
  clock_gettime(CLOCK_MONOTONIC, &t);
  return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_nsec) * 1e-9;
}
int64_t monotonic_ms() {
  return static_cast<int64_t>(monotonic_s() * 1000);
}

std::string iso_time(int64_t unix_ms) {
  const time_t seconds = unix_ms / 1000;
  tm parts{};
  gmtime_r(&seconds, &parts);
  std::string out = "0000-00-00T00:00:00.000Z";
  // Lists of repositories are full of times: no printf.
  const auto put = [&out](size_t last, int digits, int64_t number) {
    for (; digits > 0; --digits, number /= 10) out[last--] = static_cast<char>('0' + number % 10);
  };
  put(3, 4, parts.tm_year + 1900);
  put(6, 2, parts.tm_mon + 1);
  put(9, 2, parts.tm_mday);
  put(12, 2, parts.tm_hour);
  put(15, 2, parts.tm_min);
  put(18, 2, parts.tm_sec);
  put(22, 3, unix_ms % 1000);
  return out;
}

Result<int64_t> parse_iso_time(std::string_view text) {
  tm parts{};
  int ms = 0, used = 0;
  const std::string copy(text);
  if (std::sscanf(copy.c_str(), "%4d-%2d-%2dT%2d:%2d:%2d%n", &parts.tm_year, &parts.tm_mon, &parts.tm_mday,
                  &parts.tm_hour, &parts.tm_min, &parts.tm_sec, &used) != 6)
    return Status(Code::bad_input, cat("not an ISO-8601 time: '", text, "'"));
  if (copy[static_cast<size_t>(used)] == '.') std::sscanf(copy.c_str() + used, ".%3d", &ms);
  parts.tm_year -= 1900;
  parts.tm_mon -= 1;
  return static_cast<int64_t>(timegm(&parts)) * 1000 + ms;
}

std::string http_date(int64_t unix_ms) {
  const time_t seconds = unix_ms / 1000;
  tm parts{};
  gmtime_r(&seconds, &parts);
  char buffer[40];
  const size_t size = std::strftime(buffer, sizeof buffer, "%a, %d %b %Y %H:%M:%S GMT", &parts);
  return {buffer, size};
}

}  // namespace hearth
