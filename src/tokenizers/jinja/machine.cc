#include "tokenizers/jinja/machine.h"

#include <algorithm>

#include "base/text.h"
#include "tokenizers/jinja/objects.h"

namespace hearth::jinja {
namespace {

constexpr int kDeepestValue = 500;
constexpr int64_t kHeaviestValue = 32 << 20;

}  // namespace

const Value* Scope::find(std::string_view name) const {
  for (auto it = names.rbegin(); it != names.rend(); ++it)
    if (it->first == name) return &it->second;
  return nullptr;
}

void Scope::set(std::string_view name, Value value) {
  for (auto& [key, old] : names)
    if (key == name) {
      old = std::move(value);
      return;
    }
  names.emplace_back(name, std::move(value));
}

Machine::Machine(const Program& program, const Json& variables, const RenderLimits& limits)
    : program_(program), limits_(limits), out_(&rendered_.text) {
  auto root = std::make_shared<Scope>();
  for (const auto& [name, value] : variables.object()) root->set(name, Value::from_json(value));
  scope_ = std::make_shared<Scope>();
  scope_->parent = std::move(root);
}

Machine::~Machine() {
  // Macros hold scopes that hold macros, namespaces may hold themselves: cut the circles, then all goes.
  for (auto& scope : closures_) scope->names.clear();
  for (auto& object : objects_) {
    if (auto* space = dynamic_cast<Namespace*>(object.get())) space->clear();
    if (auto* loop = dynamic_cast<Loop*>(object.get())) loop->forget();
  }
}

Result<Rendered> Machine::run() {
  auto flow = run_body(program_.body);
  if (!flow.ok()) {
    if (raised_) return std::move(flow).status();
    return std::move(flow).status().with(cat("line ", line_));
  }
  return std::move(rendered_);
}

// ---------------------------------------------------------------- budget

Status Machine::step(int64_t count) {
  steps_ += count;
  if (steps_ > limits_.steps) return error(cat("the template takes more than ", limits_.steps, " steps"));
  return {};
}

Status Machine::allocate(int64_t bytes) {
  if (bytes > limits_.allocated_bytes - allocated_)
    return error(cat("the template makes more than ", limits_.allocated_bytes, " bytes of values"));
  allocated_ += bytes;
  return {};
}

Result<Value> Machine::text(std::string text, bool markup) {
  TRY(allocate(static_cast<int64_t>(text.size()) + 64));
  return Value(std::move(text), markup);
}

namespace {

Status check_shape(const Value& v) {
  if (v.depth() > kDeepestValue) return error("a value nests too deep");
  if (v.weight() > kHeaviestValue) return error("a value holds too many items");
  return {};
}

}  // namespace

Result<Value> Machine::list(std::vector<Value> items) {
  TRY(allocate(static_cast<int64_t>(items.size() * sizeof(Value)) + 64));
  auto made = Value::list(std::move(items));
  TRY(check_shape(made));
  return made;
}

Result<Value> Machine::tuple(std::vector<Value> items) {
  TRY(allocate(static_cast<int64_t>(items.size() * sizeof(Value)) + 64));
  auto made = Value::tuple(std::move(items));
  TRY(check_shape(made));
  return made;
}

Result<Value> Machine::dict(std::shared_ptr<Dict> dict) {
  TRY(allocate(static_cast<int64_t>(dict->items.size() * 3 * sizeof(Value)) + 96));
  auto made = Value(DictPtr(std::move(dict)));
  TRY(check_shape(made));
  return made;
}

Result<std::string> Machine::str(const Value& v) {
  TRY(step(v.weight()));
  auto out = jinja::str(v);
  TRY(allocate(static_cast<int64_t>(out.size())));
  return out;
}

Result<std::string> Machine::repr(const Value& v) {
  TRY(step(v.weight()));
  auto out = jinja::repr(v);
  TRY(allocate(static_cast<int64_t>(out.size())));
  return out;
}

Result<bool> Machine::equal(const Value& a, const Value& b) {
  TRY(step(std::min(a.weight(), b.weight())));
  return jinja::equal(a, b);
}

Result<int> Machine::compare(const Value& a, const Value& b, std::string_view op) {
  TRY(step(std::min(a.weight(), b.weight())));
  return jinja::compare(a, b, op);
}

// ---------------------------------------------------------------- walking and looking up

Result<Iteration> Machine::iterate(const Value& v) {
  const bool walkable = v.is_undefined() || v.is_string() || v.is_list() || v.is_tuple() || v.is_dict() ||
                        (v.is_object() && v.object().iterable());
  if (!walkable) return error(cat("'", v.type_name(), "' object is not iterable"));
  return Iteration(v);
}

Result<std::optional<Value>> Iteration::next(Machine& machine) {
  TRY(machine.step());
  using Next = std::optional<Value>;
  if (value_.is_string()) {
    const auto& text = value_.text();
    if (at_ >= text.size()) return Next();
    const size_t start = at_;
    utf8_next(text, at_);
    return Next(TRY(machine.text(text.substr(start, at_ - start))));
  }
  if (value_.is_list() || value_.is_tuple()) return at_ < value_.items().size() ? Next(value_.items()[at_++]) : Next();
  if (value_.is_dict()) return at_ < value_.dict().items.size() ? Next(value_.dict().items[at_++].first) : Next();
  if (value_.is_object()) return value_.object().next(machine, static_cast<int64_t>(at_++));
  return Next();
}

Result<std::vector<Value>> Machine::items(const Value& v) {
  if (v.is_list() || v.is_tuple()) {
    TRY(step(static_cast<int64_t>(v.items().size())));
    TRY(allocate(static_cast<int64_t>(v.items().size() * sizeof(Value))));
    return v.items();
  }
  auto iteration = TRY(iterate(v));
  std::vector<Value> out;
  while (auto next = TRY(iteration.next(*this))) {
    TRY(allocate(sizeof(Value)));
    out.push_back(*std::move(next));
  }
  return out;
}

Result<int64_t> Machine::length(const Value& v) {
  if (v.is_undefined()) return 0;
  if (v.is_string()) return static_cast<int64_t>(utf8_length(v.text()));
  if (v.is_list() || v.is_tuple()) return static_cast<int64_t>(v.items().size());
  if (v.is_dict()) return static_cast<int64_t>(v.dict().items.size());
  if (v.is_object())
    if (const auto count = v.object().length()) return *count;
  return error(cat("object of type '", v.type_name(), "' has no len()"));
}

Result<bool> Machine::contains(const Value& container, const Value& v) {
  if (container.is_string()) {
    if (v.is_undefined()) return error("'in <string>' requires string as left operand, not Undefined");
    if (!v.is_string()) return error(cat("'in <string>' requires string as left operand, not ", v.type_name()));
    TRY(step(container.weight()));
    return hearth::contains(container.text(), v.text());
  }
  if (container.is_dict()) {
    if (!hashable(v)) return error(cat("unhashable type: '", v.type_name(), "'"));
    TRY(step(v.weight()));
    return container.dict().find(v) != nullptr;
  }
  auto iteration = iterate(container);
  if (!iteration.ok()) return error(cat("argument of type '", container.type_name(), "' is not iterable"));
  while (const auto next = TRY(iteration->next(*this)))
    if (TRY(equal(*next, v))) return true;
  return false;
}

namespace {

std::optional<size_t> python_index(int64_t index, size_t size) {
  if (index < 0) index += static_cast<int64_t>(size);
  if (index < 0 || index >= static_cast<int64_t>(size)) return std::nullopt;
  return static_cast<size_t>(index);
}

// The code point at `index`, which is below the text's length.
std::string_view code_point_at(std::string_view text, size_t index) {
  size_t start = 0;
  for (; index > 0; --index) utf8_next(text, start);
  size_t end = start;
  utf8_next(text, end);
  return text.substr(start, end - start);
}

// v[key] as Python has it: none for TypeError and LookupError.
std::optional<Value> subscript(const Value& v, const Value& key) {
  if (v.is_dict()) {
    if (!hashable(key)) return std::nullopt;
    const Value* found = v.dict().find(key);
    return found == nullptr ? std::nullopt : std::optional<Value>(*found);
  }
  if (!key.is_integer()) return std::nullopt;
  if (v.is_list() || v.is_tuple()) {
    const auto at = python_index(key.integer(), v.items().size());
    return at ? std::optional<Value>(v.items()[*at]) : std::nullopt;
  }
  if (v.is_string()) {
    const auto& text = v.text();
    if (is_ascii(text)) {
      const auto at = python_index(key.integer(), text.size());
      return at ? std::optional<Value>(Value(std::string(1, text[*at]), v.is_markup())) : std::nullopt;
    }
    const auto at = python_index(key.integer(), utf8_length(text));
    return at ? std::optional<Value>(Value(std::string(code_point_at(text, *at)), v.is_markup())) : std::nullopt;
  }
  if (v.is_object() && v.object().indexable()) {
    const auto at = python_index(key.integer(), static_cast<size_t>(v.object().length().value_or(0)));
    return at ? v.object().item(static_cast<int64_t>(*at)) : std::nullopt;
  }
  return std::nullopt;
}

Value unsafe(const Value& v, std::string_view name) {
  return Value::undefined(
      cat("access to attribute ", repr_text(name), " of ", repr_text(v.type_name()), " object is unsafe."));
}

Value absent(const Value& v, const Value& key) {
  if (key.is_string()) return Value::undefined(cat(repr_text(type_repr(v)), " has no attribute ", repr(key)));
  return Value::undefined(cat(type_repr(v), " has no element ", key.weight() < 1000 ? repr(key) : "..."));
}

bool is_private(std::string_view name) {
  return name.starts_with('_');
}

}  // namespace

Result<Value> Machine::attribute(const Value& v, std::string_view name) {
  TRY(step());
  if (v.is_undefined()) return error(v.undefined_message());
  if (auto* loop = v.as<Loop>())
    if (auto found = TRY(loop->read(*this, name))) return *std::move(found);
  if (v.is_object())
    if (auto found = v.object().attribute(name)) return *std::move(found);
  if (const auto method = find_method(v, name); method != nullptr)
    return object(std::make_shared<Callable>(std::string(name), v, method));
  if (is_mutating_method(v, name)) return unsafe(v, name);
  const Value key{std::string(name)};
  if (auto found = subscript(v, key)) return *std::move(found);
  return is_private(name) ? unsafe(v, name) : absent(v, key);
}

Result<Value> Machine::item(const Value& v, const Value& key) {
  TRY(step(key.weight() + (v.is_string() ? v.weight() : 0)));
  if (v.is_undefined()) return error(v.undefined_message());
  if (auto found = subscript(v, key)) return *std::move(found);
  if (!key.is_string()) return absent(v, key);
  const auto& name = key.text();
  if (auto* loop = v.as<Loop>())
    if (auto found = TRY(loop->read(*this, name))) return *std::move(found);
  if (v.is_object())
    if (auto found = v.object().attribute(name)) return *std::move(found);
  if (const auto method = find_method(v, name); method != nullptr)
    return object(std::make_shared<Callable>(name, v, method));
  return is_mutating_method(v, name) ? unsafe(v, name) : absent(v, key);
}

Result<Value> Machine::call(const Value& function, const Arguments& arguments) {
  TRY(step());
  if (function.is_undefined()) return error(function.undefined_message());
  if (!function.is_object() || !function.object().callable())
    return error(cat("'", function.type_name(), "' object is not callable"));
  return function.object().call(*this, arguments);
}

Result<Value> Machine::call_filter(std::string_view name, const Value& v, const Arguments& arguments) {
  TRY(step());
  const auto filter = find_filter(name);
  if (filter == nullptr) return error(cat("No filter named '", name, "'."));
  return filter(*this, v, arguments);
}

Result<bool> Machine::call_test(std::string_view name, const Value& v, const Arguments& arguments) {
  TRY(step());
  const auto test = find_test(name);
  if (test == nullptr) return error(cat("No test named '", name, "'."));
  return test(*this, v, arguments);
}

}  // namespace hearth::jinja
