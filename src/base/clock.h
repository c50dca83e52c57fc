// Wall time as the Hub writes it, and a monotonic clock for durations.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"

namespace hearth {

/// Milliseconds since 1970-01-01 UTC.
int64_t now_ms();
/// Milliseconds of a clock that never goes back.
int64_t monotonic_ms();
double monotonic_s();
/// "2026-01-01T00:00:00.000Z"
std::string iso_time(int64_t unix_ms);
/// The inverse of iso_time; the milliseconds may be left out.
Result<int64_t> parse_iso_time(std::string_view text);
/// RFC 9110 date: "Thu, 01 Jan 2026 00:00:00 GMT".
std::string http_date(int64_t unix_ms);

}  // namespace hearth
