// Source: Python 3.13 Lib/re/_parser.py with re.ASCII; ECMA-262's \cX, \u{...} and \d are the same or errors.
#include "transformers/grammar/regex.h"

#include <algorithm>
#include <cstdio>
#include <memory>

#include "base/text.h"

namespace hearth::grammar {
namespace {

constexpr int kDepthMax = 200;
constexpr size_t kPatternMax = 64 << 10;
constexpr int64_t kRepeatMax = 100'000;

struct Node {
  enum class Kind : uint8_t { chars, sequence, any_of, repeat, begin, end };
  Kind kind = Kind::sequence;
  CharSet set = {};
  int64_t min = 0, max = -1;
  std::vector<Node> parts = {};
};

const CharSet& digits() {
  static const CharSet set = CharSet::of('0', '9');
  return set;
}
const CharSet& word() {
  static const CharSet set = CharSet::of('0', '9').add('a', 'z').add('A', 'Z').add('_', '_');
  return set;
}
const CharSet& space() {
  static const CharSet set = CharSet::of(" \t\n\r\f\v");
  return set;
}

class Parser {
 public:
  explicit Parser(std::string_view text) : text_(text) {}

  Result<Node> parse() {
    if (text_.size() > kPatternMax) return Status(Code::too_large, cat("the pattern has ", text_.size(), " bytes"));
    if (!is_utf8(text_)) return Status(Code::bad_input, "the pattern is not UTF-8");
    auto out = TRY(alternation(0));
    if (at_ < text_.size()) return wrong("unbalanced )");
    return out;
  }

 private:
  bool at_end() const { return at_ >= text_.size(); }
  bool take(std::string_view expected) {
    if (!text_.substr(at_).starts_with(expected)) return false;
    at_ += expected.size();
    return true;
  }
  char32_t next() { return utf8_next(text_, at_); }
  Status wrong(std::string_view what) const {
    return {Code::bad_input, cat("the pattern is wrong at character ", utf8_length(text_.substr(0, at_)), ": ", what)};
  }
  Status unsupported(std::string_view what) const {
    return {Code::unsupported, cat("the pattern has ", what, " before character ", utf8_length(text_.substr(0, at_)),
                                   ": texts cannot be written by it, only checked")};
  }

  Result<Node> alternation(int depth) {
    if (depth > kDepthMax) return wrong("its groups nest too deep");
    Node out{Node::Kind::any_of};
    do out.parts.push_back(TRY(sequence(depth)));
    while (take("|"));
    if (out.parts.size() > 1) return out;
    auto only = std::move(out.parts.front());
    return only;
  }

  Result<Node> sequence(int depth) {
    Node out{Node::Kind::sequence};
    while (!at_end() && text_[at_] != '|' && text_[at_] != ')') {
      auto atom = TRY(this->atom(depth));
      TRY(quantifiers(atom));
      out.parts.push_back(std::move(atom));
    }
    return out;
  }

  Result<Node> atom(int depth) {
    if (take("(")) return group(depth);
    if (take("[")) return char_class();
    if (take(".")) return chars(CharSet::of('\n', '\n').inverted());
    if (take("^")) return Node{Node::Kind::begin};
    if (take("$")) return Node{Node::Kind::end};
    if (take("\\")) return escape();
    if (const char c = text_[at_]; c == '*' || c == '+' || c == '?') return wrong("nothing to repeat");
    const auto c = next();
    return chars(CharSet::of(c, c));
  }

  static Node chars(CharSet set) { return {Node::Kind::chars, std::move(set)}; }

  Result<Node> group(int depth) {
    if (take("?")) {
      if (take("P<") || (text_.substr(at_).starts_with('<') && !text_.substr(at_).starts_with("<=") &&
                         !text_.substr(at_).starts_with("<!") && take("<"))) {
        const auto end = text_.find('>', at_);
        if (end == std::string_view::npos || end == at_) return wrong("a group's name does not end");
        at_ = end + 1;
      } else if (take("=") || take("!") || take("<=") || take("<!")) {
        return unsupported("look-around");
      } else if (take("#")) {
        const auto end = text_.find(')', at_);
        if (end == std::string_view::npos) return wrong("a comment does not end");
        at_ = end + 1;
        return Node{};
      } else if (take("P=") || take("P>")) {
        return unsupported("a back reference");
      } else if (take(">")) {
        return unsupported("an atomic group");
      } else if (take("(")) {
        return unsupported("a condition");
      } else if (!take(":")) {
        return unsupported("flags");
      }
    }
    auto out = TRY(alternation(depth + 1));
    if (!take(")")) return wrong("a group does not end");
    return out;
  }

