// Automaton: a grammar as states over bytes, and Builder, which makes one from expressions and rules.
//
// A rule is a nondeterministic automaton whose edges read a byte of a set, or call a rule and go on behind it. A text
// is of the grammar when the root rule can be walked to its end. Where a walk is: a state and the stack of the states
// that it returns to. No rule can call itself before a byte was read (build() refuses left recursion), so that the
// stacks that one byte can lead to are finitely many; a call at a rule's end leaves nothing on the stack.
#pragma once

#include <bitset>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "base/result.h"
#include "transformers/grammar.h"
#include "transformers/grammar/char_set.h"

namespace hearth::grammar {

using ByteSet = std::bitset<256>;
using StateId = int32_t;
using RuleId = int32_t;
using ExprId = int32_t;

struct Automaton {
  enum class Kind : uint8_t { bytes, split, call, end };
  struct State {
    Kind kind = Kind::end;
    int32_t what = 0;  ///< bytes: which set; split: where its branches begin; call: which rule
    int32_t next = 0;  ///< the state behind; split: where its branches end
  };
  std::vector<State> states;
  std::vector<StateId> branches;
  std::vector<ByteSet> sets;
  std::vector<StateId> starts;  ///< of each rule
  RuleId root = 0;
  /// Bytes that every set has both or neither of are of one class.
  std::vector<uint8_t> class_of;  ///< [256]
  std::vector<uint8_t> examples;  ///< a byte of each class
};

class Builder {
 public:
  ExprId empty() { return sequence({}); }
  ExprId bytes(const ByteSet& set);
  /// The bytes of a text, one after another.
  ExprId literal(std::string_view text);
  /// One character of a set, as UTF-8.
  ExprId chars(const CharSet& set);
  ExprId sequence(std::vector<ExprId> parts);
  /// Nothing at all when there are no ways.
  ExprId any_of(std::vector<ExprId> ways);
  ExprId optional(ExprId what) { return repeat(what, 0, 1); }
  ExprId repeat(ExprId what, int64_t min, std::optional<int64_t> max = {});
  ExprId call(RuleId rule);

  /// The rule of that name; it may be defined later.
  RuleId rule(const std::string& name);
  bool is_defined(RuleId rule) const { return rules_[static_cast<size_t>(rule)].body >= 0; }
  void define(RuleId rule, ExprId body) { rules_[static_cast<size_t>(rule)].body = body; }

  /// bad_input names a rule that nobody defined or that begins with itself; too_large when the automaton would be.
  Result<Grammar> build(RuleId root);

 private:
  enum class Kind : uint8_t { bytes, sequence, any_of, repeat, call };
  struct Expr {
    Kind kind;
    int32_t what = 0;  // bytes: the set; repeat: the expression; call: the rule
    int64_t min = 0, max = 0;
    std::vector<ExprId> parts = {};
    auto operator<=>(const Expr&) const = default;
  };
  struct Rule {
    std::string name;
    ExprId body = -1;
  };
  struct Lead;
  class Emitter;

  ExprId add(Expr expr);
  Status check_rules() const;
  std::vector<bool> empty_rules() const;

  std::vector<Expr> exprs_;
  std::map<Expr, ExprId> expr_ids_;  // equal expressions are one
  std::vector<ByteSet> sets_;
  std::unordered_map<ByteSet, int32_t> set_ids_;
  std::vector<Rule> rules_;
  std::map<std::string, RuleId> rule_ids_;
};

}  // namespace hearth::grammar
