// One table a type, one function a method, of one idea: the methods of str, list, tuple, dict, int and float that
// change nothing, and the names of those that do. Source: CPython 3.11 unicodeobject.c, dictobject.c, listobject.c.
#include <algorithm>
#include <cmath>

#include "base/text.h"
#include "base/unicode.h"
#include "tokenizers/jinja/objects.h"
#include "tokenizers/python/python_text.h"

namespace hearth::jinja {
namespace {

struct Method {
  std::string_view name;
  MethodFunction function;
};

Status takes_nothing(const Arguments& arguments) {
  const size_t given = arguments.positional.size() + arguments.named.size();
  if (given != 0) return error(cat("the method takes no arguments (", given, " given)"));
  return {};
}

Status wants_string(std::string_view what, const Value& v) {
  return error(cat(what, " must be str, not ", v.type_name()));
}

Result<std::string> string_argument(std::string_view method, const Arguments& arguments, size_t index) {
  if (arguments.positional.size() <= index) return error(cat(method, "() misses an argument"));
  const auto& v = arguments.positional[index];
  if (v.is_undefined()) return error(v.undefined_message());
  if (!v.is_string()) return wants_string(cat(method, "() argument ", index + 1), v);
  return v.text();
}

// ---------------------------------------------------------------- str: case

std::vector<char32_t> code_points(std::string_view text) {
  std::vector<char32_t> out;
  for (size_t i = 0; i < text.size();) out.push_back(utf8_next(text, i));
  return out;
}

using tokenizers::python::append_lower, tokenizers::python::is_cased;

enum class Case { upper, lower, capitalize, title, swap, fold };

std::string change_case(std::string_view text, Case mode) {
  const auto points = code_points(text);
  std::string out;
  out.reserve(text.size());
  std::string folded;
  bool in_word = false;
  for (size_t i = 0; i < points.size(); ++i) {
    const char32_t c = points[i];
    const bool upper = unicode::category(c) == unicode::Category::Lu;
    switch (mode) {
      case Case::upper:
        unicode::append_upper(out, c);
        break;
      case Case::lower:
        append_lower(out, points, i);
        break;
      case Case::capitalize:
        i == 0 ? unicode::append_title(out, c) : append_lower(out, points, i);
        break;
      case Case::title:
        in_word ? append_lower(out, points, i) : unicode::append_title(out, c);
        in_word = is_cased(c);
        break;
      case Case::swap:
        if (upper)
          append_lower(out, points, i);
        else if (unicode::category(c) == unicode::Category::Ll)
          unicode::append_upper(out, c);
        else
          utf8_append(out, c);
        break;
      case Case::fold:  // full case folding is the lower case of the upper case
        folded.clear();
        unicode::append_upper(folded, c);
        out += unicode::to_lower(folded);
        break;
    }
  }
  return out;
}

template <Case mode>
Result<Value> str_case(Machine& machine, const Value& self, const Arguments& arguments) {
  TRY(takes_nothing(arguments));
  return machine.text(change_case(self.text(), mode), self.is_markup());
}

// ---------------------------------------------------------------- str: strip, split, find

enum class Side { left = 1, right = 2, both = 3 };

std::string_view strip_set(std::string_view text, std::string_view set, Side side) {
  const auto wanted = code_points(set);
  const auto in_set = [&](char32_t c) { return std::find(wanted.begin(), wanted.end(), c) != wanted.end(); };
  while ((static_cast<int>(side) & 1) != 0 && !text.empty()) {
    size_t end = 0;
    if (!in_set(utf8_next(text, end))) break;
    text.remove_prefix(end);
  }
  while ((static_cast<int>(side) & 2) != 0 && !text.empty()) {
    size_t start = text.size() - 1;
    while (start > 0 && (text[start] & 0xC0) == 0x80) --start;
    size_t end = start;
    if (!in_set(utf8_next(text, end))) break;
    text = text.substr(0, start);
  }
  return text;
}

template <Side side>
Result<Value> str_strip(Machine& machine, const Value& self, const Arguments& arguments) {
  const auto bound = TRY(Bound::bind("strip", arguments, {"chars"}));
  std::string_view text = self.text();
  if (bound[0] != nullptr && !bound[0]->is_none()) {
    if (!bound[0]->is_string()) return error("strip arg must be None or str");
    text = strip_set(text, bound[0]->text(), side);
  } else {
    if (side != Side::right) text = strip_left(text);
    if (side != Side::left) text = strip_right(text);
  }
  return machine.text(std::string(text), self.is_markup());
}

Result<Value> strings(Machine& machine, const std::vector<std::string_view>& parts) {
  std::vector<Value> out;
  out.reserve(parts.size());
  for (const auto part : parts) out.push_back(TRY(machine.text(std::string(part))));
  return machine.list(std::move(out));
}

// Cuts at runs of white space, at most `limit` times (negative: without end).
std::vector<std::string_view> split_space(std::string_view text, int64_t limit) {
  std::vector<std::string_view> out;
  for (text = strip_left(text); !text.empty(); text = strip_left(text)) {
    if (limit >= 0 && static_cast<int64_t>(out.size()) == limit) {
      out.push_back(text);
      break;
    }
    size_t end = 0;
    for (size_t next = 0; end < text.size(); end = next)
      if (is_space(utf8_next(text, next))) break;
    out.push_back(text.substr(0, end));
    text.remove_prefix(end);
  }
  return out;
}

std::vector<std::string_view> rsplit_space(std::string_view text, int64_t limit) {
  std::vector<std::string_view> out;
  for (text = strip_right(text); !text.empty(); text = strip_right(text)) {
    if (limit >= 0 && static_cast<int64_t>(out.size()) == limit) {
      out.push_back(text);
      break;
    }
    size_t start = text.size();
    while (start > 0) {
      size_t before = start - 1;
      while (before > 0 && (text[before] & 0xC0) == 0x80) --before;
      size_t next = before;
      if (is_space(utf8_next(text, next))) break;
      start = before;
    }
    out.push_back(text.substr(start));
    text = text.substr(0, start);
  }
  std::reverse(out.begin(), out.end());
  return out;
}

std::vector<std::string_view> split_at(std::string_view text, std::string_view separator, int64_t limit) {
  std::vector<std::string_view> out;
  while (limit < 0 || static_cast<int64_t>(out.size()) < limit) {
    const auto at = text.find(separator);
    if (at == text.npos) break;
    out.push_back(text.substr(0, at));
    text.remove_prefix(at + separator.size());
  }
  out.push_back(text);
  return out;
}

std::vector<std::string_view> rsplit_at(std::string_view text, std::string_view separator, int64_t limit) {
  std::vector<std::string_view> out;
  while (limit < 0 || static_cast<int64_t>(out.size()) < limit) {
    const auto at = text.rfind(separator);
    if (at == text.npos) break;
    out.push_back(text.substr(at + separator.size()));
    text = text.substr(0, at);
  }
  out.push_back(text);
  std::reverse(out.begin(), out.end());
  return out;
}

template <bool from_right>
Result<Value> str_split(Machine& machine, const Value& self, const Arguments& arguments) {
  const auto bound = TRY(Bound::bind("split", arguments, {"sep", "maxsplit"}));
  const int64_t limit = TRY(bound.integer(1, -1));
  if (bound[0] == nullptr || bound[0]->is_none())
    return strings(machine, from_right ? rsplit_space(self.text(), limit) : split_space(self.text(), limit));
  if (!bound[0]->is_string()) return error(cat("must be str or None, not ", bound[0]->type_name()));
  const auto& separator = bound[0]->text();
  if (separator.empty()) return error("empty separator");
  return strings(machine,
                 from_right ? rsplit_at(self.text(), separator, limit) : split_at(self.text(), separator, limit));
}

Result<Value> str_splitlines(Machine& machine, const Value& self, const Arguments& arguments) {
  const auto bound = TRY(Bound::bind("splitlines", arguments, {"keepends"}));
  auto lines = split_lines(self.text());
  if (bound.truth(0, false))
    for (size_t i = 0; i < lines.size(); ++i) {
      const char* end = i + 1 < lines.size() ? lines[i + 1].data() : self.text().data() + self.text().size();
      lines[i] = std::string_view(lines[i].data(), static_cast<size_t>(end - lines[i].data()));
    }
  return strings(machine, lines);
}

template <bool from_right>
Result<Value> str_partition(Machine& machine, const Value& self, const Arguments& arguments) {
  const auto separator = TRY(string_argument("partition", arguments, 0));
  if (separator.empty()) return error("empty separator");
  const auto& text = self.text();
  const auto at = from_right ? text.rfind(separator) : text.find(separator);
  if (at == text.npos) {
    const Value empty{std::string()};
    return from_right ? machine.tuple({empty, empty, self}) : machine.tuple({self, empty, empty});
  }
  return machine.tuple({Value(text.substr(0, at)), Value(separator), Value(text.substr(at + separator.size()))});
}

template <bool at_end>
Result<Value> str_affix(Machine& machine, const Value& self, const Arguments& arguments) {
  if (arguments.positional.empty()) return error("startswith() and endswith() take at least 1 argument");
  std::string_view text = self.text();
  if (arguments.positional.size() > 1) {
    std::vector<Value> bounds(arguments.positional.begin() + 1, arguments.positional.end());
    const auto points = static_cast<int64_t>(utf8_length(text));
    const auto clamp = [&](const Value& v, int64_t otherwise) {
      if (!v.is_integer()) return otherwise;
      const int64_t i = v.integer() < 0 ? std::max<int64_t>(v.integer() + points, 0) : v.integer();
      return std::min(i, points);
    };
    if (bounds[0].is_integer() && bounds[0].integer() > points) return Value(false);
    const int64_t from = clamp(bounds[0], 0), to = bounds.size() > 1 ? clamp(bounds[1], points) : points;
    if (from > to) return Value(false);
    size_t start = 0;
    for (int64_t i = 0; i < from; ++i) utf8_next(text, start);
    size_t end = start;
    for (int64_t i = from; i < to; ++i) utf8_next(text, end);
    text = text.substr(start, end - start);
  }
  const auto matches = [&](const Value& v) {
    return v.is_string() && (at_end ? text.ends_with(v.text()) : text.starts_with(v.text()));
  };
  const auto& affix = arguments.positional[0];
  if (affix.is_tuple()) {
    TRY(machine.step(affix.weight()));
    return Value(std::any_of(affix.items().begin(), affix.items().end(), matches));
  }
  if (affix.is_undefined()) return error(affix.undefined_message());
  if (!affix.is_string())
    return error(
        cat(at_end ? "endswith" : "startswith", " first arg must be str or a tuple of str, not ", affix.type_name()));
  return Value(matches(affix));
}

enum class Search { find, index, rfind, rindex };

template <Search mode>
Result<Value> str_find(Machine&, const Value& self, const Arguments& arguments) {
  const auto part = TRY(string_argument("find", arguments, 0));
  std::string_view text = self.text();
  int64_t offset = 0;
  if (arguments.positional.size() > 1 && arguments.positional[1].is_integer()) {
    const auto points = static_cast<int64_t>(utf8_length(text));
    offset = arguments.positional[1].integer();
    if (offset < 0) offset = std::max<int64_t>(offset + points, 0);
    size_t start = 0;
    for (int64_t i = 0; i < offset && start < text.size(); ++i) utf8_next(text, start);
    if (offset > points)
      return mode == Search::find || mode == Search::rfind ? Result<Value>(Value(int64_t{-1}))
                                                           : error("substring not found");
    text.remove_prefix(start);
  }
  const auto at = mode == Search::find || mode == Search::index ? text.find(part) : text.rfind(part);
  if (at != text.npos) return Value(offset + static_cast<int64_t>(utf8_length(text.substr(0, at))));
  if (mode == Search::find || mode == Search::rfind) return Value(int64_t{-1});
  return error("substring not found");
}

Result<Value> str_count(Machine&, const Value& self, const Arguments& arguments) {
  const auto part = TRY(string_argument("count", arguments, 0));
  const auto& text = self.text();
  if (part.empty()) return Value(static_cast<int64_t>(utf8_length(text)) + 1);
  int64_t count = 0;
  for (size_t at = text.find(part); at != text.npos; at = text.find(part, at + part.size())) ++count;
  return Value(count);
}

Result<Value> str_replace(Machine& machine, const Value& self, const Arguments& arguments) {
  const auto bound = TRY(Bound::bind("replace", arguments, {"old", "new", "count"}, 2));
  for (size_t i = 0; i < 2; ++i)
    if (!bound[i]->is_string()) return wants_string(cat("replace() argument ", i + 1), *bound[i]);
  const int64_t limit = TRY(bound.integer(2, -1));
  const std::string &text = self.text(), &from = bound[0]->text(), &to = bound[1]->text();
  std::string out;
  size_t at = 0;
  for (int64_t done = 0; limit < 0 || done < limit; ++done) {
    if (static_cast<int64_t>(out.size()) > machine.bytes_left()) return machine.allocate(INT64_MAX);
    if (from.empty()) {  // between all characters, and at both ends
      out += to;
      if (at == text.size()) return machine.text(std::move(out), self.is_markup());
      const size_t start = at;
      utf8_next(text, at);
      out.append(text, start, at - start);
      continue;
    }
    const auto found = text.find(from, at);
    if (found == text.npos) break;
    (out.append(text, at, found - at)) += to;
    at = found + from.size();
  }
  out.append(text, at);
  return machine.text(std::move(out), self.is_markup());
}

Result<Value> str_join(Machine& machine, const Value& self, const Arguments& arguments) {
  if (arguments.positional.size() != 1) return error("join() takes exactly one argument");
  std::string out;
  int64_t index = 0;
  for (const auto& item : TRY(machine.items(arguments.positional[0]))) {
    if (!item.is_string())
      return error(cat("sequence item ", index, ": expected str instance, ", item.type_name(), " found"));
    if (index++ != 0) out += self.text();
    out += item.text();
    if (static_cast<int64_t>(out.size()) > machine.bytes_left()) return machine.allocate(INT64_MAX);
  }
  return machine.text(std::move(out), self.is_markup());
}

template <bool suffix>
Result<Value> str_remove(Machine& machine, const Value& self, const Arguments& arguments) {
  const auto part = TRY(string_argument("removeprefix", arguments, 0));
  std::string_view text = self.text();
  if (!suffix && text.starts_with(part)) text.remove_prefix(part.size());
  if (suffix && text.ends_with(part)) text.remove_suffix(part.size());
  return machine.text(std::string(text));
}

enum class Align { left, right, center };

template <Align align>
Result<Value> str_pad(Machine& machine, const Value& self, const Arguments& arguments) {
  const auto bound = TRY(Bound::bind("center", arguments, {"width", "fillchar"}, 1));
  const int64_t width = TRY(bound.integer(0, 0));
  std::string fill = " ";
  if (bound[1] != nullptr) {
    if (!bound[1]->is_string() || utf8_length(bound[1]->text()) != 1)
      return error("The fill character must be exactly one character long");
    fill = bound[1]->text();
  }
  const int64_t missing = std::max<int64_t>(width - static_cast<int64_t>(utf8_length(self.text())), 0);
  if (missing > machine.bytes_left() / 4) return machine.allocate(INT64_MAX);
  const int64_t left = align == Align::left    ? 0
                       : align == Align::right ? missing
                                               : missing / 2 + (missing & width & 1);  // as CPython rounds
  std::string out;
  for (int64_t i = 0; i < left; ++i) out += fill;
  out += self.text();
  for (int64_t i = left; i < missing; ++i) out += fill;
  return machine.text(std::move(out));
}

Result<Value> str_zfill(Machine& machine, const Value& self, const Arguments& arguments) {
  const auto bound = TRY(Bound::bind("zfill", arguments, {"width"}, 1));
  const int64_t missing = TRY(bound.integer(0, 0)) - static_cast<int64_t>(utf8_length(self.text()));
  if (missing <= 0) return self;
  if (missing > machine.bytes_left()) return machine.allocate(INT64_MAX);
  const bool sign = self.text().starts_with('-') || self.text().starts_with('+');
  return machine.text(
      cat(self.text().substr(0, sign), std::string(static_cast<size_t>(missing), '0'), self.text().substr(sign)));
}

// ---------------------------------------------------------------- str: is...

template <class Test>
bool all_points(std::string_view text, const Test& test) {
  const auto points = code_points(text);
  return !points.empty() && std::all_of(points.begin(), points.end(), test);
}

bool is_letter(char32_t c) {
  return unicode::is(c, unicode::letter);
}
bool is_decimal(char32_t c) {
  return unicode::category(c) == unicode::Category::Nd;
}

template <bool upper>
Result<Value> str_is_case(Machine&, const Value& self, const Arguments& arguments) {
  TRY(takes_nothing(arguments));
  bool cased = false;
  for (const char32_t c : code_points(self.text())) {
    const auto category = unicode::category(c);
    const bool is_upper = category == unicode::Category::Lu, is_lower = category == unicode::Category::Ll;
    if (category == unicode::Category::Lt || (upper ? is_lower : is_upper)) return Value(false);
    cased = cased || is_upper || is_lower;
  }
  return Value(cased);
}

Result<Value> str_istitle(Machine&, const Value& self, const Arguments& arguments) {
  TRY(takes_nothing(arguments));
  bool in_word = false, any = false;
  for (const char32_t c : code_points(self.text())) {
    const bool lower = unicode::category(c) == unicode::Category::Ll;
    if (is_cased(c) && lower != in_word) return Value(false);
    in_word = is_cased(c);
    any = any || in_word;
  }
  return Value(any);
}

Result<Value> str_isspace(Machine&, const Value& self, const Arguments& arguments) {
  TRY(takes_nothing(arguments));
  return Value(all_points(self.text(), [](char32_t c) { return is_space(c); }));
}
Result<Value> str_isalpha(Machine&, const Value& self, const Arguments& arguments) {
  TRY(takes_nothing(arguments));
  return Value(all_points(self.text(), is_letter));
}
Result<Value> str_isdigit(Machine&, const Value& self, const Arguments& arguments) {
  TRY(takes_nothing(arguments));
  return Value(all_points(self.text(), [](char32_t c) {
    return is_decimal(c) || c == 0xB2 || c == 0xB3 || c == 0xB9 || c == 0x2070 || (c >= 0x2074 && c <= 0x2079) ||
           (c >= 0x2080 && c <= 0x2089) || (c >= 0x2460 && c <= 0x2468);
  }));
}
Result<Value> str_isdecimal(Machine&, const Value& self, const Arguments& arguments) {
  TRY(takes_nothing(arguments));
  return Value(all_points(self.text(), is_decimal));
}
Result<Value> str_isnumeric(Machine&, const Value& self, const Arguments& arguments) {
  TRY(takes_nothing(arguments));
  return Value(all_points(self.text(), [](char32_t c) { return unicode::is(c, unicode::number | unicode::numeric); }));
}
Result<Value> str_isalnum(Machine&, const Value& self, const Arguments& arguments) {
  TRY(takes_nothing(arguments));
  return Value(all_points(self.text(), [](char32_t c) { return unicode::is(c, unicode::letter | unicode::number); }));
}
Result<Value> str_isascii(Machine&, const Value& self, const Arguments& arguments) {
  TRY(takes_nothing(arguments));
  return Value(is_ascii(self.text()));
}
Result<Value> str_isidentifier(Machine&, const Value& self, const Arguments& arguments) {
  TRY(takes_nothing(arguments));
  const auto& text = self.text();
  const bool starts_with_digit = !text.empty() && text[0] >= '0' && text[0] <= '9';
  return Value(!starts_with_digit && all_points(text, [](char32_t c) {
    return c == '_' || unicode::is(c, unicode::letter | unicode::number | unicode::mark);
  }));
}
Result<Value> str_isprintable(Machine&, const Value& self, const Arguments& arguments) {
  TRY(takes_nothing(arguments));
  const auto quoted = repr_text(self.text());
  return Value(!hearth::contains(replace_all(replace_all(quoted, "\\\\", ""), "\\'", ""), "\\"));
}

Result<Value> str_format(Machine& machine, const Value& self, const Arguments& arguments) {
  return format_braces(machine, self.text(), arguments);
}

Result<Value> str_expandtabs(Machine& machine, const Value& self, const Arguments& arguments) {
  const auto bound = TRY(Bound::bind("expandtabs", arguments, {"tabsize"}));
  const int64_t size = std::clamp<int64_t>(TRY(bound.integer(0, 8)), 0, 1000);
  std::string out;
  int64_t column = 0;
  for (size_t i = 0; i < self.text().size();) {
    const size_t start = i;
    const char32_t c = utf8_next(self.text(), i);
    if (c == '\t') {
      const int64_t spaces = size == 0 ? 0 : size - column % size;
      out.append(static_cast<size_t>(spaces), ' ');
      column += spaces;
    } else {
      out.append(self.text(), start, i - start);
      column = c == '\n' || c == '\r' ? 0 : column + 1;
    }
    if (static_cast<int64_t>(out.size()) > machine.bytes_left()) return machine.allocate(INT64_MAX);
  }
  return machine.text(std::move(out));
}

constexpr Method kText[] = {
    {"capitalize", str_case<Case::capitalize>},
    {"casefold", str_case<Case::fold>},
    {"center", str_pad<Align::center>},
    {"count", str_count},
    {"endswith", str_affix<true>},
    {"expandtabs", str_expandtabs},
    {"find", str_find<Search::find>},
    {"format", str_format},
    {"index", str_find<Search::index>},
    {"isalnum", str_isalnum},
    {"isalpha", str_isalpha},
    {"isascii", str_isascii},
    {"isdecimal", str_isdecimal},
    {"isdigit", str_isdigit},
    {"isidentifier", str_isidentifier},
    {"islower", str_is_case<false>},
    {"isnumeric", str_isnumeric},
    {"isprintable", str_isprintable},
    {"isspace", str_isspace},
    {"istitle", str_istitle},
    {"isupper", str_is_case<true>},
    {"join", str_join},
    {"ljust", str_pad<Align::left>},
    {"lower", str_case<Case::lower>},
    {"lstrip", str_strip<Side::left>},
    {"partition", str_partition<false>},
    {"removeprefix", str_remove<false>},
    {"removesuffix", str_remove<true>},
    {"replace", str_replace},
    {"rfind", str_find<Search::rfind>},
    {"rindex", str_find<Search::rindex>},
    {"rjust", str_pad<Align::right>},
    {"rpartition", str_partition<true>},
    {"rsplit", str_split<true>},
    {"rstrip", str_strip<Side::right>},
    {"split", str_split<false>},
    {"splitlines", str_splitlines},
    {"startswith", str_affix<false>},
    {"strip", str_strip<Side::both>},
    {"swapcase", str_case<Case::swap>},
    {"title", str_case<Case::title>},
    {"upper", str_case<Case::upper>},
    {"zfill", str_zfill},
};

// ---------------------------------------------------------------- list, tuple, dict, numbers

Result<Value> sequence_count(Machine& machine, const Value& self, const Arguments& arguments) {
  if (arguments.positional.size() != 1) return error("count() takes exactly one argument");
  int64_t count = 0;
  for (const auto& item : self.items()) count += TRY(machine.equal(item, arguments.positional[0]));
  return Value(count);
}

Result<Value> sequence_index(Machine& machine, const Value& self, const Arguments& arguments) {
  if (arguments.positional.empty()) return error("index expected at least 1 argument, got 0");
  for (size_t i = 0; i < self.items().size(); ++i)
    if (TRY(machine.equal(self.items()[i], arguments.positional[0]))) return Value(static_cast<int64_t>(i));
  return error(cat(TRY(machine.repr(arguments.positional[0])), " is not in ", self.type_name()));
}

Result<Value> copy_of(Machine&, const Value& self, const Arguments& arguments) {
  TRY(takes_nothing(arguments));
  return self;
}

Result<Value> dict_get(Machine&, const Value& self, const Arguments& arguments) {
  if (!arguments.named.empty()) return error("dict.get() takes no keyword arguments");
  const auto bound = TRY(Bound::bind("get", arguments, {"key", "default"}, 1));
  if (!hashable(*bound[0])) return error(cat("unhashable type: '", bound[0]->type_name(), "'"));
  if (const Value* found = self.dict().find(*bound[0])) return *found;
  return bound[1] == nullptr ? Value() : *bound[1];
}

template <DictView::Part part>
Result<Value> dict_view(Machine& machine, const Value& self, const Arguments& arguments) {
  TRY(takes_nothing(arguments));
  return machine.object(std::make_shared<DictView>(self.dict_pointer(), part));
}

Result<Value> float_is_integer(Machine&, const Value& self, const Arguments& arguments) {
  TRY(takes_nothing(arguments));
  return Value(std::isfinite(self.real()) && self.real() == std::floor(self.real()));
}
Result<Value> int_bit_length(Machine&, const Value& self, const Arguments& arguments) {
  TRY(takes_nothing(arguments));
  const auto n = self.integer();
  return Value(int64_t{64 - __builtin_clzll((n < 0 ? 0 - static_cast<uint64_t>(n) : static_cast<uint64_t>(n)) | 1)} -
               (n == 0));
}

constexpr Method kList[] = {{"copy", copy_of}, {"count", sequence_count}, {"index", sequence_index}};
constexpr Method kTuple[] = {{"count", sequence_count}, {"index", sequence_index}};
constexpr Method kDict[] = {{"copy", copy_of},
                            {"get", dict_get},
                            {"items", dict_view<DictView::Part::items>},
                            {"keys", dict_view<DictView::Part::keys>},
                            {"values", dict_view<DictView::Part::values>}};
constexpr Method kFloat[] = {{"is_integer", float_is_integer}};
constexpr Method kInt[] = {{"bit_length", int_bit_length}};
constexpr std::string_view kListChanges[] = {"append", "clear", "extend", "insert", "pop", "remove", "reverse", "sort"};
constexpr std::string_view kDictChanges[] = {"clear", "pop", "popitem", "setdefault", "update"};

template <size_t N>
MethodFunction look_up(const Method (&rows)[N], std::string_view name) {
  for (const auto& row : rows)
    if (row.name == name) return row.function;
  return nullptr;
}

}  // namespace

MethodFunction find_method(const Value& self, std::string_view name) {
  if (self.is_string()) return look_up(kText, name);
  if (self.is_list()) return look_up(kList, name);
  if (self.is_tuple()) return look_up(kTuple, name);
  if (self.is_dict()) return look_up(kDict, name);
  if (self.is_double()) return look_up(kFloat, name);
  if (self.is_integer()) return look_up(kInt, name);
  return nullptr;
}

bool is_mutating_method(const Value& self, std::string_view name) {
  const auto among = [name](const auto& names) {
    return std::find(std::begin(names), std::end(names), name) != std::end(names);
  };
  return (self.is_list() && among(kListChanges)) || (self.is_dict() && among(kDictChanges));
}

}  // namespace hearth::jinja
