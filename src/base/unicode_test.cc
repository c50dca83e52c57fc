#include "base/unicode.h"

#include <doctest/doctest.h>

using hearth::unicode::Form;
namespace unicode = hearth::unicode;

TEST_CASE("unicode: categories and classes") {
  CHECK(unicode::category(U'A') == unicode::Category::Lu);
  CHECK(unicode::category_name(unicode::category(U'́')) == "Mn");
  CHECK(unicode::category(0xD800) == unicode::Category::Cs);
  CHECK(unicode::category(0x10FFFF) == unicode::Category::Cn);
  CHECK(unicode::is(U'é', unicode::letter));
  CHECK(unicode::is(U'½', unicode::number));
  CHECK(unicode::is(U'　', unicode::space));
  CHECK_FALSE(unicode::is(0x1C, unicode::space));  // white space to Python's str, not to Unicode
}

TEST_CASE("unicode: case mappings may grow") {
  CHECK(unicode::to_upper("straße ŉ") == "STRASSE ʼN");
  CHECK(unicode::to_lower("ÀİΣ") == "ài̇σ");
  std::string title;
  unicode::append_title(title, U'ǆ');
  CHECK(title == "ǅ");
}

TEST_CASE("unicode: normalization forms") {
  CHECK(unicode::normalize("e\u0301", Form::nfc) == "\u00e9");
  CHECK(unicode::normalize("\u00e9", Form::nfd) == "e\u0301");
  CHECK(unicode::normalize("a\u0315\u0300\u05ae\u0300b", Form::nfc) == "\u00e0\u05ae\u0300\u0315b");
  CHECK(unicode::normalize("각", Form::nfd) == "\u1100\u1161\u11a8");
  CHECK(unicode::normalize("\u1100\u1161\u11a8", Form::nfc) == "각");
  CHECK(unicode::normalize("ﬁ①", Form::nfkc) == "fi1");
  CHECK(unicode::normalize("ﬁ", Form::nfc) == "ﬁ");
  CHECK(unicode::is_surely_normal("plain é 日本", Form::nfc));
}
