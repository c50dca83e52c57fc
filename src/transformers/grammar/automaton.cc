#include "transformers/grammar/automaton.h"

#include <algorithm>
#include <unordered_map>

#include "base/text.h"

namespace hearth::grammar {
namespace {

constexpr size_t kStatesMax = size_t{1} << 19;
constexpr int kDepthMax = 4000;  // of expressions in each other: a list of optional parts nests in its length

}  // namespace

ExprId Builder::add(Expr expr) {
  const auto [found, is_new] = expr_ids_.try_emplace(expr, static_cast<ExprId>(exprs_.size()));
  if (is_new) exprs_.push_back(std::move(expr));
  return found->second;
}

ExprId Builder::bytes(const ByteSet& set) {
  const auto [found, is_new] = set_ids_.try_emplace(set, static_cast<int32_t>(sets_.size()));
  if (is_new) sets_.push_back(set);
  return add({Kind::bytes, found->second});
}

ExprId Builder::literal(std::string_view text) {
  std::vector<ExprId> parts;
  for (const char c : text) parts.push_back(bytes(ByteSet().set(static_cast<unsigned char>(c))));
  return sequence(std::move(parts));
}

ExprId Builder::chars(const CharSet& set) {
  std::vector<ExprId> ways;
  ByteSet single;
  for (const auto& way : utf8_ranges(set)) {
    std::vector<ExprId> parts;
    for (size_t i = 0; i < way.length; ++i) {
      ByteSet range;
      for (int byte = way.bytes[i].first; byte <= way.bytes[i].last; ++byte) range.set(static_cast<size_t>(byte));
      if (way.length == 1)
        single |= range;
      else
        parts.push_back(bytes(range));
    }
    if (way.length > 1) ways.push_back(sequence(std::move(parts)));
  }
  if (single.any()) ways.push_back(bytes(single));
  return any_of(std::move(ways));
}

ExprId Builder::sequence(std::vector<ExprId> parts) {
  if (parts.size() == 1) return parts[0];
  return add({Kind::sequence, 0, 0, 0, std::move(parts)});
}

ExprId Builder::any_of(std::vector<ExprId> ways) {
  if (ways.size() == 1) return ways[0];
  return add({Kind::any_of, 0, 0, 0, std::move(ways)});
}

ExprId Builder::repeat(ExprId what, int64_t min, std::optional<int64_t> max) {
  if (min == 1 && max == 1) return what;
  return add({Kind::repeat, what, min, max.value_or(-1)});
}

ExprId Builder::call(RuleId rule) {
  return add({Kind::call, rule});
}

RuleId Builder::rule(const std::string& name) {
  const auto [found, is_new] = rule_ids_.try_emplace(name, static_cast<RuleId>(rules_.size()));
  if (is_new) rules_.push_back({name});
  return found->second;
}

/// What an expression can begin with: rules, and nothing at all.
struct Builder::Lead {
  const Builder& of;
  const std::vector<bool>& empty_rules;
  std::vector<int8_t> known = std::vector<int8_t>(of.exprs_.size(), -1);

  /// Expressions only name earlier ones, so that going up is enough: no recursion.
  void find_empty() {
    for (size_t i = 0; i < of.exprs_.size(); ++i) {
      const auto& e = of.exprs_[i];
      const auto is_empty = [&](ExprId id) { return known[static_cast<size_t>(id)] == 1; };
      bool value = false;
      if (e.kind == Kind::sequence) value = std::ranges::all_of(e.parts, is_empty);
      if (e.kind == Kind::any_of) value = std::ranges::any_of(e.parts, is_empty);
      if (e.kind == Kind::repeat) value = e.min == 0 || is_empty(e.what);
      if (e.kind == Kind::call) value = empty_rules[static_cast<size_t>(e.what)];
      known[i] = value ? 1 : 0;
    }
  }
  std::vector<RuleId> rules(ExprId body) const {
    std::vector<RuleId> out;
    std::vector<bool> seen(of.exprs_.size());
    std::vector<ExprId> todo{body};
    while (!todo.empty()) {
      const auto id = static_cast<size_t>(todo.back());
      todo.pop_back();
      if (seen[id]) continue;
      seen[id] = true;
      const auto& e = of.exprs_[id];
      if (e.kind == Kind::call) out.push_back(e.what);
      if (e.kind == Kind::repeat && e.max != 0) todo.push_back(e.what);
      if (e.kind == Kind::any_of) todo.insert(todo.end(), e.parts.begin(), e.parts.end());
      if (e.kind != Kind::sequence) continue;
      for (const auto part : e.parts) {
        todo.push_back(part);
        if (known[static_cast<size_t>(part)] != 1) break;
      }
    }
    return out;
  }
};

std::vector<bool> Builder::empty_rules() const {
  std::vector<bool> out(rules_.size());
  for (bool is_changed = true; is_changed;) {
    is_changed = false;
    Lead lead{*this, out};
    lead.find_empty();
    for (size_t i = 0; i < rules_.size(); ++i)
      if (!out[i] && lead.known[static_cast<size_t>(rules_[i].body)] == 1) out[i] = is_changed = true;
  }
  return out;
}

Status Builder::check_rules() const {
  for (const auto& rule : rules_)
    if (rule.body < 0) return {Code::bad_input, cat("rule '", rule.name, "' is used and nowhere defined")};
  const auto empty = empty_rules();
  Lead lead{*this, empty};
  lead.find_empty();
  // 1: under way, 2: done.
  std::vector<int> marks(rules_.size());
  for (size_t first = 0; first < rules_.size(); ++first) {
    struct Visit {
      size_t rule;
      std::vector<RuleId> next;
    };
    std::vector<Visit> path;
    const auto enter = [&](size_t rule) {
      marks[rule] = 1;
      path.push_back({rule, lead.rules(rules_[rule].body)});
    };
    if (marks[first] == 0) enter(first);
    while (!path.empty()) {
      auto& visit = path.back();
      if (visit.next.empty()) {
        marks[visit.rule] = 2;
        path.pop_back();
        continue;
      }
      const auto rule = static_cast<size_t>(visit.next.back());
      visit.next.pop_back();
      if (marks[rule] == 1)
        return {Code::bad_input, cat("rule '", rules_[rule].name, "' begins with itself: left recursion has no end")};
      if (marks[rule] == 0) enter(rule);
    }
  }
  return {};
}

/// Writes the states of expressions, from their ends to their beginnings.
class Builder::Emitter {
 public:
  Emitter(const Builder& builder, Automaton& out) : builder_(builder), out_(out) {}

