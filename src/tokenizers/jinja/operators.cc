// The binary operators. Source: CPython 3.11 longobject.c, floatobject.c, unicodeobject.c; markupsafe's Markup.
#include <cmath>

#include "base/text.h"
#include "tokenizers/jinja/builtins.h"

namespace hearth::jinja {
namespace {

Status too_large() {
  return error("the integer result does not fit into 64 bits");
}

// Towards minus infinity, the remainder with the divisor's sign.
std::pair<int64_t, int64_t> floor_divide(int64_t a, int64_t b) {
  int64_t quotient = a / b, remainder = a % b;
  if (remainder != 0 && (remainder < 0) != (b < 0)) {
    --quotient;
    remainder += b;
  }
  return {quotient, remainder};
}

std::pair<double, double> floor_divide(double a, double b) {
  double remainder = std::fmod(a, b);
  double quotient = (a - remainder) / b;
  if (remainder != 0) {
    if ((b < 0) != (remainder < 0)) {
      remainder += b;
      quotient -= 1;
    }
  } else {
    remainder = std::copysign(0.0, b);
  }
  if (quotient != 0) {
    const double floored = std::floor(quotient);
    quotient = quotient - floored > 0.5 ? floored + 1 : floored;
  } else {
    quotient = std::copysign(0.0, a / b);
  }
  return {quotient, remainder};
}

Result<Value> integer_power(int64_t base, int64_t exponent) {
  int64_t result = 1;
  for (; exponent > 0; exponent >>= 1) {
    if ((exponent & 1) != 0 && __builtin_mul_overflow(result, base, &result)) return too_large();
    if (exponent > 1 && __builtin_mul_overflow(base, base, &base)) return too_large();
  }
  return Value(result);
}

Result<Value> power(const Value& a, const Value& b) {
  if (a.is_integer() && b.is_integer() && b.integer() >= 0) return integer_power(a.integer(), b.integer());
  if (a.real() == 0 && b.real() < 0) return error("0.0 cannot be raised to a negative power");
  if (a.real() < 0 && b.real() != std::floor(b.real())) return error("a complex number is no value of a template");
  const double result = std::pow(a.real(), b.real());
  if (std::isinf(result) && std::isfinite(a.real()) && std::isfinite(b.real()))
    return error("(34, 'Numerical result out of range')");
  return Value(result);
}

Result<Value> integers(std::string_view op, int64_t a, int64_t b) {
  int64_t result = 0;
  if (op == "+") return __builtin_add_overflow(a, b, &result) ? Result<Value>(too_large()) : Value(result);
  if (op == "-") return __builtin_sub_overflow(a, b, &result) ? Result<Value>(too_large()) : Value(result);
  if (op == "*") return __builtin_mul_overflow(a, b, &result) ? Result<Value>(too_large()) : Value(result);
  if (b == 0) return error(op == "/" ? "division by zero" : "integer division or modulo by zero");
  if (op == "/") return Value(static_cast<double>(a) / static_cast<double>(b));
  if (b == -1) return op == "%" ? Value(int64_t{0}) : integers("-", 0, a);
  const auto [quotient, remainder] = floor_divide(a, b);
  return Value(op == "//" ? quotient : remainder);
}

Result<Value> reals(std::string_view op, double a, double b) {
  if (op == "+") return Value(a + b);
  if (op == "-") return Value(a - b);
  if (op == "*") return Value(a * b);
  if (b == 0)
    return error(op == "/" ? "float division by zero" : op == "//" ? "float floor division by zero" : "float modulo");
  if (op == "/") return Value(a / b);
  const auto [quotient, remainder] = floor_divide(a, b);
  return Value(op == "//" ? quotient : remainder);
}

Result<Value> repeat(Machine& machine, const Value& sequence, int64_t count) {
  if (count < 0) count = 0;
  const auto size =
      static_cast<int64_t>(sequence.is_string() ? sequence.text().size() : sequence.items().size() * sizeof(Value));
  int64_t bytes = 0;
  if (__builtin_mul_overflow(size, count, &bytes) || bytes > machine.bytes_left()) return machine.allocate(INT64_MAX);
  if (sequence.is_string()) {
    std::string out;
    out.reserve(static_cast<size_t>(bytes));
    for (int64_t i = 0; size > 0 && i < count; ++i) out += sequence.text();
    return machine.text(std::move(out), sequence.is_markup());
  }
  std::vector<Value> out;
  for (int64_t i = 0; size > 0 && i < count; ++i)
    out.insert(out.end(), sequence.items().begin(), sequence.items().end());
  return sequence.is_tuple() ? machine.tuple(std::move(out)) : machine.list(std::move(out));
}

Result<Value> add(Machine& machine, const Value& a, const Value& b) {
  if (a.is_string() && b.is_string()) {
    TRY(machine.step(a.weight() + b.weight()));
    const bool markup = a.is_markup() || b.is_markup();
    const auto part = [&](const Value& v) { return markup && !v.is_markup() ? escape_markup(v.text()) : v.text(); };
    return machine.text(part(a) + part(b), markup);
  }
  if ((a.is_list() && b.is_list()) || (a.is_tuple() && b.is_tuple())) {
    auto out = TRY(machine.items(a));
    for (auto& item : TRY(machine.items(b))) out.push_back(std::move(item));
    return a.is_tuple() ? machine.tuple(std::move(out)) : machine.list(std::move(out));
  }
  if (a.is_string()) return error(cat("can only concatenate str (not \"", b.type_name(), "\") to str"));
  if (a.is_list() || a.is_tuple())
    return error(cat("can only concatenate ", a.type_name(), " (not \"", b.type_name(), "\") to ", a.type_name()));
  return error(cat("unsupported operand type(s) for +: '", a.type_name(), "' and '", b.type_name(), "'"));
}

}  // namespace

Result<Value> binary(Machine& machine, std::string_view op, const Value& a, const Value& b) {
  if (a.is_undefined()) return error(a.undefined_message());
  if (op == "%" && a.is_string()) return format_percent(machine, a.text(), b, a.is_markup());
  if (b.is_undefined()) return error(b.undefined_message());
  if (a.is_number() && b.is_number()) {
    if (op == "**") return power(a, b);
    return a.is_integer() && b.is_integer() ? integers(op, a.integer(), b.integer()) : reals(op, a.real(), b.real());
  }
  if (op == "+") return add(machine, a, b);
  const auto sequence = [](const Value& v) { return v.is_string() || v.is_list() || v.is_tuple(); };
  if (op == "*" && sequence(a) && b.is_integer()) return repeat(machine, a, b.integer());
  if (op == "*" && a.is_integer() && sequence(b)) return repeat(machine, b, a.integer());
  const std::string_view shown = op == "**" ? "** or pow()" : op;
  return error(cat("unsupported operand type(s) for ", shown, ": '", a.type_name(), "' and '", b.type_name(), "'"));
}

}  // namespace hearth::jinja