  Status quantifiers(Node& atom) {
    bool has = false;
    for (;;) {
      int64_t min = 0, max = -1;
      if (take("*")) {
      } else if (take("+")) {
        min = 1;
      } else if (take("?")) {
        max = 1;
      } else if (!counts(min, max)) {
        return {};
      }
      if (has) return wrong("multiple repeat");
      if (max >= 0 && min > max) return wrong("a smallest count above the largest");
      if (std::max(min, max) > kRepeatMax)
        return {Code::too_large, cat("the pattern counts to ", std::max(min, max), "; ", kRepeatMax, " is the most")};
      if (take("+")) return unsupported("a possessive quantifier");
      take("?");  // lazy: the same texts
      has = true;
      Node repeated{Node::Kind::repeat, {}, min, max};
      repeated.parts.push_back(std::move(atom));
      atom = std::move(repeated);
    }
  }

  /// {m}, {m,}, {,n}, {m,n}, {,}; anything else in braces is text.
  bool counts(int64_t& min, int64_t& max) {
    const auto start = at_;
    const auto number = [&](int64_t& out) {
      const auto begin = at_;
      for (int64_t value = 0; !at_end() && text_[at_] >= '0' && text_[at_] <= '9'; ++at_)
        out = value = std::min<int64_t>(value * 10 + (text_[at_] - '0'), kRepeatMax + 1);
      return at_ > begin;
    };
    if (!take("{")) return false;
    const bool has_min = number(min);
    if (take(",")) {
      number(max);
      if (take("}")) return true;
    } else if (has_min && take("}")) {
      max = min;
      return true;
    }
    at_ = start;
    min = 0;
    max = -1;
    return false;
  }

  Result<Node> escape() {
    if (at_end()) return wrong("it ends in a backslash");
    if (take("A")) return Node{Node::Kind::begin};
    if (take("Z") || take("z")) return Node{Node::Kind::end};
    if (take("b") || take("B")) return unsupported("a word boundary");
    if (text_[at_] >= '1' && text_[at_] <= '9') return unsupported("a back reference");
    if (take("k")) return unsupported("a back reference");
    return chars(TRY(escaped_set()));
  }

  /// Behind a backslash, inside a class or out of one.
  Result<CharSet> escaped_set() {
    if (take("d")) return digits();
    if (take("D")) return digits().inverted();
    if (take("w")) return word();
    if (take("W")) return word().inverted();
    if (take("s")) return space();
    if (take("S")) return space().inverted();
    if (take("p") || take("P")) return unsupported("a Unicode property");
    constexpr std::pair<char, char> kNamed[] = {{'n', '\n'}, {'r', '\r'}, {'t', '\t'}, {'f', '\f'},
                                                {'v', '\v'}, {'a', '\a'}, {'0', '\0'}};
    for (const auto& [name, c] : kNamed)
      if (take(std::string_view(&name, 1))) return CharSet::of(static_cast<char32_t>(c), static_cast<char32_t>(c));
    if (take("x")) return code_point(2);
    if (take("u{")) {
      auto out = TRY(code_point(0));
      if (!take("}")) return wrong("\\u{ does not end");
      return out;
    }
    if (take("u")) return code_point(4);
    if (take("U")) return code_point(8);
    const auto c = next();
    const bool is_letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
    if (is_letter) return wrong("a backslash before a letter that means nothing");
    return CharSet::of(c, c);
  }

  /// So many hexadecimal digits; 0: up to six.
  Result<CharSet> code_point(int digits) {
    char32_t value = 0;
    int count = 0;
    const auto hex = [](char c) {
      if (c >= '0' && c <= '9') return c - '0';
      if (c >= 'a' && c <= 'f') return c - 'a' + 10;
      return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
    };
    for (; !at_end() && count < (digits ? digits : 6) && hex(text_[at_]) >= 0; ++at_, ++count)
      value = value * 16 + static_cast<char32_t>(hex(text_[at_]));
    if (count == 0 || (digits && count != digits)) return wrong("an escape lacks digits");
    if (value > 0x10FFFF || (value >= 0xD800 && value <= 0xDFFF)) return wrong("no character has that number");
    return CharSet::of(value, value);
  }

  Result<Node> char_class() {
    const bool is_inverted = take("^");
    CharSet out;
    for (bool is_first = true;; is_first = false) {
      if (at_end()) return wrong("a class does not end");
      if (!is_first && take("]")) break;
      auto from = TRY(class_part());
      if (text_.substr(at_).starts_with("-") && !text_.substr(at_).starts_with("-]")) {
        ++at_;
        if (at_end()) return wrong("a class does not end");
        const auto to = TRY(class_part());
        const auto single = [](const CharSet& set) {
          return set.ranges().size() == 1 && set.ranges()[0].first == set.ranges()[0].last;
        };
        if (!single(from) || !single(to) || from.ranges()[0].first > to.ranges()[0].first)
          return wrong("bad character range");
        from = CharSet::of(from.ranges()[0].first, to.ranges()[0].first);
      }
      out.add(from);
    }
    return chars(is_inverted ? out.inverted() : out);
  }
  Result<CharSet> class_part() {
    if (take("\\")) {
      if (at_end()) return wrong("a class does not end");
      if (take("b")) return CharSet::of('\b', '\b');
      return escaped_set();
    }
    const auto c = next();
    return CharSet::of(c, c);
  }

