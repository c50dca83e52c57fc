// Formatting: the operator %, str.format, and the number formats that both and the filters share.
// Source: CPython 3.11 unicodeobject.c (PyUnicode_Format), formatter_unicode.c, stringlib/unicode_format.h.
#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstdio>

#include "base/text.h"
#include "tokenizers/jinja/builtins.h"

namespace hearth::jinja {
namespace {

constexpr int64_t kWidest = 1 << 20;  // of one field

struct Spec {
  std::string fill = " ";
  char align = 0;  // < > = ^
  char sign = '-';
  bool alternate = false, zero = false;
  int64_t width = 0;
  char grouping = 0;  // , or _
  std::optional<int64_t> precision;
  char type = 0;
};

std::string pad(const std::string& text, const Spec& spec, char otherwise) {
  const auto length = static_cast<int64_t>(utf8_length(text));
  if (spec.width <= length) return text;
  const int64_t missing = spec.width - length;
  const char align = spec.align != 0 ? spec.align : otherwise;
  const auto fill = [&](int64_t count) {
    std::string out;
    for (int64_t i = 0; i < count; ++i) out += spec.fill;
    return out;
  };
  if (align == '<') return text + fill(missing);
  if (align == '^') return fill(missing / 2) + text + fill(missing - missing / 2);
  if (align == '=') {
    const size_t sign = !text.empty() && (text[0] == '-' || text[0] == '+' || text[0] == ' ');
    return text.substr(0, sign) + fill(missing) + text.substr(sign);
  }
  return fill(missing) + text;
}

std::string group(const std::string& number, char separator, size_t every) {
  size_t end = 0;
  while (end < number.size() && std::isxdigit(static_cast<unsigned char>(number[end])) != 0) ++end;
  std::string out = number.substr(end);
  for (size_t at = end; at > 0;) {
    const size_t from = at > every ? at - every : 0;
    out.insert(0, number, from, at - from);
    if (from > 0) out.insert(out.begin(), separator);
    at = from;
  }
  return out;
}

std::string print_double(char type, int64_t precision, double d) {
  char pattern[] = "%.*f";
  pattern[3] = type;
  std::string out(static_cast<size_t>(precision) + 340, '\0');
  const int size = std::snprintf(out.data(), out.size(), pattern, static_cast<int>(precision), d);
  out.resize(static_cast<size_t>(size));
  return out;
}

// The magnitude of d in a float's presentation type.
std::string format_double(double d, const Spec& spec) {
  const char type = spec.type;
  if (std::isnan(d)) return type == 'F' || type == 'E' || type == 'G' ? "NAN" : "nan";
  if (std::isinf(d)) return type == 'F' || type == 'E' || type == 'G' ? "INF" : "inf";
  const auto precision = std::min<int64_t>(spec.precision.value_or(6), 1000);
  if (type == '%') return print_double('f', precision, d * 100) + "%";
  if (type == 0) {
    if (!spec.precision) return repr_double(d);
    auto out = print_double('g', std::max<int64_t>(precision, 1), d);
    if (out.find_first_of(".en") == out.npos) out += ".0";
    return out;
  }
  return print_double(type, (type | 0x20) == 'g' ? std::max<int64_t>(precision, 1) : precision, d);
}

std::string integer_digits(uint64_t magnitude, char type) {
  char buffer[72];
  const int base = type == 'x' || type == 'X' ? 16 : type == 'o' ? 8 : type == 'b' ? 2 : 10;
  std::string out(buffer, std::to_chars(buffer, buffer + sizeof buffer, magnitude, base).ptr);
  if (type == 'X')
    for (auto& c : out) c = static_cast<char>(std::toupper(c));
  return out;
}

std::string_view base_prefix(char type) {
  return type == 'x' ? "0x" : type == 'X' ? "0X" : type == 'o' ? "0o" : type == 'b' ? "0b" : "";
}

// Sign, prefix and zeros around the digits of a number.
std::string dress(bool negative, std::string_view prefix, const std::string& digits, const Spec& spec, bool zeros) {
  std::string front = negative ? "-" : spec.sign == '+' ? "+" : spec.sign == ' ' ? " " : "";
  front += prefix;
  std::string filler;
  const auto used = static_cast<int64_t>(front.size() + digits.size());
  if (zeros && spec.width > used) filler.assign(static_cast<size_t>(spec.width - used), '0');
  return front + filler + digits;
}

Result<Spec> parse_spec(std::string_view text, std::string_view type_name) {
  Spec spec;
  size_t i = 0;
  const auto is_align = [](char c) { return c == '<' || c == '>' || c == '=' || c == '^'; };
  if (!text.empty()) {
    size_t next = 0;
    utf8_next(text, next);
    if (next < text.size() && is_align(text[next])) {
      spec.fill = text.substr(0, next);
      spec.align = text[next];
      i = next + 1;
    } else if (is_align(text[0])) {
      spec.align = text[0];
      i = 1;
    }
  }
  const auto at = [&](char c) { return i < text.size() && text[i] == c; };
  if (at('+') || at('-') || at(' ')) spec.sign = text[i++];
  if (at('#')) spec.alternate = text[i++] != 0;
  if (at('0')) {
    ++i;
    spec.zero = true;
    if (spec.align == 0) {
      spec.fill = "0";
      spec.align = type_name == "str" ? '<' : '=';
    }
  }
  const auto number = [&]() -> std::optional<int64_t> {
    int64_t value = 0;
    const auto [end, failed] = std::from_chars(text.data() + i, text.data() + text.size(), value);
    if (failed == std::errc::invalid_argument) return std::nullopt;
    i = static_cast<size_t>(end - text.data());
    return failed == std::errc() ? value : kWidest + 1;
  };
  spec.width = number().value_or(0);
  if (at(',') || at('_')) spec.grouping = text[i++];
  if (at('.')) {
    ++i;
    spec.precision = number();
    if (!spec.precision) return error("Format specifier missing precision");
  }
  if (i + 1 == text.size()) spec.type = text[i++];
  if (i != text.size()) return error(cat("Invalid format specifier '", text, "' for object of type '", type_name, "'"));
  if (spec.width > kWidest || spec.precision.value_or(0) > kWidest)
    return error("Too many decimal digits in format string");
  return spec;
}

Status unknown_type(const Spec& spec, const Value& value) {
  return error(cat("Unknown format code '", spec.type, "' for object of type '", value.type_name(), "'"));
}

}  // namespace

Result<std::string> format_value(const Value& value, std::string_view specification) {
  if (specification.empty()) return str(value);
  if (!value.is_string() && !value.is_number())
    return error(cat("unsupported format string passed to ", value.type_name(), ".__format__"));
  auto spec = TRY(parse_spec(specification, value.type_name()));
  if (value.is_string()) {
    if (spec.type != 0 && spec.type != 's') return unknown_type(spec, value);
    if (spec.align == '=') return error("'=' alignment not allowed in string format specifier");
    std::string_view text = value.text();
    if (spec.precision) {
      size_t end = 0;
      for (int64_t i = 0; i < *spec.precision && end < text.size(); ++i) utf8_next(text, end);
      text = text.substr(0, end);
    }
    return pad(std::string(text), spec, '<');
  }
  std::string digits, prefix;
  bool negative = false;
  constexpr std::string_view kIntegerTypes = "dnbcoxX", kRealTypes = "eEfFgG%n";
  const bool as_integer = value.is_integer() && (spec.type == 0 || kIntegerTypes.find(spec.type) != kIntegerTypes.npos);
  if (as_integer && spec.type == 'c') {
    if (value.integer() < 0 || value.integer() > 0x10FFFF) return error("%c arg not in range(0x110000)");
    utf8_append(digits, static_cast<char32_t>(value.integer()));
    return pad(digits, spec, '<');
  }
  if (as_integer) {
    if (spec.precision) return error("Precision not allowed in integer format specifier");
    if (value.is_bool() && spec.type == 0 && spec.width == 0 && spec.align == 0) return str(value);
    const auto n = value.integer();
    negative = n < 0;
    digits = integer_digits(negative ? 0 - static_cast<uint64_t>(n) : static_cast<uint64_t>(n), spec.type);
    if (spec.alternate) prefix = base_prefix(spec.type);
  } else {
    if (spec.type != 0 && kRealTypes.find(spec.type) == kRealTypes.npos) return unknown_type(spec, value);
    if (spec.type == 'n') spec.type = 'g';
    negative = std::signbit(value.real()) && !std::isnan(value.real());
    digits = format_double(std::fabs(value.real()), spec);
  }
  if (spec.grouping != 0)
    digits = group(digits, spec.grouping, as_integer && spec.type != 0 && spec.type != 'd' ? 4 : 3);
  return pad(dress(negative, prefix, digits, spec, false), spec, '>');
}

namespace {

// ---------------------------------------------------------------- %

class Percent {
 public:
  Percent(Machine& machine, std::string_view pattern, const Value& arguments, bool markup)
      : machine_(machine), pattern_(pattern), arguments_(arguments), markup_(markup) {}