  Status rule(RuleId id) {
    memo_.clear();
    const auto end = add({Automaton::Kind::end});
    out_.starts[static_cast<size_t>(id)] = emit(builder_.rules_[static_cast<size_t>(id)].body, end, 0);
    if (is_too_large_)
      return {Code::too_large,
              cat("the grammar has more than ", kStatesMax, " states or nests too deep: ask for less")};
    return {};
  }

 private:
  StateId add(Automaton::State state) {
    is_too_large_ |= out_.states.size() >= kStatesMax;
    if (!is_too_large_) out_.states.push_back(state);
    return static_cast<StateId>(out_.states.size() - 1);
  }
  StateId split(std::initializer_list<StateId> ways) { return split(std::vector<StateId>(ways)); }
  StateId split(const std::vector<StateId>& ways) {
    const auto begin = static_cast<int32_t>(out_.branches.size());
    out_.branches.insert(out_.branches.end(), ways.begin(), ways.end());
    return add({Automaton::Kind::split, begin, static_cast<int32_t>(out_.branches.size())});
  }

  /// The state at which `id` begins, when `next` follows it.
  StateId emit(ExprId id, StateId next, int depth) {
    is_too_large_ |= depth > kDepthMax;
    if (is_too_large_) return next;
    const auto key = static_cast<uint64_t>(id) << 32 | static_cast<uint32_t>(next);
    if (const auto found = memo_.find(key); found != memo_.end()) return found->second;
    const auto& e = builder_.exprs_[static_cast<size_t>(id)];
    auto start = next;
    switch (e.kind) {
      case Kind::bytes:
        start = add({Automaton::Kind::bytes, e.what, next});
        break;
      case Kind::call:
        start = add({Automaton::Kind::call, e.what, next});
        break;
      case Kind::sequence:
        for (auto part = e.parts.rbegin(); part != e.parts.rend(); ++part) start = emit(*part, start, depth + 1);
        break;
      case Kind::any_of: {
        std::vector<StateId> ways;
        for (const auto way : e.parts) ways.push_back(emit(way, next, depth + 1));
        start = split(ways);
        break;
      }
      case Kind::repeat:
        start = repeat(e, next, depth);
        break;
    }
    memo_[key] = start;
    return start;
  }

  StateId repeat(const Expr& e, StateId next, int depth) {
    auto start = next;
    if (e.max < 0) {
      start = split({next, next});
      if (is_too_large_) return next;
      const auto at = static_cast<size_t>(out_.states[static_cast<size_t>(start)].what);
      const auto again = emit(e.what, start, depth + 1);
      out_.branches[at] = again;
    }
    for (auto i = e.min; i < e.max && !is_too_large_; ++i) start = split({emit(e.what, start, depth + 1), next});
    for (int64_t i = 0; i < e.min && !is_too_large_; ++i) start = emit(e.what, start, depth + 1);
    return start;
  }

  const Builder& builder_;
  Automaton& out_;
  bool is_too_large_ = false;
  std::unordered_map<uint64_t, StateId> memo_;
};

Result<Grammar> Builder::build(RuleId root) {
  TRY(check_rules());
  auto out = std::make_shared<Automaton>();
  out->root = root;
  out->sets = sets_;
  out->starts.resize(rules_.size());
  Emitter emitter(*this, *out);
  for (RuleId rule = 0; rule < static_cast<RuleId>(rules_.size()); ++rule) TRY(emitter.rule(rule));
  std::map<std::vector<bool>, uint8_t> classes;
  for (size_t byte = 0; byte < 256; ++byte) {
    std::vector<bool> sets;
    for (const auto& set : sets_) sets.push_back(set[byte]);
    const auto [found, is_new] = classes.try_emplace(std::move(sets), static_cast<uint8_t>(classes.size()));
    out->class_of.push_back(found->second);
    if (is_new) out->examples.push_back(static_cast<uint8_t>(byte));
  }
  return Grammar(std::move(out));
}

}  // namespace hearth::grammar
