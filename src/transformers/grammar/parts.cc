// Grammars put together of parts: fixed texts, the JSON of schemas, and text up to a marker.
// Source: Knuth, Morris, Pratt, "Fast Pattern Matching in Strings" (1977), for the texts without a marker.
#include <array>

#include "base/text.h"
#include "transformers/grammar/json_schema.h"

namespace hearth::grammar {
namespace {

constexpr int kDepthMax = 50;

class Parts {
 public:
  Result<Grammar> build(const GrammarPart& whole) {
    const auto root = to_.rule("whole");
    to_.define(root, TRY(write(whole, 0)));
    return to_.build(root);
  }

 private:
  Result<ExprId> write(const GrammarPart& part, int depth) {
    using Kind = GrammarPart::Kind;
    if (depth > kDepthMax) return Status(Code::bad_input, "the parts of the grammar nest too deep");
    std::vector<ExprId> inner;
    for (const auto& one : part.parts) inner.push_back(TRY(write(one, depth + 1)));
    switch (part.kind) {
      case Kind::literal:
        return to_.literal(part.text);
      case Kind::json_schema:
        return to_.call(TRY(parse_json_schema(to_, part.schema, cat("schema ", ++schemas_))));
      case Kind::without:
        return without(part.text);
      case Kind::any_of:
        return to_.any_of(std::move(inner));
      case Kind::any_number:
        return to_.repeat(to_.sequence(std::move(inner)), 0);
      case Kind::sequence:
        break;
    }
    return to_.sequence(std::move(inner));
  }

  // A rule for each beginning of the marker that the text may end with.
  ExprId without(const std::string& marker) {
    const auto rule_of = [&](size_t length) { return to_.rule(cat("without ", marker, " after ", length)); };
    const auto first = rule_of(0);
    if (marker.empty() || to_.is_defined(first)) return to_.call(first);
    for (size_t length = 0; length < marker.size(); ++length) {
      std::vector<ByteSet> to(marker.size() + 1);
      for (int byte = 0; byte < 256; ++byte) {
        const auto text = cat(marker.substr(0, length), std::string(1, static_cast<char>(byte)));
        size_t next = std::min(text.size(), marker.size());
        while (next > 0 && !text.ends_with(std::string_view(marker).substr(0, next))) --next;
        to[next].set(static_cast<size_t>(byte));
      }
      std::vector<ExprId> ways = {to_.empty()};
      for (size_t next = 0; next < marker.size(); ++next)
        if (to[next].any()) ways.push_back(to_.sequence({to_.bytes(to[next]), to_.call(rule_of(next))}));
      to_.define(rule_of(length), to_.any_of(std::move(ways)));
    }
    return to_.call(first);
  }

  Builder to_;
  int schemas_ = 0;
};

}  // namespace
}  // namespace hearth::grammar

namespace hearth {

Result<Grammar> Grammar::from_parts(const GrammarPart& whole) {
  return grammar::Parts().build(whole);
}

}  // namespace hearth