  const std::string_view text_;
  size_t at_ = 0;
};

/// What stands around a part of a pattern.
struct Place {
  bool at_begin = false, at_end = false;  ///< of the whole: an anchor may stand there
  bool lead = false, trail = false;       ///< anything may stand before or behind, unless there is an anchor
};

class Writer {
 public:
  Writer(Builder& to, Spelling spelling) : to_(to), spelling_(spelling) {}

  Result<ExprId> write(const Node& node, Place place) {
    using Kind = Node::Kind;
    switch (node.kind) {
      case Kind::any_of: {
        std::vector<ExprId> ways;
        for (const auto& part : node.parts) ways.push_back(TRY(write(part, place)));
        return to_.any_of(std::move(ways));
      }
      case Kind::sequence:
        return sequence(node, place);
      case Kind::begin:
        if (!place.at_begin) return misplaced("^");
        return place.trail ? anything() : to_.empty();
      case Kind::end:
        if (!place.at_end) return misplaced("$");
        return place.lead ? anything() : to_.empty();
      case Kind::chars:
        return around(spelled(to_, node.set, spelling_), place);
      case Kind::repeat: {
        const auto what = TRY(write(node.parts[0], {}));
        return around(to_.repeat(what, node.min, node.max < 0 ? std::nullopt : std::optional(node.max)), place);
      }
    }
    return to_.empty();
  }

 private:
  static Status misplaced(std::string_view anchor) {
    return {Code::unsupported,
            cat("the pattern has ", anchor, " elsewhere than at its ends: no text could match there")};
  }
  ExprId anything() { return to_.repeat(spelled(to_, CharSet::all(), spelling_), 0); }
  ExprId around(ExprId what, Place place) {
    std::vector<ExprId> parts;
    if (place.lead) parts.push_back(anything());
    parts.push_back(what);
    if (place.trail) parts.push_back(anything());
    return to_.sequence(std::move(parts));
  }

  Result<ExprId> sequence(const Node& node, Place place) {
    if (node.parts.empty()) return place.lead || place.trail ? anything() : to_.empty();
    std::vector<ExprId> parts;
    for (size_t i = 0; i < node.parts.size(); ++i) {
      const bool is_first = i == 0, is_last = i + 1 == node.parts.size();
      parts.push_back(TRY(write(node.parts[i], {.at_begin = place.at_begin && is_first,
                                                .at_end = place.at_end && is_last,
                                                .lead = place.lead && is_first,
                                                .trail = place.trail && is_last})));
    }
    return to_.sequence(std::move(parts));
  }

  Builder& to_;
  const Spelling spelling_;
};

}  // namespace

ExprId spelled(Builder& builder, const CharSet& set, Spelling spelling) {
  if (spelling == Spelling::plain) return builder.chars(set);
  const auto escaped = CharSet::of("\"\\").add(0, 0x1F);
  std::vector<ExprId> ways;
  if (const auto direct = set.without(escaped); !direct.empty()) ways.push_back(builder.chars(direct));
  constexpr std::pair<char, std::string_view> kShort[] = {{'"', "\\\""}, {'\\', "\\\\"}, {'\b', "\\b"}, {'\f', "\\f"},
                                                          {'\n', "\\n"}, {'\r', "\\r"},  {'\t', "\\t"}};
  for (const auto& [c, text] : kShort)
    if (set.has(static_cast<char32_t>(c))) ways.push_back(builder.literal(text));
  for (char32_t c = 0; c < 0x20; ++c) {
    const bool is_short =
        std::ranges::any_of(kShort, [c](const auto& s) { return static_cast<char32_t>(s.first) == c; });
    char text[8];
    std::snprintf(text, sizeof text, "\\u%04x", static_cast<unsigned>(c));
    if (!is_short && set.has(c)) ways.push_back(builder.literal(text));
  }
  return builder.any_of(std::move(ways));
}

Result<ExprId> parse_regex(Builder& builder, std::string_view pattern, Spelling spelling, bool is_search) {
  const auto node = TRY(Parser(pattern).parse());
  return Writer(builder, spelling).write(node, {true, true, is_search, is_search});
}

}  // namespace hearth::grammar

namespace hearth {

Result<Grammar> Grammar::from_regex(std::string_view pattern) {
  grammar::Builder builder;
  const auto root = builder.rule("pattern");
  builder.define(root, TRY(grammar::parse_regex(builder, pattern, grammar::Spelling::plain, /*is_search=*/false)));
  return builder.build(root);
}

}  // namespace hearth