  Result<std::string> run() {
    std::string out;
    while (at_ < pattern_.size()) {
      if (pattern_[at_] != '%') {
        out += pattern_[at_++];
        continue;
      }
      ++at_;
      out += TRY(field());
      if (static_cast<int64_t>(out.size()) > machine_.bytes_left()) TRY(machine_.allocate(INT64_MAX));
    }
    const bool all_used =
        arguments_.is_tuple() ? next_ >= arguments_.items().size() : next_ > 0 || arguments_.is_dict();
    const bool may_be_unused = arguments_.is_list();  // a mapping in the original's eyes, as it can be indexed
    if (!all_used && !may_be_unused) return error("not all arguments converted during string formatting");
    return out;
  }

 private:
  Result<Value> next() {
    if (arguments_.is_tuple()) {
      if (next_ >= arguments_.items().size()) return error("not enough arguments for format string");
      return arguments_.items()[next_++];
    }
    if (next_++ > 0) return error("not enough arguments for format string");
    return arguments_;
  }

  Result<int64_t> number(bool& left) {
    if (at_ < pattern_.size() && pattern_[at_] == '*') {
      ++at_;
      const auto v = TRY(next());
      if (!v.is_integer()) return error("* wants int");
      left = left || v.integer() < 0;
      if (std::abs(v.integer()) > kWidest) return error("width too big");
      return std::abs(v.integer());
    }
    int64_t value = 0;
    for (; at_ < pattern_.size() && pattern_[at_] >= '0' && pattern_[at_] <= '9'; ++at_) {
      value = value * 10 + (pattern_[at_] - '0');
      if (value > kWidest) return error("width too big");
    }
    return value;
  }

