#include "net/http.h"

#include <doctest/doctest.h>

namespace hearth::net {

TEST_CASE("headers: names ignore the letter case, values come in order") {
  Headers headers{{"ETag", "\"a\""}};
  headers.add("x-tag", "1");
  headers.add("X-Tag", "2");
  CHECK(headers.get("etag") == "\"a\"");
  CHECK(headers.get("X-TAG") == "1");
  CHECK(headers.all("x-tag").size() == 2);
  headers.set("X-tag", "3");
  CHECK(headers.all("x-tag") == std::vector<std::string_view>{"3"});
  headers.remove("ETAG");
  CHECK_FALSE(headers.has("etag"));
}

TEST_CASE("cookie: found among others, by its whole name") {
  const Headers headers{{"Cookie", "theme=dark; hearth=abc=; x=1"}};
  CHECK(cookie(headers, "hearth") == "abc=");
  CHECK(cookie(headers, "x") == "1");
  CHECK(cookie(headers, "heart") == "");
}

TEST_CASE("range: RFC 9110 14.1.2 against a file of 10000 bytes") {
  const auto range = [](std::string_view text, uint64_t size = 10000) {
    const auto parsed = parse_range(text, size);
    REQUIRE(parsed.ok());
    REQUIRE(parsed->has_value());
    return std::pair((*parsed)->begin, (*parsed)->length);
  };
  CHECK(range("bytes=0-499") == std::pair<uint64_t, uint64_t>(0, 500));
  CHECK(range("bytes=500-999") == std::pair<uint64_t, uint64_t>(500, 500));
  CHECK(range("bytes=-500") == std::pair<uint64_t, uint64_t>(9500, 500));
  CHECK(range("bytes=9500-") == std::pair<uint64_t, uint64_t>(9500, 500));
  CHECK(range("bytes=0-99999999999999999999999") == std::pair<uint64_t, uint64_t>(0, 10000));
  CHECK(range("bytes=-20000") == std::pair<uint64_t, uint64_t>(0, 10000));
  CHECK(range("BYTES=9999-9999") == std::pair<uint64_t, uint64_t>(9999, 1));
}

TEST_CASE("range: outside the file is Code::range, what is no range is ignored") {
  for (const auto text : {"bytes=10000-", "bytes=10000-10001", "bytes=-0", "bytes=99999999999999999999999-"})
    CHECK_MESSAGE(parse_range(text, 10000).status().code() == Code::range, text);
  CHECK(parse_range("bytes=0-0", 0).status().code() == Code::range);
  for (const auto text : {"", "bytes", "bytes=", "bytes=-", "bytes=a-b", "bytes=5-2", "bytes=0-1,3-4", "lines=1-2",
                          "bytes=+1-2", "bytes=1--2", "bytes=0x1-2"}) {
    const auto parsed = parse_range(text, 10000);
    CHECK_MESSAGE(parsed.ok(), text);
    CHECK_MESSAGE((parsed.ok() && !parsed->has_value()), text);
  }
}

}  // namespace hearth::net
