#include "tokenizers/jinja/objects.h"

#include <algorithm>

#include "base/text.h"

namespace hearth::jinja {

Generator::Generator(std::string_view name, std::vector<Value> items) : name_(name), items_(std::move(items)) {
  for (const auto& item : items_) depth_ = std::max(depth_, item.depth() + 1);
}

Result<std::optional<Value>> Generator::next(Machine&, int64_t) {
  return at_ < items_.size() ? std::optional<Value>(items_[at_++]) : std::optional<Value>();
}

int64_t Range::count() const {
  if (step_ > 0) return start_ < stop_ ? (stop_ - start_ - 1) / step_ + 1 : 0;
  return start_ > stop_ ? (start_ - stop_ - 1) / -step_ + 1 : 0;
}

std::string Range::repr() const {
  if (step_ == 1) return cat("range(", start_, ", ", stop_, ")");
  return cat("range(", start_, ", ", stop_, ", ", step_, ")");
}

std::optional<Value> Range::item(int64_t index) const {
  return index < count() ? std::optional<Value>(Value(start_ + index * step_)) : std::optional<Value>();
}

std::string_view DictView::type_name() const {
  return part_ == Part::keys ? "dict_keys" : part_ == Part::values ? "dict_values" : "dict_items";
}

namespace {

Value view_item(const Dict::Item& item, DictView::Part part) {
  if (part == DictView::Part::keys) return item.first;
  if (part == DictView::Part::values) return item.second;
  return Value::tuple({item.first, item.second});
}

}  // namespace

std::string DictView::repr() const {
  std::vector<Value> items;
  for (const auto& item : dict_->items) items.push_back(view_item(item, part_));
  return cat(type_name(), "(", jinja::repr(Value::list(std::move(items))), ")");
}

Result<std::optional<Value>> DictView::next(Machine& machine, int64_t position) {
  if (position >= static_cast<int64_t>(dict_->items.size())) return std::optional<Value>();
  if (part_ == Part::items) TRY(machine.allocate(2 * sizeof(Value) + 64));
  return std::optional<Value>(view_item(dict_->items[static_cast<size_t>(position)], part_));
}

std::string Namespace::repr() const {
  static thread_local int nesting = 0;
  if (nesting > 8) return "<Namespace ...>";  // namespaces may hold one another, and themselves
  ++nesting;
  std::string out = "<Namespace {";
  for (const auto& [name, value] : names_.items) {
    if (out.size() > 12) out += ", ";
    out += cat(jinja::repr(name), ": ", value.weight() > 100000 ? "..." : jinja::repr(value));
    if (out.size() > (1 << 20)) break;
  }
  --nesting;
  return out + "}>";
}

std::optional<Value> Namespace::attribute(std::string_view name) {
  const Value* found = names_.find(name);
  return found == nullptr ? std::nullopt : std::optional<Value>(*found);
}

void Namespace::set(std::string_view name, Value value) {
  names_.set(Value(std::string(name)), std::move(value));
}

std::string Callable::repr() const {
  if (method_ == nullptr) return cat("<function ", name_, ">");
  return cat("<built-in method ", name_, " of ", self_.type_name(), " object>");
}

std::string Macro::repr() const {
  return name_.empty() ? "<Macro anonymous>" : cat("<Macro ", repr_text(name_), ">");
}

std::optional<Value> Macro::attribute(std::string_view name) {
  if (name == "name") return name_.empty() ? Value() : Value(std::string(name_));
  if (name == "arguments") {
    std::vector<Value> names;
    for (const auto& parameter : node_.parameters) names.emplace_back(parameter.name);
    return Value::tuple(std::move(names));
  }
  if (name == "catch_kwargs") return Value(node_.uses_kwargs);
  if (name == "catch_varargs") return Value(node_.uses_varargs);
  if (name == "caller") return Value(node_.uses_caller);
  return std::nullopt;
}

Result<Value> Macro::call(Machine& machine, const Arguments& arguments) {
  auto scope = std::make_shared<Scope>();
  scope->parent = around_;
  auto named = arguments.named;
  const auto take = [&](std::string_view name) -> std::optional<Value> {
    const auto it = std::find_if(named.begin(), named.end(), [&](const auto& pair) { return pair.first == name; });
    if (it == named.end()) return std::nullopt;
    auto value = std::move(it->second);
    named.erase(it);
    return value;
  };
  const auto& parameters = node_.parameters;
  bool caller_found = false;
  for (size_t i = 0; i < parameters.size(); ++i) {
    const auto& name = parameters[i].name;
    std::optional<Value> value =
        i < arguments.positional.size() ? std::optional<Value>(arguments.positional[i]) : take(name);
    caller_found = caller_found || name == "caller";
    if (!value) {
      value = parameters[i].otherwise ? TRY(machine.eval_in(*parameters[i].otherwise, scope))
                                      : Value::undefined(cat("parameter ", repr_text(name), " was not provided"));
    }
    scope->set(name, *std::move(value));
  }
  if (node_.uses_caller && !caller_found)
    scope->set("caller", take("caller").value_or(Value::undefined("No caller defined")));
  const auto shown = name_.empty() ? std::string("None") : repr_text(name_);
  if (node_.uses_kwargs) {
    auto rest = std::make_shared<Dict>();
    for (auto& [name, value] : named) rest->set(Value(name), std::move(value));
    scope->set("kwargs", TRY(machine.dict(std::move(rest))));
  } else if (!named.empty()) {
    return error(cat("macro ", shown, " takes no keyword argument ", repr_text(named[0].first)));
  }
  if (node_.uses_varargs) {
    const size_t from = std::min(parameters.size(), arguments.positional.size());
    scope->set("varargs", TRY(machine.tuple({arguments.positional.begin() + static_cast<std::ptrdiff_t>(from),
                                             arguments.positional.end()})));
  } else if (arguments.positional.size() > parameters.size()) {
    return error(cat("macro ", shown, " takes not more than ", parameters.size(), " argument(s)"));
  }
  return machine.capture(node_.body, std::move(scope));
}

// ---------------------------------------------------------------- loop

Loop::Loop(const Statement& node, std::shared_ptr<Scope> around, Iteration source, Value value, int depth,
           std::function<Result<bool>(const Value&)> accepts)
    : node_(node),
      around_(std::move(around)),
      source_(std::move(source)),
      value_(std::move(value)),
      depth_(depth),
      accepts_(std::move(accepts)) {}

std::string Loop::repr() const {
  return cat("<LoopContext ", index0_ + 1, "/", count_.value_or(0), ">");
}

Result<std::optional<Value>> Loop::pull(Machine& machine) {
  while (auto item = TRY(source_.next(machine))) {
    if (!accepts_ || TRY(accepts_(*item))) return item;
  }
  return std::optional<Value>();
}

Status Loop::peek(Machine& machine) {
  if (!next_ && ahead_.empty()) next_ = TRY(pull(machine));
  if (!next_ && !ahead_.empty()) {
    next_ = std::move(ahead_.back());
    ahead_.pop_back();
  }
  return {};
}

Result<bool> Loop::advance(Machine& machine) {
  TRY(peek(machine));
  if (!next_) return false;
  if (index0_ >= 0) previous_ = std::move(current_);
  current_ = *std::exchange(next_, std::nullopt);
  ++index0_;
  return true;
}

Result<int64_t> Loop::count(Machine& machine) {
  if (!count_) {
    TRY(peek(machine));
    std::vector<Value> rest;
    while (auto item = TRY(pull(machine))) {
      TRY(machine.allocate(sizeof(Value)));
      rest.push_back(*std::move(item));
    }
    count_ = index0_ + 1 + (next_ ? 1 : 0) + static_cast<int64_t>(rest.size());
    ahead_.assign(std::make_move_iterator(rest.rbegin()), std::make_move_iterator(rest.rend()));
  }
  return *count_;
}

namespace {

Result<Value> loop_cycle(Machine&, const Value& self, const Arguments& arguments) {
  return self.as<Loop>()->cycle(arguments);
}
Result<Value> loop_changed(Machine& machine, const Value& self, const Arguments& arguments) {
  return self.as<Loop>()->changed(machine, arguments);
}

}  // namespace

Result<std::optional<Value>> Loop::read(Machine& machine, std::string_view name) {
  using Found = std::optional<Value>;
  if (name == "index") return Found(Value(index0_ + 1));
  if (name == "index0") return Found(Value(index0_));
  if (name == "first") return Found(Value(index0_ == 0));
  if (name == "depth") return Found(Value(int64_t{depth_}));
  if (name == "depth0") return Found(Value(int64_t{depth_ - 1}));
  if (name == "previtem") return Found(previous_.value_or(Value::undefined("there is no previous item")));
  if (name == "last" || name == "nextitem") {
    TRY(peek(machine));
    if (name == "last") return Found(Value(!next_.has_value()));
    return Found(next_.value_or(Value::undefined("there is no next item")));
  }
  if (name == "length") return Found(Value(TRY(count(machine))));
  if (name == "revindex") return Found(Value(TRY(count(machine)) - index0_));
  if (name == "revindex0") return Found(Value(TRY(count(machine)) - index0_ - 1));
  if (name == "cycle" || name == "changed") {
    Value self{ObjectPtr(ObjectPtr(), this)};  // the machine keeps every loop until the end
    return Found(TRY(machine.object(
        std::make_shared<Callable>(std::string(name), std::move(self), name == "cycle" ? loop_cycle : loop_changed))));
  }
  return Found();
}

Result<Value> Loop::cycle(const Arguments& arguments) const {
  if (arguments.positional.empty()) return error("no items for cycling given");
  return arguments.positional[static_cast<size_t>(index0_) % arguments.positional.size()];
}

Result<Value> Loop::changed(Machine& machine, const Arguments& arguments) {
  auto now = TRY(machine.tuple(arguments.positional));
  if (last_changed_ && TRY(machine.equal(*last_changed_, now))) return Value(false);
  last_changed_ = std::move(now);
  return Value(true);
}

Result<Value> Loop::call(Machine& machine, const Arguments& arguments) {
  if (!node_.recursive) return error("The loop must have the 'recursive' marker to be called recursively.");
  if (arguments.positional.size() != 1) return error("loop() takes the one value to walk");
  return machine.run_recursive_loop(node_, around_, arguments.positional[0], depth_ + 1);
}

// ---------------------------------------------------------------- cycler

namespace {

Result<Value> cycler_next(Machine&, const Value& self, const Arguments&) {
  return self.as<Cycler>()->advance();
}
Result<Value> cycler_reset(Machine&, const Value& self, const Arguments&) {
  self.as<Cycler>()->reset();
  return Value();
}

}  // namespace

std::optional<Value> Cycler::attribute(std::string_view name) {
  if (name == "current") return items_[at_];
  if (name != "next" && name != "reset") return std::nullopt;
  Value self{ObjectPtr(ObjectPtr(), this)};  // as for loops
  return Value(ObjectPtr(
      std::make_shared<Callable>(std::string(name), std::move(self), name == "next" ? cycler_next : cycler_reset)));
}

}  // namespace hearth::jinja