  Result<std::string> field() {
    std::optional<Value> keyed;
    if (at_ < pattern_.size() && pattern_[at_] == '(') {
      if (!arguments_.is_dict()) return error("format requires a mapping");
      const size_t start = ++at_;
      for (int open = 1; open > 0; ++at_) {
        if (at_ >= pattern_.size()) return error("incomplete format key");
        open += pattern_[at_] == '(' ? 1 : pattern_[at_] == ')' ? -1 : 0;
      }
      const auto key = pattern_.substr(start, at_ - 1 - start);
      const Value* found = arguments_.dict().find(key);
      if (found == nullptr) return error(repr_text(key));
      keyed = *found;
    }
    Spec spec;
    bool left = false;
    for (; at_ < pattern_.size(); ++at_) {
      const char c = pattern_[at_];
      if (c == '-')
        left = true;
      else if (c == '+')
        spec.sign = '+';
      else if (c == ' ')
        spec.sign = spec.sign == '+' ? '+' : ' ';
      else if (c == '#')
        spec.alternate = true;
      else if (c == '0')
        spec.zero = true;
      else
        break;
    }
    spec.width = TRY(number(left));
    if (at_ < pattern_.size() && pattern_[at_] == '.') {
      ++at_;
      bool ignored = false;
      spec.precision = TRY(number(ignored));
    }
    while (at_ < pattern_.size() && (pattern_[at_] == 'h' || pattern_[at_] == 'l' || pattern_[at_] == 'L')) ++at_;
    if (at_ >= pattern_.size()) return error("incomplete format");
    spec.align = left ? '<' : '>';
    if (left) spec.zero = false;
    spec.type = pattern_[at_++];
    if (spec.type == '%') return std::string("%");
    return convert(keyed ? *keyed : TRY(next()), spec);
  }

  Result<std::string> convert(const Value& v, Spec spec) {
    switch (spec.type) {
      case 's':
      case 'r':
      case 'a': {
        auto text = spec.type == 's' ? TRY(machine_.str(v)) : TRY(machine_.repr(v));
        if (markup_ && !v.is_markup()) text = escape_markup(text);
        if (spec.precision) {
          size_t end = 0;
          for (int64_t i = 0; i < *spec.precision && end < text.size(); ++i) utf8_next(text, end);
          text.resize(end);
        }
        return pad(text, spec, '>');
      }
      case 'c': {
        if (v.is_string() && utf8_length(v.text()) == 1) return pad(v.text(), spec, '>');
        if (!v.is_integer()) return error("%c requires int or char");
        if (v.integer() < 0 || v.integer() > 0x10FFFF) return error("%c arg not in range(0x110000)");
        std::string text;
        utf8_append(text, static_cast<char32_t>(v.integer()));
        return pad(text, spec, '>');
      }
      case 'd':
      case 'i':
      case 'u':
      case 'x':
      case 'X':
      case 'o':
        return integer(v, spec);
      case 'e':
      case 'E':
      case 'f':
      case 'F':
      case 'g':
      case 'G': {
        if (v.is_undefined()) return error(v.undefined_message());
        if (!v.is_number()) return error(cat("must be real number, not ", v.type_name()));
        const double d = v.real();
        const bool negative = std::signbit(d) && !std::isnan(d);
        return pad(dress(negative, "", format_double(std::fabs(d), spec), spec, spec.zero && std::isfinite(d)), spec,
                   '>');
      }
      default:
        return error(cat("unsupported format character ", repr_text(pattern_.substr(at_ - 1, 1))));
    }
  }

