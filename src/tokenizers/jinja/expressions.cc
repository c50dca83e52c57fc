// Machine: expressions.
#include <algorithm>

#include "base/text.h"
#include "tokenizers/jinja/objects.h"

namespace hearth::jinja {

Result<Value> Machine::eval(const Expression& node) {
  TRY(step());
  if (depth_ >= limits_.depth) return error("maximum recursion depth exceeded");
  ++depth_;
  auto value = eval_node(node);
  --depth_;
  if (!value.ok() && line_ < node.line) line_ = node.line;  // a statement over several lines: name the innermost
  return value;
}

Result<Value> Machine::eval_node(const Expression& node) {
  switch (node.kind) {
    case ExpressionKind::constant:
      return node.constant;
    case ExpressionKind::name:
    case ExpressionKind::namespace_attribute:
      return eval_name(node);
    case ExpressionKind::list:
      return list(TRY(eval_all(node.parts)));
    case ExpressionKind::tuple:
      return tuple(TRY(eval_all(node.parts)));
    case ExpressionKind::dict:
      return eval_dict(node);
    case ExpressionKind::attribute:
      return attribute(TRY(eval(*node.parts[0])), node.text);
    case ExpressionKind::item:
      return eval_item(node);
    case ExpressionKind::slice:
      return error("a slice stands only alone between brackets");
    case ExpressionKind::call:
      return eval_call(node, nullptr);
    case ExpressionKind::filter:
      return eval_filter(node, nullptr);
    case ExpressionKind::test: {
      const auto value = TRY(eval(*node.parts[0]));
      return Value(TRY(call_test(node.text, value, TRY(eval_arguments(node.arguments)))));
    }
    case ExpressionKind::negate:
    case ExpressionKind::plus: {
      const auto value = TRY(eval(*node.parts[0]));
      if (value.is_undefined()) return error(value.undefined_message());
      const bool minus = node.kind == ExpressionKind::negate;
      if (!value.is_number())
        return error(cat("bad operand type for unary ", minus ? '-' : '+', ": '", value.type_name(), "'"));
      if (minus) return binary(*this, "*", value, Value(int64_t{-1}));
      return value.is_bool() ? Value(value.integer()) : value;
    }
    case ExpressionKind::logical_not:
      return Value(!TRY(eval(*node.parts[0])).truth());
    case ExpressionKind::logical_and:
    case ExpressionKind::logical_or: {
      auto left = TRY(eval(*node.parts[0]));
      if (left.truth() == (node.kind == ExpressionKind::logical_or)) return left;
      return eval(*node.parts[1]);
    }
    case ExpressionKind::binary: {
      const auto left = TRY(eval(*node.parts[0]));
      return binary(*this, node.text, left, TRY(eval(*node.parts[1])));
    }
    case ExpressionKind::compare:
      return eval_compare(node);
    case ExpressionKind::concat:
      return eval_concat(node);
    case ExpressionKind::conditional:
      if (TRY(eval(*node.parts[1])).truth()) return eval(*node.parts[0]);
      if (node.parts[2]) return eval(*node.parts[2]);
      return Value::undefined("the inline if-expression evaluated to false and no else section was defined.");
  }
  return Value();
}

Result<Value> Machine::eval_name(const Expression& node) {
  for (const Scope* scope = scope_.get(); scope != nullptr; scope = scope->parent.get())
    if (const Value* found = scope->find(node.text)) return *found;
  if (const auto function = find_global(node.text); function != nullptr)
    return object(std::make_shared<Callable>(node.text, function));
  return Value::undefined(cat(repr_text(node.text), " is undefined"));
}

Result<std::vector<Value>> Machine::eval_all(const std::vector<ExpressionPtr>& parts) {
  std::vector<Value> out;
  out.reserve(parts.size());
  for (const auto& part : parts) out.push_back(TRY(eval(*part)));
  return out;
}

Result<Value> Machine::eval_dict(const Expression& node) {
  auto made = std::make_shared<Dict>();
  for (size_t i = 0; i < node.parts.size(); i += 2) {
    auto key = TRY(eval(*node.parts[i]));
    if (!hashable(key)) return error(cat("unhashable type: '", key.type_name(), "'"));
    made->set(std::move(key), TRY(eval(*node.parts[i + 1])));
  }
  return dict(std::move(made));
}

Result<Value> Machine::eval_item(const Expression& node) {
  const auto object = TRY(eval(*node.parts[0]));
  if (node.parts[1]->kind == ExpressionKind::slice) return eval_slice(object, *node.parts[1]);
  return item(object, TRY(eval(*node.parts[1])));
}

namespace {

struct SliceRange {
  int64_t start, step, count;
};

// Source: CPython PySlice_AdjustIndices.
SliceRange adjust(std::optional<int64_t> start, std::optional<int64_t> stop, int64_t step, int64_t size) {
  const auto clamp = [&](int64_t index) {
    if (index < 0) {
      index += size;
      return index < 0 ? (step < 0 ? int64_t{-1} : int64_t{0}) : index;
    }
    return index >= size ? (step < 0 ? size - 1 : size) : index;
  };
  const int64_t from = start ? clamp(*start) : (step < 0 ? size - 1 : 0);
  const int64_t to = stop ? clamp(*stop) : (step < 0 ? -1 : size);
  int64_t count = 0;
  if (step < 0 && to < from) count = (from - to - 1) / -step + 1;
  if (step > 0 && from < to) count = (to - from - 1) / step + 1;
  return {from, step, count};
}

std::string slice_text(const std::string& text, const SliceRange& range, const std::vector<size_t>& starts) {
  std::string out;
  for (int64_t i = 0; i < range.count; ++i) {
    const auto at = static_cast<size_t>(range.start + i * range.step);
    if (starts.empty())
      out += text[at];
    else
      out.append(text, starts[at], starts[at + 1] - starts[at]);
  }
  return out;
}

}  // namespace

Result<Value> Machine::eval_slice(const Value& object, const Expression& node) {
  std::optional<int64_t> bounds[3];
  for (size_t i = 0; i < 3; ++i) {
    if (!node.parts[i]) continue;
    const auto bound = TRY(eval(*node.parts[i]));
    if (bound.is_none()) continue;
    if (!bound.is_integer()) return error("slice indices must be integers or None or have an __index__ method");
    bounds[i] = std::clamp(bound.integer(), -(int64_t{1} << 62), int64_t{1} << 62);
  }
  if (object.is_undefined()) return error(object.undefined_message());
  const int64_t by = bounds[2].value_or(1);
  if (by == 0) return error("slice step cannot be zero");
  const bool sliceable = object.is_string() || object.is_list() || object.is_tuple() ||
                         (object.is_object() && object.object().indexable());
  if (!sliceable) return error(cat("'", object.type_name(), "' object is not subscriptable"));
  const auto range = adjust(bounds[0], bounds[1], by, TRY(length(object)));
  if (object.is_string()) {
    const auto& whole = object.text();
    TRY(step(object.weight()));
    std::vector<size_t> starts;  // of the code points; empty for ASCII
    if (!is_ascii(whole)) {
      TRY(allocate(static_cast<int64_t>(whole.size() * sizeof(size_t))));
      for (size_t at = 0; at < whole.size(); utf8_next(whole, at)) starts.push_back(at);
      starts.push_back(whole.size());
    }
    return text(slice_text(whole, range, starts), object.is_markup());
  }
  if (const auto* numbers = object.as<Range>())
    return this->object(numbers->slice(range.start, range.step, range.count));
  std::vector<Value> out;
  TRY(step(range.count));
  for (int64_t i = 0; i < range.count; ++i) {
    const int64_t at = range.start + i * range.step;
    out.push_back(object.is_object() ? object.object().item(at).value_or(Value())
                                     : object.items()[static_cast<size_t>(at)]);
  }
  return object.is_tuple() ? tuple(std::move(out)) : list(std::move(out));
}

Result<Arguments> Machine::eval_arguments(const CallSyntax& syntax) {
  Arguments out;
  out.positional = TRY(eval_all(syntax.positional));
  if (syntax.star)
    for (auto& item : TRY(items(TRY(eval(*syntax.star))))) out.positional.push_back(std::move(item));
  for (const auto& [name, value] : syntax.named) out.named.emplace_back(name, TRY(eval(*value)));
  if (syntax.star_star) {
    const auto more = TRY(eval(*syntax.star_star));
    if (!more.is_dict()) return error("argument after ** must be a mapping");
    for (const auto& [key, value] : more.dict().items) {
      if (!key.is_string()) return error("keywords must be strings");
      out.named.emplace_back(key.text(), value);
    }
  }
  return out;
}

Result<Value> Machine::eval_call(const Expression& node, const Value* caller) {
  const auto& callee = *node.parts[0];
  // A method called at once needs no object of its own.
  if (callee.kind == ExpressionKind::attribute && caller == nullptr) {
    const auto self = TRY(eval(*callee.parts[0]));
    if (const auto method = self.is_object() ? nullptr : find_method(self, callee.text); method != nullptr) {
      const auto arguments = TRY(eval_arguments(node.arguments));
      TRY(step(self.weight()));
      return method(*this, self, arguments);
    }
    const auto function = TRY(attribute(self, callee.text));
    return call(function, TRY(eval_arguments(node.arguments)));
  }
  const auto function = TRY(eval(callee));
  auto arguments = TRY(eval_arguments(node.arguments));
  if (caller != nullptr) arguments.named.emplace_back("caller", *caller);
  const int line = line_;
  auto value = call(function, arguments);
  if (value.ok()) line_ = line;
  return value;
}

Result<Value> Machine::eval_filter(const Expression& node, const Value* body) {
  const Value value = !node.parts[0]    ? *body
                      : body == nullptr ? TRY(eval(*node.parts[0]))
                                        : TRY(eval_filter(*node.parts[0], body));
  const auto arguments = TRY(eval_arguments(node.arguments));
  TRY(step(value.is_string() ? value.weight() : 1));
  return call_filter(node.text, value, arguments);
}

Result<bool> Machine::compare_with(std::string_view op, const Value& a, const Value& b) {
  if (op == "==") return equal(a, b);
  if (op == "!=") return !TRY(equal(a, b));
  if (op == "in") return contains(b, a);
  if (op == "not in") return !TRY(contains(b, a));
  if (a.is_number() && b.is_number() && (a.real() != a.real() || b.real() != b.real())) return false;  // NaN
  const int order = TRY(compare(a, b, op));
  return op == "<" ? order < 0 : op == "<=" ? order <= 0 : op == ">" ? order > 0 : order >= 0;
}

Result<Value> Machine::eval_compare(const Expression& node) {
  auto left = TRY(eval(*node.parts[0]));
  for (size_t i = 0; i < node.operators.size(); ++i) {
    auto right = TRY(eval(*node.parts[i + 1]));
    if (!TRY(compare_with(node.operators[i], left, right))) return Value(false);
    left = std::move(right);
  }
  return Value(true);
}

Result<Value> Machine::eval_concat(const Expression& node) {
  std::string out;
  for (const auto& part : node.parts) {
    const auto value = TRY(eval(*part));
    TRY(step(value.is_string() ? value.weight() : 1));
    out += value.is_string() ? value.text() : TRY(str(value));
    if (static_cast<int64_t>(out.size()) > bytes_left()) return allocate(static_cast<int64_t>(out.size()));
  }
  return text(std::move(out));
}

}  // namespace hearth::jinja
