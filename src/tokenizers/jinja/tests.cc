// The tests: `value is name`. Source: jinja2 3.1.6 tests.py.
#include <algorithm>

#include "base/text.h"
#include "tokenizers/jinja/objects.h"

namespace hearth::jinja {
namespace {

struct Row {
  std::string_view name;
  TestFunction function;
};

Result<const Value*> operand(const Arguments& arguments) {
  if (arguments.positional.size() != 1) return error("the test takes one argument");
  return &arguments.positional[0];
}

Result<int64_t> remainder(Machine& machine, const Value& v, int64_t by) {
  const auto rest = TRY(binary(machine, "%", v, Value(by)));
  if (!rest.is_number()) return error("not all arguments converted during string formatting");
  return rest.is_double() ? (rest.real() == 1 ? 1 : rest.real() == 0 ? 0 : 2) : rest.integer();
}

template <bool odd>
Result<bool> parity(Machine& machine, const Value& v, const Arguments&) {
  return TRY(remainder(machine, v, 2)) == odd;
}

Result<bool> divisible(Machine& machine, const Value& v, const Arguments& arguments) {
  return !TRY(binary(machine, "%", v, *TRY(operand(arguments)))).truth();
}

Result<bool> equal_to(Machine& machine, const Value& v, const Arguments& arguments) {
  return machine.equal(v, *TRY(operand(arguments)));
}
Result<bool> not_equal_to(Machine& machine, const Value& v, const Arguments& arguments) {
  return !TRY(machine.equal(v, *TRY(operand(arguments))));
}
Result<bool> less(Machine& machine, const Value& v, const Arguments& arguments) {
  return TRY(machine.compare(v, *TRY(operand(arguments)), "<")) < 0;
}
Result<bool> less_equal(Machine& machine, const Value& v, const Arguments& arguments) {
  return TRY(machine.compare(v, *TRY(operand(arguments)), "<=")) <= 0;
}
Result<bool> greater(Machine& machine, const Value& v, const Arguments& arguments) {
  return TRY(machine.compare(v, *TRY(operand(arguments)), ">")) > 0;
}
Result<bool> greater_equal(Machine& machine, const Value& v, const Arguments& arguments) {
  return TRY(machine.compare(v, *TRY(operand(arguments)), ">=")) >= 0;
}
Result<bool> in(Machine& machine, const Value& v, const Arguments& arguments) {
  return machine.contains(*TRY(operand(arguments)), v);
}

Result<bool> same_as(Machine&, const Value& v, const Arguments& arguments) {
  const auto& other = *TRY(operand(arguments));
  if (v.is_bool() != other.is_bool() || v.type_name() != other.type_name()) return false;
  if (v.is_list() || v.is_tuple()) return &v.items() == &other.items();
  if (v.is_dict()) return &v.dict() == &other.dict();
  return equal(v, other);
}

Result<bool> defined(Machine&, const Value& v, const Arguments&) {
  return !v.is_undefined();
}
Result<bool> undefined(Machine&, const Value& v, const Arguments&) {
  return v.is_undefined();
}
Result<bool> none(Machine&, const Value& v, const Arguments&) {
  return v.is_none();
}
Result<bool> boolean(Machine&, const Value& v, const Arguments&) {
  return v.is_bool();
}
Result<bool> is_true(Machine&, const Value& v, const Arguments&) {
  return v.is_bool() && v.truth();
}
Result<bool> is_false(Machine&, const Value& v, const Arguments&) {
  return v.is_bool() && !v.truth();
}
Result<bool> integer(Machine&, const Value& v, const Arguments&) {
  return v.is_integer() && !v.is_bool();
}
Result<bool> real(Machine&, const Value& v, const Arguments&) {
  return v.is_double();
}
Result<bool> number(Machine&, const Value& v, const Arguments&) {
  return v.is_number();
}
Result<bool> string(Machine&, const Value& v, const Arguments&) {
  return v.is_string();
}
Result<bool> mapping(Machine&, const Value& v, const Arguments&) {
  return v.is_dict();
}
Result<bool> iterable(Machine& machine, const Value& v, const Arguments&) {
  return machine.iterate(v).ok();
}
Result<bool> sequence(Machine&, const Value& v, const Arguments&) {
  if (v.is_object()) return v.object().indexable();
  return v.is_string() || v.is_list() || v.is_tuple() || v.is_dict() || v.is_undefined();
}
Result<bool> callable(Machine&, const Value& v, const Arguments&) {
  return v.is_undefined() || (v.is_object() && v.object().callable());
}
Result<bool> escaped(Machine&, const Value& v, const Arguments&) {
  return v.is_markup();
}

template <bool upper>
Result<bool> cased(Machine& machine, const Value& v, const Arguments&) {
  const Value text{TRY(machine.str(v))};
  return TRY(find_method(text, upper ? "isupper" : "islower")(machine, text, Arguments())).truth();
}

Result<bool> is_filter(Machine&, const Value& v, const Arguments&) {
  return v.is_string() && find_filter(v.text()) != nullptr;
}
Result<bool> is_test(Machine&, const Value& v, const Arguments&) {
  return v.is_string() && find_test(v.text()) != nullptr;
}

constexpr Row kRows[] = {
    {"odd", parity<true>},
    {"even", parity<false>},
    {"divisibleby", divisible},
    {"defined", defined},
    {"undefined", undefined},
    {"filter", is_filter},
    {"test", is_test},
    {"none", none},
    {"boolean", boolean},
    {"false", is_false},
    {"true", is_true},
    {"integer", integer},
    {"float", real},
    {"lower", cased<false>},
    {"upper", cased<true>},
    {"string", string},
    {"mapping", mapping},
    {"number", number},
    {"sequence", sequence},
    {"iterable", iterable},
    {"callable", callable},
    {"sameas", same_as},
    {"escaped", escaped},
    {"in", in},
    {"==", equal_to},
    {"eq", equal_to},
    {"equalto", equal_to},
    {"!=", not_equal_to},
    {"ne", not_equal_to},
    {">", greater},
    {"gt", greater},
    {"greaterthan", greater},
    {"ge", greater_equal},
    {">=", greater_equal},
    {"<", less},
    {"lt", less},
    {"lessthan", less},
    {"<=", less_equal},
    {"le", less_equal},
};

}  // namespace

TestFunction find_test(std::string_view name) {
  const auto it = std::find_if(std::begin(kRows), std::end(kRows), [name](const Row& row) { return row.name == name; });
  return it == std::end(kRows) ? nullptr : it->function;
}

}  // namespace hearth::jinja
