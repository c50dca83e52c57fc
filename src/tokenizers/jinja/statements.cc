// Machine: statements, scopes and output.
#include "base/text.h"
#include "tokenizers/jinja/objects.h"

namespace hearth::jinja {

struct Machine::Deeper {
  explicit Deeper(Machine& owner) : machine(owner) { ++machine.depth_; }
  ~Deeper() { --machine.depth_; }
  Status check() const {
    if (machine.depth_ > machine.limits_.depth) return error("maximum recursion depth exceeded");
    return {};
  }
  Machine& machine;
};

Status Machine::print(std::string_view text) {
  if (static_cast<int64_t>(out_->size() + text.size()) > limits_.output_bytes)
    return error(cat("the text is longer than ", limits_.output_bytes, " bytes"));
  if (out_ != &rendered_.text) TRY(allocate(static_cast<int64_t>(text.size())));
  out_->append(text);
  return {};
}

Result<Machine::Flow> Machine::run_body(const Body& body) {
  const Deeper deeper(*this);
  TRY(deeper.check());
  for (const auto& node : body) {
    const auto flow = TRY(run_statement(*node));
    if (flow != Flow::next) return flow;
  }
  return Flow::next;
}

Result<Machine::Flow> Machine::run_in_scope(const Body& body, std::shared_ptr<Scope> scope) {
  auto outer = std::exchange(scope_, std::move(scope));
  auto flow = run_body(body);
  scope_ = std::move(outer);
  return flow;
}

namespace {

std::shared_ptr<Scope> inside(const std::shared_ptr<Scope>& parent) {
  auto scope = std::make_shared<Scope>();
  scope->parent = parent;
  return scope;
}

}  // namespace

Result<Machine::Flow> Machine::run_statement(const Statement& node) {
  TRY(step());
  line_ = node.line;
  switch (node.kind) {
    case StatementKind::data:
      TRY(print(node.text));
      return Flow::next;
    case StatementKind::output: {
      const auto value = TRY(eval(*node.value));
      if (value.is_string())
        TRY(print(value.text()));
      else
        TRY(print(TRY(str(value))));
      return Flow::next;
    }
    case StatementKind::if_else:
      return run_if(node);
    case StatementKind::for_loop:
      return run_loop(node, TRY(eval(*node.value)), scope_, 1);
    case StatementKind::set:
      TRY(assign(*node.target, TRY(eval(*node.value))));
      return Flow::next;
    case StatementKind::set_block: {
      auto text = TRY(capture(node.body, inside(scope_)));
      if (node.value) text = TRY(eval_filter(*node.value, &text));
      TRY(assign(*node.target, std::move(text)));
      return Flow::next;
    }
    case StatementKind::macro:
      scope_->set(node.text, TRY(make_macro(node, node.text)));
      return Flow::next;
    case StatementKind::call_block: {
      const auto caller = TRY(make_macro(node, ""));
      TRY(print(TRY(str(TRY(eval_call(*node.value, &caller))))));
      return Flow::next;
    }
    case StatementKind::filter_block: {
      const auto text = TRY(capture(node.body, inside(scope_)));
      TRY(print(TRY(str(TRY(eval_filter(*node.value, &text))))));
      return Flow::next;
    }
    case StatementKind::with: {
      auto scope = inside(scope_);
      std::vector<Value> values;
      for (const auto& [target, value] : node.assignments) values.push_back(TRY(eval(*value)));
      auto outer = std::exchange(scope_, scope);
      Status assigned;
      for (size_t i = 0; i < values.size() && assigned.ok(); ++i)
        assigned = assign(*node.assignments[i].first, std::move(values[i]));
      scope_ = std::move(outer);
      TRY(std::move(assigned));
      return run_in_scope(node.body, std::move(scope));
    }
    case StatementKind::scope:
      return run_in_scope(node.body, inside(scope_));
    case StatementKind::generation:
      TRY(run_generation(node));
      return Flow::next;
    case StatementKind::break_loop:
      return Flow::broken;
    case StatementKind::continue_loop:
      return Flow::continued;
  }
  return Flow::next;
}

Result<Machine::Flow> Machine::run_if(const Statement& first) {
  const Statement* node = &first;
  while (true) {
    line_ = node->line;
    if (TRY(eval(*node->value)).truth()) return run_body(node->body);
    if (node->orelse.size() != 1 || node->orelse[0]->kind != StatementKind::if_else) return run_body(node->orelse);
    node = node->orelse[0].get();
  }
}

Result<Machine::Flow> Machine::run_loop(const Statement& node, const Value& value, const std::shared_ptr<Scope>& around,
                                        int depth) {
  const Deeper deeper(*this);
  TRY(deeper.check());
  std::function<Result<bool>(const Value&)> accepts;
  if (node.condition)
    accepts = [this, &node, around](const Value& item) -> Result<bool> {
      auto outer = std::exchange(scope_, inside(around));
      auto status = assign(*node.target, item);
      Result<Value> kept = status.ok() ? eval(*node.condition) : Result<Value>(std::move(status));
      scope_ = std::move(outer);
      return TRY(std::move(kept)).truth();
    };
  auto loop = std::make_shared<Loop>(node, around, TRY(iterate(value)), value, depth, std::move(accepts));
  const auto loop_value = TRY(object(loop));
  bool any = false;
  while (TRY(loop->advance(*this))) {
    any = true;
    auto scope = inside(around);
    scope->set("loop", loop_value);
    auto outer = std::exchange(scope_, scope);
    auto status = assign(*node.target, loop->current());
    Result<Flow> flow = status.ok() ? run_body(node.body) : Result<Flow>(std::move(status));
    scope_ = std::move(outer);
    if (TRY(std::move(flow)) == Flow::broken) break;
    line_ = node.line;
  }
  if (!any) return run_in_scope(node.orelse, inside(around));
  return Flow::next;
}

Result<Value> Machine::run_recursive_loop(const Statement& node, const std::shared_ptr<Scope>& around,
                                          const Value& value, int depth) {
  std::string buffer;
  auto* outer = std::exchange(out_, &buffer);
  const int line = line_;
  auto flow = run_loop(node, value, around, depth);
  out_ = outer;
  TRY(std::move(flow));
  line_ = line;
  return Value(std::move(buffer));
}

Status Machine::run_generation(const Statement& node) {
  // A capture's start is where the text stands that is out already, as transformers' AssistantTracker counts.
  const size_t start = rendered_.text.size();
  const auto text = TRY(capture(node.body, inside(scope_)));
  rendered_.generated.emplace_back(start, start + text.text().size());
  return print(text.text());
}

Result<Value> Machine::capture(const Body& body, std::shared_ptr<Scope> scope) {
  std::string buffer;
  auto* outer = std::exchange(out_, &buffer);
  auto flow = run_in_scope(body, std::move(scope));
  out_ = outer;
  TRY(std::move(flow));
  return Value(std::move(buffer));
}

Result<Value> Machine::eval_in(const Expression& expression, const std::shared_ptr<Scope>& scope) {
  auto outer = std::exchange(scope_, scope);
  auto value = eval(expression);
  scope_ = std::move(outer);
  return value;
}

Result<Value> Machine::make_macro(const Statement& node, std::string_view name) {
  if (closures_.empty() || closures_.back() != scope_) closures_.push_back(scope_);
  return object(std::make_shared<Macro>(node, name, scope_));
}

Status Machine::assign(const Expression& target, Value value) {
  if (target.kind == ExpressionKind::name) {
    scope_->set(target.text, std::move(value));
    return {};
  }
  if (target.kind == ExpressionKind::namespace_attribute) {
    const auto space = TRY(eval_name(target));
    if (auto* names = space.as<Namespace>()) {
      if (target.attribute.starts_with('_'))
        return error(cat("Chat templates cannot store underscore-prefixed attributes on a namespace, but got ",
                         repr_text(target.attribute), ". Please rename the attribute."));
      TRY(allocate(2 * sizeof(Value)));
      names->set(target.attribute, std::move(value));
      return {};
    }
    if (space.is_undefined()) return error(space.undefined_message());
    return error("cannot assign attribute on non-namespace object");
  }
  auto items = this->items(value);
  if (!items.ok()) return error(cat("cannot unpack non-iterable ", value.type_name(), " object"));
  const size_t wanted = target.parts.size();
  if (items->size() > wanted) return error(cat("too many values to unpack (expected ", wanted, ")"));
  if (items->size() < wanted)
    return error(cat("not enough values to unpack (expected ", wanted, ", got ", items->size(), ")"));
  for (size_t i = 0; i < wanted; ++i) TRY(assign(*target.parts[i], std::move((*items)[i])));
  return {};
}

}  // namespace hearth::jinja
