// Machine: one rendering of a template. It owns the scopes, the output and the budget; filters, tests and methods get
// it to call back into the language. Source: what jinja2 3.1.6 compiler.py and runtime.py make of a template;
// sandbox.py says what is refused.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "tokenizers/chat_template.h"
#include "tokenizers/jinja/ast.h"

namespace hearth::jinja {

/// Names of one scope. Keys are views into the Program or the variables, which outlive the rendering.
struct Scope {
  std::shared_ptr<Scope> parent;
  std::vector<std::pair<std::string_view, Value>> names;

  const Value* find(std::string_view name) const;
  void set(std::string_view name, Value value);
};

/// Walks the items of a value as Python's iter() does.
class Iteration {
 public:
  explicit Iteration(Value value) : value_(std::move(value)) {}
  Result<std::optional<Value>> next(Machine& machine);

 private:
  Value value_;
  size_t at_ = 0;
};

class Machine {
 public:
  Machine(const Program& program, const Json& variables, const RenderLimits& limits);
  ~Machine();
  Machine(const Machine&) = delete;

  Result<Rendered> run();

  // ---- budget ----
  Status step(int64_t count = 1);
  Status allocate(int64_t bytes);
  /// A made value, charged for.
  Result<Value> text(std::string text, bool markup = false);
  Result<Value> list(std::vector<Value> items);
  Result<Value> tuple(std::vector<Value> items);
  Result<Value> dict(std::shared_ptr<Dict> dict);
  /// Objects live until the rendering ends: they may refer to one another in circles.
  template <class T>
  Result<Value> object(std::shared_ptr<T> made) {
    TRY(allocate(sizeof(T) + 32));
    objects_.push_back(made);
    return Value(ObjectPtr(std::move(made)));
  }
  Result<std::string> str(const Value& v);
  Result<std::string> repr(const Value& v);
  Result<bool> equal(const Value& a, const Value& b);
  Result<int> compare(const Value& a, const Value& b, std::string_view op = "<");
  int64_t bytes_left() const { return limits_.allocated_bytes - allocated_; }

  // ---- the language, for filters and objects ----
  Result<Iteration> iterate(const Value& v);
  /// list(v)
  Result<std::vector<Value>> items(const Value& v);
  /// v.name, and v[key]; an absent one is undefined.
  Result<Value> attribute(const Value& v, std::string_view name);
  Result<Value> item(const Value& v, const Value& key);
  Result<Value> call(const Value& function, const Arguments& arguments);
  Result<Value> call_filter(std::string_view name, const Value& v, const Arguments& arguments);
  Result<bool> call_test(std::string_view name, const Value& v, const Arguments& arguments);
  Result<bool> contains(const Value& container, const Value& v);
  Result<int64_t> length(const Value& v);

  // ---- for macros and loops ----
  /// Runs a body in a scope and returns what it printed.
  Result<Value> capture(const Body& body, std::shared_ptr<Scope> scope);
  Result<Value> eval_in(const Expression& expression, const std::shared_ptr<Scope>& scope);
  Result<Value> run_recursive_loop(const Statement& loop, const std::shared_ptr<Scope>& around, const Value& value,
                                   int depth);

 private:
  enum class Flow { next, broken, continued };
  struct Deeper;

  Result<Flow> run_body(const Body& body);
  Result<Flow> run_statement(const Statement& node);
  Result<Flow> run_in_scope(const Body& body, std::shared_ptr<Scope> scope);
  Result<Flow> run_if(const Statement& node);
  Result<Flow> run_loop(const Statement& node, const Value& value, const std::shared_ptr<Scope>& around, int depth);
  Status run_generation(const Statement& node);
  Result<Value> make_macro(const Statement& node, std::string_view name);
  Status assign(const Expression& target, Value value);
  Status print(std::string_view text);

  Result<Value> eval(const Expression& node);
  Result<Value> eval_node(const Expression& node);
  Result<Value> eval_name(const Expression& node);
  Result<Value> eval_item(const Expression& node);
  Result<Value> eval_slice(const Value& object, const Expression& node);
  Result<Value> eval_call(const Expression& node, const Value* caller);
  Result<Value> eval_filter(const Expression& node, const Value* body);
  Result<Value> eval_compare(const Expression& node);
  Result<Value> eval_concat(const Expression& node);
  Result<Value> eval_dict(const Expression& node);
  Result<std::vector<Value>> eval_all(const std::vector<ExpressionPtr>& parts);
  Result<Arguments> eval_arguments(const CallSyntax& syntax);
  Result<bool> compare_with(std::string_view op, const Value& a, const Value& b);

  const Program& program_;
  RenderLimits limits_;
  std::shared_ptr<Scope> scope_;
  std::string* out_;  // where print() writes: the text, or a capture's buffer
  Rendered rendered_;
  std::vector<ObjectPtr> objects_;
  std::vector<std::shared_ptr<Scope>> closures_;  // scopes that macros hold, in circles with them
  int64_t steps_ = 0, allocated_ = 0;
  int depth_ = 0;
  int line_ = 1;         // of the statement or expression that runs
  bool raised_ = false;  // by raise_exception: its message goes out as it is

  friend Result<Value> raise_exception(Machine&, const Arguments&);
};

/// + - * / // % ** on two values. Source: sandbox.py (no interception), CPython's numbers and sequences.
Result<Value> binary(Machine& machine, std::string_view op, const Value& a, const Value& b);

}  // namespace hearth::jinja