  Result<std::string> integer(const Value& v, Spec spec) const {
    const bool decimal = spec.type == 'd' || spec.type == 'i' || spec.type == 'u';
    if (v.is_undefined()) return error(v.undefined_message());
    if (!v.is_integer() && !(decimal && v.is_double()))
      return error(cat("%", spec.type, " format: ", decimal ? "a real number" : "an integer", " is required, not ",
                       v.type_name()));
    if (v.is_double() && !(std::fabs(v.real()) < 9.2e18)) return error("cannot convert float to a 64-bit integer");
    const int64_t n = v.is_double() ? static_cast<int64_t>(v.real()) : v.integer();
    auto digits = integer_digits(n < 0 ? 0 - static_cast<uint64_t>(n) : static_cast<uint64_t>(n), spec.type);
    const auto least = static_cast<size_t>(spec.precision.value_or(0));
    if (digits.size() < least) digits.insert(0, least - digits.size(), '0');
    return pad(dress(n < 0, spec.alternate ? base_prefix(spec.type) : "", digits, spec, spec.zero), spec, '>');
  }

  Machine& machine_;
  std::string_view pattern_;
  const Value& arguments_;
  bool markup_;
  size_t at_ = 0, next_ = 0;
};

// ---------------------------------------------------------------- str.format

class Braces {
 public:
  Braces(Machine& machine, const Arguments& arguments) : machine_(machine), arguments_(arguments) {}

  Result<std::string> run(std::string_view pattern, int depth) {
    if (depth > 2) return error("Max string recursion exceeded");
    std::string out;
    for (size_t i = 0; i < pattern.size(); ++i) {
      const char c = pattern[i];
      if (c != '{' && c != '}') {
        out += c;
      } else if (i + 1 < pattern.size() && pattern[i + 1] == c) {
        out += c;
        ++i;
      } else if (c == '}') {
        return error("Single '}' encountered in format string");
      } else {
        size_t end = i + 1;
        for (int open = 1; end < pattern.size(); ++end) {
          open += pattern[end] == '{' ? 1 : pattern[end] == '}' ? -1 : 0;
          if (open == 0) break;
        }
        if (end >= pattern.size()) return error("expected '}' before end of string");
        out += TRY(field(pattern.substr(i + 1, end - i - 1), depth));
        i = end;
      }
      if (static_cast<int64_t>(out.size()) > machine_.bytes_left()) TRY(machine_.allocate(INT64_MAX));
    }
    return out;
  }

 private:
  Result<std::string> field(std::string_view text, int depth) {
    size_t end = 0;  // of the name
    for (int open = 0; end < text.size(); ++end) {
      open += text[end] == '[' ? 1 : text[end] == ']' ? -1 : 0;
      if (open == 0 && (text[end] == '!' || text[end] == ':')) break;
    }
    auto value = TRY(look_up(text.substr(0, end)));
    auto rest = text.substr(end);
    if (rest.starts_with('!')) {
      if (rest.size() < 2) return error("end of string while looking for conversion specifier");
      if (rest[1] != 's' && rest[1] != 'r' && rest[1] != 'a')
        return error(cat("Unknown conversion specifier '", rest[1], "'"));
      value = Value(rest[1] == 's' ? TRY(machine_.str(value)) : TRY(machine_.repr(value)));
      rest.remove_prefix(2);
    }
    if (!rest.empty() && rest[0] != ':') return error("expected ':' after conversion specifier");
    const auto spec = TRY(run(rest.empty() ? rest : rest.substr(1), depth + 1));
    TRY(machine_.step(value.weight()));
    return format_value(value, spec);
  }

