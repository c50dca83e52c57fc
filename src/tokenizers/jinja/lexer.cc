#include "tokenizers/jinja/lexer.h"

#include "base/text.h"
#include "base/unicode.h"
#include "tokenizers/jinja/value.h"

namespace hearth::jinja {
namespace {

// One kind of newline, and without the one at the very end.
std::string normalize_newlines(std::string_view source) {
  std::string out;
  out.reserve(source.size());
  for (size_t i = 0; i < source.size(); ++i) {
    if (source[i] == '\r') {
      out += '\n';
      if (i + 1 < source.size() && source[i + 1] == '\n') ++i;
    } else {
      out += source[i];
    }
  }
  if (out.ends_with('\n')) out.pop_back();
  return out;
}

bool is_word(char32_t c) {
  return c < 0x80 ? (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_'
                  : unicode::is(c, unicode::letter | unicode::number | unicode::mark);
}

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

class Lexer {
 public:
  explicit Lexer(std::string source) : source_(std::move(source)), rest_(source_) {}

  Result<std::vector<Token>> run() {
    while (!rest_.empty()) TRY(text());
    add(TokenKind::end, "");
    return std::move(tokens_);
  }

 private:
  Status fail(std::string message) const { return error(cat("line ", line_, ": ", message)); }

  void add(TokenKind kind, std::string text) { tokens_.push_back({kind, std::move(text), line_}); }

  // Moves past `count` bytes.
  std::string_view take(size_t count) {
    const auto taken = rest_.substr(0, count);
    for (const char c : taken) line_ += c == '\n';
    if (!taken.empty()) line_starting_ = taken.back() == '\n';
    rest_.remove_prefix(count);
    return taken;
  }
  void skip_space() { take(rest_.size() - strip_left(rest_).size()); }

  // Text up to a tag that begins with {%, {{ or {#, trimmed as the tag's sign and lstrip_blocks say.
  std::string_view before_tag(std::string_view data, char sign, bool variable) const {
    if (sign == '-') return strip_right(data);
    if (sign == '+' || variable) return data;
    const auto newline = data.rfind('\n');
    const size_t start = newline == data.npos ? 0 : newline + 1;
    const bool at_line_start = start > 0 || line_starting_;
    return at_line_start && strip_left(data.substr(start)).empty() ? data.substr(0, start) : data;
  }

  static char sign_at(std::string_view text, size_t at) {
    return at < text.size() && (text[at] == '-' || text[at] == '+') ? text[at] : '\0';
  }

  Status text() {
    size_t at = 0;
    while (true) {
      at = rest_.find('{', at);
      if (at == rest_.npos || at + 1 == rest_.size()) {
        add(TokenKind::data, std::string(rest_));
        take(rest_.size());
        return {};
      }
      const char next = rest_[at + 1];
      if (next == '%' || next == '{' || next == '#') break;
      ++at;
    }
    const char kind = rest_[at + 1];
    const char sign = sign_at(rest_, at + 2);
    const auto data = before_tag(rest_.substr(0, at), sign, kind == '{');
    if (!data.empty()) add(TokenKind::data, std::string(data));
    if (kind == '%')
      if (const size_t length = raw_begin(rest_.substr(at)); length != 0) {
        take(at + length);
        return raw();
      }
    take(at + 2 + (sign != 0));
    if (kind == '#') return comment();
    add(kind == '{' ? TokenKind::variable_begin : TokenKind::block_begin, "");
    return code(kind == '{');
  }

  // The length of `{% raw %}` at the front of `text`, with what its end strips; 0 when it is another tag.
  static size_t raw_begin(std::string_view text) {
    auto rest = strip_left(text.substr(2 + (sign_at(text, 2) != 0)));
    if (!rest.starts_with("raw")) return 0;
    rest = strip_left(rest.substr(3));
    if (rest.starts_with("-%}")) return text.size() - strip_left(rest.substr(3)).size();
    return rest.starts_with("%}") ? text.size() - rest.size() + 2 : 0;
  }

  Status raw() {
    for (size_t at = rest_.find("{%"); at != rest_.npos; at = rest_.find("{%", at + 1)) {
      const char sign = sign_at(rest_, at + 2);
      auto tail = strip_left(rest_.substr(at + 2 + (sign != 0)));
      if (!tail.starts_with("endraw")) continue;
      tail = strip_left(tail.substr(6));
      const size_t end = end_tag(tail, "%}");
      if (end == 0) continue;
      const auto data = before_tag(rest_.substr(0, at), sign, false);
      if (!data.empty()) add(TokenKind::data, std::string(data));
      take(static_cast<size_t>(tail.data() - rest_.data()) + end);
      return {};
    }
    return fail("Missing end of raw directive");
  }

  // The length of `%}` or `#}` at the front of `text` with its sign and the white space it strips; 0: not there.
  static size_t end_tag(std::string_view text, std::string_view tag) {
    const char sign = sign_at(text, 0);
    const size_t start = sign != 0;
    if (!text.substr(start).starts_with(tag)) return 0;
    const size_t end = start + tag.size();
    if (sign == '-') return text.size() - strip_left(text.substr(end)).size();
    return end + (sign == 0 && end < text.size() && text[end] == '\n');  // trim_blocks
  }

  Status comment() {
    const auto close = rest_.find("#}");
    if (close == rest_.npos) return fail("Missing end of comment tag");
    size_t at = close;
    if (at > 0 && (rest_[at - 1] == '-' || rest_[at - 1] == '+')) --at;
    take(at);
    take(end_tag(rest_, "#}"));
    return {};
  }

  // Inside {{ }} or {% %}.
  Status code(bool variable) {
    std::string open;  // brackets waiting for their partner
    while (true) {
      skip_space();
      if (rest_.empty()) return fail(cat("unexpected end of template, expected '", variable ? "}}" : "%}", "'"));
      if (open.empty() && at_code_end(variable)) return {};
      const char c = rest_[0];
      if (c == '"' || c == '\'') {
        TRY(string(c));
      } else if (is_digit(c)) {
        number();
      } else if (c == '_' || static_cast<signed char>(c) < 0 || is_word(static_cast<unsigned char>(c))) {
        TRY(name());
      } else {
        TRY(op(open));
      }
    }
  }

  bool at_code_end(bool variable) {
    size_t length = 0;
    if (variable) {
      if (rest_.starts_with("-}}"))
        length = rest_.size() - strip_left(rest_.substr(3)).size();
      else if (rest_.starts_with("}}"))
        length = 2;
    } else {
      length = end_tag(rest_, "%}");
    }
    if (length == 0) return false;
    add(variable ? TokenKind::variable_end : TokenKind::block_end, "");
    take(length);
    return true;
  }

  Status op(std::string& open) {
    constexpr std::string_view kTwo[] = {"//", "**", "==", "!=", ">=", "<="};
    for (const auto two : kTwo)
      if (rest_.starts_with(two)) {
        add(TokenKind::op, std::string(two));
        take(2);
        return {};
      }
    const char c = rest_[0];
    if (std::string_view("+-/*%~[](){}><=.:|,;").find(c) == std::string_view::npos)
      return fail(cat("unexpected char ", repr_text(rest_.substr(0, 1))));
    if (c == '(' || c == '[' || c == '{') {
      open += c == '(' ? ')' : c == '[' ? ']' : '}';
    } else if (c == ')' || c == ']' || c == '}') {
      if (open.empty()) return fail(cat("unexpected '", c, "'"));
      if (open.back() != c) return fail(cat("unexpected '", c, "', expected '", open.back(), "'"));
      open.pop_back();
    }
    add(TokenKind::op, std::string(1, c));
    take(1);
    return {};
  }

  Status name() {
    size_t i = 0;
    while (i < rest_.size()) {
      size_t next = i;
      if (!is_word(utf8_next(rest_, next))) break;
      i = next;
    }
    if (i == 0) return fail("unexpected character");
    add(TokenKind::name, std::string(rest_.substr(0, i)));
    take(i);
    return {};
  }

  // `digits` with single underscores between: the length from `at`, 0 when there is none.
  size_t digits(size_t at, std::string_view allowed) const {
    size_t i = at;
    while (i < rest_.size() &&
           (allowed.find(rest_[i]) != allowed.npos ||
            (rest_[i] == '_' && i > at && i + 1 < rest_.size() && allowed.find(rest_[i + 1]) != allowed.npos)))
      ++i;
    return i - at;
  }

  void number() {
    constexpr std::string_view kDecimal = "0123456789";
    size_t end = digits(0, kDecimal);
    bool real = false;
    const bool after_dot =
        !tokens_.empty() && tokens_.back().is_op(".") && rest_.data() > source_.data() && rest_.data()[-1] == '.';
    if (!after_dot) {
      if (end < rest_.size() && rest_[end] == '.')
        if (const size_t fraction = digits(end + 1, kDecimal); fraction > 0) {
          end += 1 + fraction;
          real = true;
        }
      if (end < rest_.size() && (rest_[end] == 'e' || rest_[end] == 'E')) {
        const size_t sign = end + 1 < rest_.size() && (rest_[end + 1] == '+' || rest_[end + 1] == '-');
        if (const size_t exponent = digits(end + 1 + sign, kDecimal); exponent > 0) {
          end += 1 + sign + exponent;
          real = true;
        }
      }
    }
    if (!real && rest_[0] == '0' && rest_.size() > 1) {
      const char base = static_cast<char>(rest_[1] | 0x20);
      const std::string_view allowed = base == 'b'   ? "01_"
                                       : base == 'o' ? "01234567_"
                                       : base == 'x' ? "0123456789abcdefABCDEF_"
                                                     : "";
      if (const size_t length = allowed.empty() ? 0 : digits(2, allowed); length > 0) {
        end = 2 + length;
      } else {
        end = digits(0, "0");  // a leading zero ends the number, as the original's regular expression has it
      }
    }
    add(real ? TokenKind::real : TokenKind::integer, replace_all(rest_.substr(0, end), "_", ""));
    take(end);
  }

  // Python's escapes: what str.encode("ascii", "backslashreplace").decode("unicode-escape") makes.
  Status string(char quote) {
    std::string out;
    size_t i = 1;
    for (; i < rest_.size() && rest_[i] != quote; ++i) {
      if (rest_[i] != '\\') {
        out += rest_[i];
        continue;
      }
      if (++i == rest_.size()) break;
      TRY(escape(out, i));
    }
    if (i >= rest_.size()) return fail("unexpected char " + repr_text(rest_.substr(0, 1)) + ": the string has no end");
    add(TokenKind::string, std::move(out));
    take(i + 1);
    return {};
  }

  Status escape(std::string& out, size_t& i) {
    const char c = rest_[i];
    constexpr std::string_view kFrom = "abfnrtv\\'\"";
    if (const auto at = kFrom.find(c); at != kFrom.npos) {
      out += "\a\b\f\n\r\t\v\\'\""[at];
    } else if (c == '\n') {
      // a line continued
    } else if (c >= '0' && c <= '7') {
      char32_t value = 0;
      size_t count = 0;
      while (count < 3 && i + count < rest_.size() && rest_[i + count] >= '0' && rest_[i + count] <= '7')
        value = value * 8 + static_cast<char32_t>(rest_[i + count++] - '0');
      i += count - 1;
      utf8_append(out, value);
    } else if (c == 'x' || c == 'u' || c == 'U') {
      const size_t count = c == 'x' ? 2 : c == 'u' ? 4 : 8;
      char32_t value = 0;
      for (size_t k = 1; k <= count; ++k) {
        const char digit = i + k < rest_.size() ? static_cast<char>(rest_[i + k] | 0x20) : '?';
        if (!is_digit(rest_[i + k < rest_.size() ? i + k : i]) && (digit < 'a' || digit > 'f'))
          return fail(cat("truncated \\", c, " escape in a string"));
        value = value * 16 + static_cast<char32_t>(digit >= 'a' ? digit - 'a' + 10 : digit - '0');
      }
      if (value > 0x10FFFF || (value >= 0xD800 && value < 0xE000)) return fail("illegal Unicode character in a string");
      i += count;
      utf8_append(out, value);
    } else if (c == 'N') {
      return fail("\\N{...} needs the names of all characters, which Hearth does not carry; write \\u or \\U");
    } else {
      (out += '\\') += c;
    }
    return {};
  }

  std::string source_;
  std::string_view rest_;
  int line_ = 1;
  bool line_starting_ = true;
  std::vector<Token> tokens_;
};

}  // namespace

Result<std::vector<Token>> tokenize(std::string_view source) {
  if (!is_utf8(source)) return error(cat("the template is not UTF-8 (byte ", utf8_error(source), ")"));
  return Lexer(normalize_newlines(source)).run();
}

}  // namespace hearth::jinja
