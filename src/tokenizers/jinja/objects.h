// Objects of the language: macros, loops, namespaces, generators, ranges, dict views, cyclers, joiners, functions.
// Source: jinja2 3.1.6 runtime.py, utils.py; CPython's range and dict views.
#pragma once

#include "tokenizers/jinja/builtins.h"

namespace hearth::jinja {

/// What map, select, reversed, ... return: can be walked once.
class Generator final : public Object {
 public:
  Generator(std::string_view name, std::vector<Value> items);
  std::string_view type_name() const override { return name_; }
  bool iterable() const override { return true; }
  Result<std::optional<Value>> next(Machine&, int64_t) override;
  int depth() const override { return depth_; }

 private:
  std::string_view name_;
  std::vector<Value> items_;
  size_t at_ = 0;
  int depth_ = 0;
};

class Range final : public Object {
 public:
  Range(int64_t start, int64_t stop, int64_t step) : start_(start), stop_(stop), step_(step) {}
  int64_t count() const;
  std::shared_ptr<Range> slice(int64_t from, int64_t by, int64_t items) const {
    const int64_t first = start_ + from * step_;
    return std::make_shared<Range>(first, first + items * by * step_, by * step_);
  }
  std::string_view type_name() const override { return "range"; }
  std::string repr() const override;
  bool truth() const override { return count() != 0; }
  std::optional<int64_t> length() const override { return count(); }
  bool iterable() const override { return true; }
  Result<std::optional<Value>> next(Machine&, int64_t position) override { return item(position); }
  bool indexable() const override { return true; }
  std::optional<Value> item(int64_t index) const override;

 private:
  int64_t start_, stop_, step_;
};

class DictView final : public Object {
 public:
  enum class Part { keys, values, items };
  DictView(DictPtr dict, Part part) : dict_(std::move(dict)), part_(part) {}
  std::string_view type_name() const override;
  std::string repr() const override;
  bool truth() const override { return !dict_->items.empty(); }
  std::optional<int64_t> length() const override { return static_cast<int64_t>(dict_->items.size()); }
  bool iterable() const override { return true; }
  Result<std::optional<Value>> next(Machine&, int64_t position) override;
  int depth() const override { return dict_->depth + 1; }
  int64_t weight() const override { return dict_->weight; }

 private:
  DictPtr dict_;
  Part part_;
};

class Namespace final : public Object {
 public:
  std::string_view type_name() const override { return "Namespace"; }
  std::string repr() const override;
  std::optional<Value> attribute(std::string_view name) override;
  void set(std::string_view name, Value value);
  void clear() { names_.items.clear(); }

 private:
  Dict names_;
};

/// A function or a bound method.
class Callable final : public Object {
 public:
  Callable(std::string name, Function function) : name_(std::move(name)), function_(function) {}
  Callable(std::string name, Value self, MethodFunction method)
      : name_(std::move(name)), self_(std::move(self)), method_(method) {}
  std::string_view type_name() const override { return method_ != nullptr ? "builtin_function_or_method" : "function"; }
  std::string repr() const override;
  bool callable() const override { return true; }
  Result<Value> call(Machine& machine, const Arguments& arguments) override {
    return method_ != nullptr ? method_(machine, self_, arguments) : function_(machine, arguments);
  }
  int depth() const override { return self_.depth() + 1; }

 private:
  std::string name_;
  Value self_;
  MethodFunction method_ = nullptr;
  Function function_ = nullptr;
};

class Macro final : public Object {
 public:
  Macro(const Statement& node, std::string_view name, std::shared_ptr<Scope> around)
      : node_(node), name_(name), around_(std::move(around)) {}
  std::string_view type_name() const override { return "Macro"; }
  std::string repr() const override;
  bool callable() const override { return true; }
  Result<Value> call(Machine& machine, const Arguments& arguments) override;
  std::optional<Value> attribute(std::string_view name) override;

 private:
  const Statement& node_;
  std::string_view name_;  // empty: the body of a call block
  std::shared_ptr<Scope> around_;
};

/// The variable `loop`. It reads one item ahead, and no further until somebody asks for the length.
class Loop final : public Object {
 public:
  /// `accepts` is the loop's own `if`, empty when it has none.
  Loop(const Statement& node, std::shared_ptr<Scope> around, Iteration source, Value value, int depth,
       std::function<Result<bool>(const Value&)> accepts);
  /// Moves to the next item; false at the end.
  Result<bool> advance(Machine& machine);
  const Value& current() const { return current_; }
  /// `loop.name`, none when a loop has no such attribute.
  Result<std::optional<Value>> read(Machine& machine, std::string_view name);
  void forget() { accepts_ = nullptr; }

  std::string_view type_name() const override { return "LoopContext"; }
  std::string repr() const override;
  std::optional<int64_t> length() const override { return std::nullopt; }
  bool callable() const override { return true; }
  Result<Value> call(Machine& machine, const Arguments& arguments) override;
  Result<Value> cycle(const Arguments& arguments) const;
  Result<Value> changed(Machine& machine, const Arguments& arguments);

 private:
  Result<std::optional<Value>> pull(Machine& machine);
  Status peek(Machine& machine);
  Result<int64_t> count(Machine& machine);

  const Statement& node_;
  std::shared_ptr<Scope> around_;
  Iteration source_;
  Value value_;  // what is walked
  int depth_;
  std::function<Result<bool>(const Value&)> accepts_;
  int64_t index0_ = -1;
  std::optional<Value> previous_, next_, last_changed_;
  Value current_;
  std::vector<Value> ahead_;  // read for the length, the next one last
  std::optional<int64_t> count_;
};

/// A row of the filter groupby: a pair that also has names.
class Group final : public Object {
 public:
  explicit Group(Value pair) : pair_(std::move(pair)) {}
  std::string_view type_name() const override { return "_GroupTuple"; }
  std::string repr() const override { return jinja::repr(pair_); }
  std::optional<int64_t> length() const override { return 2; }
  bool iterable() const override { return true; }
  Result<std::optional<Value>> next(Machine&, int64_t position) override { return item(position); }
  bool indexable() const override { return true; }
  std::optional<Value> item(int64_t index) const override {
    return index < 2 ? std::optional<Value>(pair_.items()[static_cast<size_t>(index)]) : std::nullopt;
  }
  std::optional<Value> attribute(std::string_view name) override {
    return name == "grouper" ? item(0) : name == "list" ? item(1) : std::nullopt;
  }
  int depth() const override { return pair_.depth(); }
  int64_t weight() const override { return pair_.weight(); }

 private:
  Value pair_;
};

class Cycler final : public Object {
 public:
  explicit Cycler(std::vector<Value> items) : items_(std::move(items)) {}
  std::string_view type_name() const override { return "Cycler"; }
  std::optional<Value> attribute(std::string_view name) override;
  Value advance() { return items_[std::exchange(at_, (at_ + 1) % items_.size())]; }
  void reset() { at_ = 0; }

 private:
  std::vector<Value> items_;
  size_t at_ = 0;
};

class Joiner final : public Object {
 public:
  explicit Joiner(Value separator) : separator_(std::move(separator)) {}
  std::string_view type_name() const override { return "Joiner"; }
  bool callable() const override { return true; }
  Result<Value> call(Machine&, const Arguments&) override {
    return std::exchange(used_, true) ? separator_ : Value(std::string());
  }

 private:
  Value separator_;
  bool used_ = false;
};

}  // namespace hearth::jinja
