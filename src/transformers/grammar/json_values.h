// The values of JSON as expressions: what the schemas of json_schema.cc are made of.
// Source: RFC 8259.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"
#include "transformers/grammar/automaton.h"

namespace hearth::grammar {

/// Texts of values, each rule made when it is first asked for.
class JsonValues {
 public:
  explicit JsonValues(Builder& to) : to_(to) {}

  /// What may stand between two parts: nothing, a space, or a line break with up to 20 spaces or tabs. No more, so that
  /// a model cannot write blanks for ever.
  ExprId blank();
  /// Any value, any object, any array.
  ExprId value();
  ExprId object();
  ExprId array();
  /// A string of min to max characters, in every spelling.
  ExprId string(int64_t min = 0, std::optional<int64_t> max = {});
  ExprId quoted(ExprId inside) { return to_.sequence({to_.literal("\""), inside, to_.literal("\"")}); }
  /// A member's name that is none of `names`, each character in its plainest spelling.
  ExprId name_except(const std::vector<std::string>& names);
  /// Exactly this value, as Python's json.dumps(ensure_ascii=False) writes it, with or without blanks.
  ExprId literal(const Json& value);
  /// At most 16 digits before the point and 24 behind it.
  ExprId number();
  /// Whole numbers from low to high, both among them; of up to 18 digits where a side is open.
  ExprId integer(std::optional<int64_t> low, std::optional<int64_t> high);
  /// Decimal fractions, without exponents, between whole numbers. `open_*`: the bound itself is out.
  ExprId bounded_number(std::optional<int64_t> low, bool open_low, std::optional<int64_t> high, bool open_high);
  /// A string of JSON Schema's `format`; nothing when it is not known.
  std::optional<ExprId> format(std::string_view name);
  static std::string known_formats();

 private:
  template <class Body>
  ExprId once(const std::string& name, Body body) {
    const auto rule = to_.rule(name);
    if (!to_.is_defined(rule)) {
      to_.define(rule, to_.empty());  // where the rule names itself
      to_.define(rule, body());
    }
    return to_.call(rule);
  }
  ExprId character();
  ExprId fraction();
  ExprId naturals(int64_t low, std::optional<int64_t> high);

  Builder& to_;
};

}  // namespace hearth::grammar
