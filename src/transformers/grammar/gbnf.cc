// GBNF, llama.cpp's grammars: rules of texts, character classes, groups and counts.
// Source: llama.cpp b11434 src/llama-grammar.cpp (llama_grammar_parser), grammars/README.md.
#include <algorithm>

#include "base/text.h"
#include "transformers/grammar/automaton.h"

namespace hearth::grammar {
namespace {

constexpr int kDepthMax = 200;
constexpr size_t kTextMax = size_t{1} << 20;
constexpr int64_t kRepeatMax = 2000;  // as there

class Parser {
 public:
  explicit Parser(std::string_view text) : text_(text) {}

  Result<Grammar> parse() {
    if (text_.size() > kTextMax) return Status(Code::too_large, cat("the grammar has ", text_.size(), " bytes"));
    if (!is_utf8(text_)) return Status(Code::bad_input, "the grammar is not UTF-8");
    skip(/*newlines=*/true);
    while (!at_end()) TRY(rule());
    const auto root = to_.rule("root");
    if (!to_.is_defined(root)) return Status(Code::bad_input, "the grammar has no rule 'root', where texts begin");
    return to_.build(root);
  }

 private:
  bool at_end() const { return at_ >= text_.size(); }
  char peek() const { return at_end() ? '\0' : text_[at_]; }
  bool take(std::string_view expected) {
    if (!text_.substr(at_).starts_with(expected)) return false;
    at_ += expected.size();
    return true;
  }
  Status wrong(std::string_view what) const {
    const auto line = 1 + std::ranges::count(text_.substr(0, at_), '\n');
    return {Code::bad_input, cat("line ", line, " of the grammar: ", what)};
  }
  static bool is_name(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-';
  }
  void skip(bool newlines) {
    while (!at_end()) {
      const char c = peek();
      if (c == '#')
        while (!at_end() && peek() != '\n' && peek() != '\r') ++at_;
      else if (c == ' ' || c == '\t' || (newlines && (c == '\n' || c == '\r')))
        ++at_;
      else
        return;
    }
  }
  Result<std::string> name() {
    const auto begin = at_;
    while (!at_end() && is_name(peek())) ++at_;
    if (at_ == begin) return wrong(cat("a name was expected, not '", printable(text_.substr(at_, 10)), "'"));
    return std::string(text_.substr(begin, at_ - begin));
  }

  Status rule() {
    const auto named = to_.rule(TRY(name()));
    skip(false);
    if (!take("::=")) return wrong("::= was expected behind a rule's name");
    skip(true);
    if (to_.is_defined(named)) return wrong("a rule is defined twice");
    to_.define(named, TRY(alternates(0)));
    if (at_end()) return {};
    if (peek() != '\r' && peek() != '\n')
      return wrong(cat("the line goes on with '", printable(text_.substr(at_, 10)), "'"));
    skip(true);
    return {};
  }

  Result<ExprId> alternates(int depth) {
    if (depth > kDepthMax) return wrong("groups nest too deep");
    std::vector<ExprId> ways;
    for (;;) {
      ways.push_back(TRY(sequence(depth)));
      if (!take("|")) return to_.any_of(std::move(ways));
      skip(true);
    }
  }

  Result<ExprId> sequence(int depth) {
    std::vector<ExprId> parts;
    const bool is_nested = depth > 0;
    for (;;) {
      ExprId part = -1;
      if (take("\"")) {
        part = TRY(quoted());
      } else if (take("[")) {
        part = TRY(char_class());
      } else if (take("(")) {
        skip(true);
        part = TRY(alternates(depth + 1));
        if (!take(")")) return wrong("a group does not end");
      } else if (take(".")) {
        part = to_.chars(CharSet::all());
      } else if (peek() == '<' || peek() == '!') {
        return Status(Code::unsupported, "the grammar names tokens (<...>): only characters are looked at");
      } else if (is_name(peek())) {
        part = to_.call(to_.rule(TRY(name())));
      } else {
        return to_.sequence(std::move(parts));
      }
      skip(is_nested);
      parts.push_back(TRY(repeated(part, is_nested)));
    }
  }

