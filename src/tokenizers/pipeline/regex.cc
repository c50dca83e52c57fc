#include "tokenizers/pipeline/regex.h"

#include <oniguruma.h>

#include <vector>

#include "base/text.h"
#include "base/unicode.h"

namespace hearth::tokenizers {

namespace {

// Debian's Oniguruma knows an older Unicode than the one inside tokenizers. A property defined by its user goes before
// its own: these are the ones that tokenizer files use, and one for \w, which has no name there.
struct Property {
  const char* name;
  uint32_t flags;             // any of these bits, or
  std::string_view category;  // this category
};

// A bare \w takes six signs of Latin-1 (superscripts and fractions) that \w in brackets does not: Oniguruma looks the
// first 256 code points up in a table of ISO 8859-1 there, and makes brackets of Unicode's ranges.
constexpr char kWordName[] = "HearthWord", kWordInClassName[] = "HearthWordInClass";
constexpr std::u32string_view kWordsAloneOnly = U"\u00b2\u00b3\u00b9\u00bc\u00bd\u00be";
constexpr Property kProperties[] = {
    {"L", unicode::letter, ""},
    {"M", unicode::mark, ""},
    {"N", unicode::number, ""},
    {kWordName, unicode::word, ""},
    {kWordInClassName, unicode::word, ""},
    {"Lu", 0, "Lu"},
    {"Ll", 0, "Ll"},
    {"Lt", 0, "Lt"},
    {"Lm", 0, "Lm"},
    {"Lo", 0, "Lo"},
    {"Mn", 0, "Mn"},
    {"Nd", 0, "Nd"},
    {"P", 0, "P"},
    {"S", 0, "S"},
    {"Mc", 0, "Mc"},
    {"Nl", 0, "Nl"},
    {"No", 0, "No"},
};

// Oniguruma keeps the pointer: count, then the first and last code point of each range.
std::vector<OnigCodePoint> ranges_of(const Property& property) {
  std::vector<OnigCodePoint> out = {0};
  bool inside = false;
  for (char32_t c = 0; c < 0x110000; ++c) {
    const bool is_left_out = property.name == kWordInClassName && kWordsAloneOnly.find(c) != kWordsAloneOnly.npos;
    const bool is_in = is_left_out ? false
                       : property.flags != 0
                           ? unicode::is(c, property.flags)
                           : unicode::category_name(unicode::category(c)).starts_with(property.category);
    if (is_in && !inside) out.push_back(c);
    if (is_in && inside) out.back() = c;
    if (is_in && !inside) out.push_back(c);
    inside = is_in;
  }
  out[0] = static_cast<OnigCodePoint>(out.size() / 2);
  return out;
}

// Once a process, at the first expression that no hand-written matcher knows.
bool define_properties() {
  static std::vector<OnigCodePoint> kept[std::size(kProperties)];
  OnigEncoding utf8 = ONIG_ENCODING_UTF8;
  if (onig_initialize(&utf8, 1) != ONIG_NORMAL) return false;
  for (size_t i = 0; i < std::size(kProperties); ++i) {
    kept[i] = ranges_of(kProperties[i]);
    if (onig_unicode_define_user_property(kProperties[i].name, kept[i].data()) != ONIG_NORMAL) return false;
  }
  return true;
}

// \w, \W, \d and \D by the names that define_properties gave them.
std::string with_own_classes(std::string_view pattern) {
  std::string out;
  int depth = 0;  // of brackets
  for (size_t i = 0; i < pattern.size(); ++i) {
    if (pattern[i] != '\\' || i + 1 == pattern.size()) {
      if (pattern[i] == '[') ++depth;
      if (pattern[i] == ']' && depth > 0) --depth;
      out.push_back(pattern[i]);
      continue;
    }
    const char escaped = pattern[++i];
    if (escaped == 'w' || escaped == 'W') {
      out += cat(escaped == 'w' ? "\\p{" : "\\P{", std::string_view(depth > 0 ? kWordInClassName : kWordName), "}");
    } else if (escaped == 'd' || escaped == 'D') {
      out += escaped == 'd' ? "\\p{Nd}" : "\\P{Nd}";
    } else {
      out += {'\\', escaped};
    }
  }
  return out;
}

const OnigUChar* bytes(const char* p) {
  return reinterpret_cast<const OnigUChar*>(p);
}

}  // namespace

void Regex::Free::operator()(void* regex) const {
  onig_free(static_cast<OnigRegex>(regex));
}

Result<Regex> Regex::compile(std::string_view pattern) {
  static const bool ready = define_properties();
  VERIFY(ready, "Oniguruma takes the Unicode classes");
  const std::string source = with_own_classes(pattern);
  OnigRegex regex = nullptr;
  OnigErrorInfo info{};
  const int code = onig_new(&regex, bytes(source.data()), bytes(source.data() + source.size()),
                            ONIG_OPTION_CAPTURE_GROUP, ONIG_ENCODING_UTF8, ONIG_SYNTAX_ONIGURUMA, &info);
  if (code != ONIG_NORMAL) {
    OnigUChar message[ONIG_MAX_ERROR_MESSAGE_LEN];
    const int size = onig_error_code_to_str(message, code, &info);
    return Status(Code::bad_input, cat("the regular expression '", pattern.substr(0, 200), "' is not valid: ",
                                       std::string_view(reinterpret_cast<char*>(message), static_cast<size_t>(size))));
  }
  Regex out;
  out.regex_.reset(regex);
  return out;
}

bool Regex::search(std::string_view text, size_t from, Match& match) const {
  struct RegionFree {
    void operator()(OnigRegion* region) const { onig_region_free(region, 1); }
  };
  thread_local const std::unique_ptr<OnigRegion, RegionFree> region(onig_region_new());
  const char* const end = text.data() + text.size();
  const auto found = onig_search(static_cast<OnigRegex>(regex_.get()), bytes(text.data()), bytes(end),
                                 bytes(text.data() + from), bytes(end), region.get(), ONIG_OPTION_NONE);
  if (found < 0) return false;
  match = {static_cast<size_t>(region->beg[0]), static_cast<size_t>(region->end[0])};
  return true;
}

}  // namespace hearth::tokenizers