  Result<Value> look_up(std::string_view name) {
    size_t end = std::min(name.find_first_of(".["), name.size());
    const auto first = name.substr(0, end);
    Value value;
    if (first.empty() || parse_int(first)) {
      const auto numbering = first.empty() ? Numbering::automatic : Numbering::manual;
      if (numbering_ != Numbering::open && numbering_ != numbering)
        return error("cannot switch between automatic field numbering and manual field specification");
      numbering_ = numbering;
      const auto index = first.empty() ? static_cast<int64_t>(next_++) : *parse_int(first);
      if (index < 0 || index >= static_cast<int64_t>(arguments_.positional.size()))
        return error("Replacement index out of range for positional args tuple");
      value = arguments_.positional[static_cast<size_t>(index)];
    } else {
      const auto& named = arguments_.named;
      const auto it = std::find_if(named.begin(), named.end(), [&](const auto& pair) { return pair.first == first; });
      if (it == named.end()) return error(repr_text(first));
      value = it->second;
    }
    while (end < name.size()) {
      if (name[end] == '.') {
        const size_t stop = std::min(name.find_first_of(".[", end + 1), name.size());
        value = TRY(machine_.attribute(value, name.substr(end + 1, stop - end - 1)));
        end = stop;
      } else {
        const size_t stop = name.find(']', end);
        if (name[end] != '[' || stop == name.npos) return error("Missing ']' in format string");
        const auto key = name.substr(end + 1, stop - end - 1);
        const auto index = parse_int(key);
        value = TRY(machine_.item(value, index ? Value(*index) : Value(std::string(key))));
        end = stop + 1;
      }
      if (value.is_undefined()) return error(value.undefined_message());
    }
    return value;
  }

  Machine& machine_;
  const Arguments& arguments_;
  enum class Numbering { open, automatic, manual } numbering_ = Numbering::open;
  size_t next_ = 0;
};

}  // namespace

Result<Value> format_percent(Machine& machine, const std::string& pattern, const Value& arguments, bool markup) {
  return machine.text(TRY(Percent(machine, pattern, arguments, markup).run()), markup);
}

Result<Value> format_braces(Machine& machine, const std::string& pattern, const Arguments& arguments) {
  return machine.text(TRY(Braces(machine, arguments).run(pattern, 0)));
}

double round_decimal(double d, int64_t digits) {
  if (!std::isfinite(d) || digits > 323) return d;
  if (digits < -308) return std::copysign(0.0, d);
  if (digits >= 0) return parse_double(print_double('f', digits, d)).value_or(d);  // printf rounds the exact value
  const double scale = std::pow(10.0, static_cast<double>(-digits));
  return std::nearbyint(d / scale) * scale;
}

namespace {

// Without white space around and single underscores between digits; empty when they stand elsewhere.
std::string number_text(std::string_view text) {
  text = strip_left(strip_right(text));
  std::string out;
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '_') {
      out += text[i];
    } else if (i == 0 || i + 1 == text.size() || std::isalnum(static_cast<unsigned char>(text[i - 1])) == 0 ||
               std::isalnum(static_cast<unsigned char>(text[i + 1])) == 0) {
      return {};
    }
  }
  return out;
}

}  // namespace

std::optional<int64_t> int_of_text(std::string_view given, int base) {
  const auto text = number_text(given);
  std::string_view digits = text;
  const bool negative = digits.starts_with('-');
  if (negative || digits.starts_with('+')) digits.remove_prefix(1);
  if (digits.size() > 2 && digits[0] == '0') {
    const char letter = static_cast<char>(digits[1] | 0x20);
    const int prefixed = letter == 'x' ? 16 : letter == 'o' ? 8 : letter == 'b' ? 2 : 0;
    if (prefixed != 0 && (base == prefixed || base == 0)) {
      digits.remove_prefix(2);
      base = prefixed;
    }
  }
  if (base == 0) base = 10;
  if (digits.empty() || digits[0] == '-' || base < 2 || base > 36) return std::nullopt;
  int64_t value = 0;
  const auto [end, failed] = std::from_chars(digits.data(), digits.data() + digits.size(), value, base);
  if (failed != std::errc() || end != digits.data() + digits.size()) return std::nullopt;
  return negative ? -value : value;
}

std::optional<double> float_of_text(std::string_view given) {
  auto text = number_text(given);
  std::string_view digits = text;
  if (digits.starts_with('+')) digits.remove_prefix(1);
  if (digits.empty() || digits.starts_with("+") || hearth::contains(to_lower_ascii(digits), "nan("))
    return std::nullopt;
  double value = 0;
  const auto [end, failed] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
  if (end != digits.data() + digits.size()) return std::nullopt;
  if (failed == std::errc::result_out_of_range) return std::strtod(std::string(digits).c_str(), nullptr);
  return failed == std::errc() ? std::optional<double>(value) : std::nullopt;
}

}  // namespace hearth::jinja