  Result<ExprId> repeated(ExprId part, bool is_nested) {
    for (;;) {
      if (take("*")) {
        part = to_.repeat(part, 0);
      } else if (take("+")) {
        part = to_.repeat(part, 1);
      } else if (take("?")) {
        part = to_.optional(part);
      } else if (take("{")) {
        skip(is_nested);
        const auto min = TRY(number());
        std::optional<int64_t> max = min;
        skip(is_nested);
        if (take(",")) {
          skip(is_nested);
          max = peek() == '}' ? std::nullopt : std::optional(TRY(number()));
          skip(is_nested);
        }
        if (!take("}")) return wrong("} was expected behind a count");
        if (max && *max < min) return wrong("a smallest count is above the largest");
        part = to_.repeat(part, min, max);
      } else {
        return part;
      }
      skip(is_nested);
    }
  }

  Result<int64_t> number() {
    const auto begin = at_;
    int64_t out = 0;
    for (; peek() >= '0' && peek() <= '9'; ++at_) out = std::min(out * 10 + (peek() - '0'), kRepeatMax + 1);
    if (at_ == begin) return wrong("a count was expected");
    if (out > kRepeatMax) return wrong(cat("a count is above ", kRepeatMax));
    return out;
  }

  Result<ExprId> quoted() {
    std::string out;
    while (!take("\"")) {
      if (at_end()) return wrong("a text does not end");
      utf8_append(out, TRY(character()));
    }
    return to_.literal(out);
  }

  Result<ExprId> char_class() {
    const bool is_inverted = take("^");
    CharSet set;
    while (!take("]")) {
      if (at_end()) return wrong("a character class does not end");
      const auto first = TRY(character());
      auto last = first;
      if (peek() == '-' && at_ + 1 < text_.size() && text_[at_ + 1] != ']') {
        ++at_;
        last = TRY(character());
      }
      if (last < first) return wrong("a character class has a range that goes back");
      set.add(first, last);
    }
    return to_.chars(is_inverted ? set.inverted() : set);
  }

  Result<char32_t> character() {
    if (!take("\\")) return utf8_next(text_, at_);
    if (take("x")) return code_point(2);
    if (take("u")) return code_point(4);
    if (take("U")) return code_point(8);
    constexpr std::pair<char, char32_t> kNamed[] = {{'t', '\t'}, {'r', '\r'}, {'n', '\n'}, {'\\', '\\'},
                                                    {'"', '"'},  {'[', '['},  {']', ']'}};
    for (const auto& [letter, c] : kNamed)
      if (take(std::string_view(&letter, 1))) return c;
    return wrong(cat("the escape \\", printable(text_.substr(at_, 1)), " is not known"));
  }

  Result<char32_t> code_point(int digits) {
    char32_t out = 0;
    for (int i = 0; i < digits; ++i, ++at_) {
      const char c = peek();
      const bool is_digit = c >= '0' && c <= '9';
      const char lower = static_cast<char>(c | 0x20);
      if (!is_digit && (lower < 'a' || lower > 'f')) return wrong("an escape lacks digits");
      out = out * 16 + static_cast<char32_t>(is_digit ? c - '0' : lower - 'a' + 10);
    }
    if (out > 0x10FFFF || (out >= 0xD800 && out <= 0xDFFF)) return wrong("no character has that number");
    return out;
  }

  const std::string_view text_;
  size_t at_ = 0;
  Builder to_;
};

}  // namespace
}  // namespace hearth::grammar

namespace hearth {

Result<Grammar> Grammar::from_gbnf(std::string_view text) {
  return grammar::Parser(text).parse();
}

}  // namespace hearth
