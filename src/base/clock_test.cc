#include "base/clock.h"

#include <doctest/doctest.h>

namespace hearth {

TEST_CASE("clock: times in ISO 8601, with milliseconds, and back") {
  CHECK(iso_time(0) == "1970-01-01T00:00:00.000Z");
  CHECK(iso_time(1'700'000'000'123) == "2023-11-14T22:13:20.123Z");
  CHECK(iso_time(951'782'399'009) == "2000-02-28T23:59:59.009Z");
  for (const int64_t ms : {0ll, 1'700'000'000'123ll, 4'102'444'799'999ll})
    CHECK(parse_iso_time(iso_time(ms)).value() == ms);
}

}  // namespace hearth
