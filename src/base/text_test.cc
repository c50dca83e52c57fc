#include "base/text.h"

#include <doctest/doctest.h>

#include "base/arguments.h"
#include "base/encoding.h"
#include "base/hash.h"

using namespace hearth;  // NOLINT(google-build-using-namespace): a test file

TEST_CASE("text: UTF-8 is checked by the standard's table") {
  CHECK(is_utf8("é€😀\0x"));
  for (const char* bad : {"\xc0\x80", "\xed\xa0\x80", "\xf4\x90\x80\x80", "\xe2\x82", "\xff", "\x80", "\xc1\xbf"})
    CHECK_FALSE(is_utf8(bad));
  CHECK(utf8_error("ab\xff") == 2);
  CHECK(utf8_incomplete_tail("a\xe2\x82") == 2);
  CHECK(utf8_incomplete_tail("a\xe2\x82\xac") == 0);
  CHECK(utf8_incomplete_tail("\xf0\x9f\x98") == 3);
}

TEST_CASE("text: fnmatch is Python's") {
  CHECK(fnmatch("*.json", "a/b.json"));
  CHECK(fnmatch("model-0000[1-3]-*", "model-00002-of-3"));
  CHECK_FALSE(fnmatch("*.json", "a.jsonl"));
  CHECK(fnmatch("[!a]?c", "xbc"));
  CHECK_FALSE(fnmatch("[!a]?c", "abc"));
  CHECK(fnmatch("a*b*c", "aXXbYYbc"));
}

TEST_CASE("encoding: base64, hex and percent come back as they went") {
  for (size_t n : {0, 1, 2, 3, 4, 100}) {
    const auto bytes = random_bytes(n);
    CHECK(*from_base64(to_base64(bytes)) == bytes);
    CHECK(*from_hex(to_hex(bytes)) == bytes);
    CHECK(*percent_decode(percent_encode(bytes)) == bytes);
  }
  CHECK(to_base64("Hello") == "SGVsbG8=");
  CHECK_FALSE(from_base64("SGV=bG8=").ok());
  CHECK_FALSE(from_base64("SGV").ok());
  CHECK_FALSE(percent_decode("%4").ok());
  CHECK_FALSE(percent_decode("%zz").ok());
  const auto query = parse_query("a=1&b=x+y%26&a=2&c");
  REQUIRE(query.ok());
  CHECK(*query == Parameters{{"a", "1"}, {"b", "x y&"}, {"a", "2"}, {"c", ""}});
}

TEST_CASE("hash: the published vectors") {
  CHECK(sha256_hex("abc") == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");  // FIPS 180-2, B.1
  CHECK(git_blob_id("") == "e69de29bb2d1d6434b8b29ae775ad8c2e48c5391");                            // git hash-object
  CHECK(to_hex(hmac_sha256("Jefe", "what do ya want for nothing?")) ==
        "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");  // RFC 4231, case 2
}

TEST_CASE("arguments: options, words and their errors") {
  constexpr Option options[] = {{"revision", "REV", ""}, {"json", "", ""}, {"include", "GLOB", "", true}};
  const std::string_view words[] = {"a", "--revision=x", "--json", "--include", "*.json", "--include",
                                    "b", "--",           "--c"};
  const auto parsed = Arguments::parse(words, options);
  REQUIRE(parsed.ok());
  CHECK(parsed->get("revision") == "x");
  CHECK(parsed->has("json"));
  CHECK(parsed->all("include") == std::vector<std::string>{"*.json", "b"});
  CHECK(parsed->positional().size() == 2);
  const auto canonical = parsed->words();
  const std::vector<std::string_view> views(canonical.begin(), canonical.end());
  CHECK(Arguments::from_words(views).words() == canonical);
  const std::string_view typo[] = {"--revison", "x"};
  CHECK(contains(Arguments::parse(typo, options).status().message(), "--revision"));
  const std::string_view missing[] = {"--revision"};
  CHECK_FALSE(Arguments::parse(missing, options).ok());
  const std::string_view switched[] = {"--json=1"};
  CHECK_FALSE(Arguments::parse(switched, options).ok());
}

TEST_CASE("utf8: each ill-formed part becomes one U+FFFD, as in Python") {
  const auto bad = std::string("\xEF\xBF\xBD");
  CHECK(utf8_replace_errors("a\xFF\xE2\x82"
                            "b") == "a" + bad + bad + "b");
  CHECK(utf8_replace_errors("\xF0\x9F\x98") == bad);
  CHECK(utf8_replace_errors("\xED\xA0\x80x") == bad + bad + bad + "x");
  CHECK(utf8_replace_errors("\xF0\x80\x80") == bad + bad + bad);
  CHECK(utf8_replace_errors("ok\xC3\xA9") == "ok\xC3\xA9");
}

TEST_CASE("printable: text from outside cannot move the cursor") {
  CHECK(printable("a\x1b[2J\n\t\x7F\xC2\x9B\xC3\xA9\xFF") == "a\\x1b[2J\\n\\t\\x7f\\x9b\xC3\xA9\xEF\xBF\xBD");
}
