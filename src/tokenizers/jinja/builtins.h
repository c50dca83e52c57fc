// The named things of the language: filters, tests, globals and the methods of Python's types.
#pragma once

#include <initializer_list>
#include <string_view>

#include "tokenizers/jinja/machine.h"

namespace hearth::jinja {

using FilterFunction = Result<Value> (*)(Machine&, const Value&, const Arguments&);
using TestFunction = Result<bool> (*)(Machine&, const Value&, const Arguments&);
using Function = Result<Value> (*)(Machine&, const Arguments&);
using MethodFunction = Result<Value> (*)(Machine&, const Value& self, const Arguments&);

/// nullptr when there is none of that name.
FilterFunction find_filter(std::string_view name);
TestFunction find_test(std::string_view name);
Function find_global(std::string_view name);
/// The method of the value's type.
MethodFunction find_method(const Value& self, std::string_view name);
/// A method that Python's type has and the sandbox forbids because it changes the object: list.append, dict.update.
bool is_mutating_method(const Value& self, std::string_view name);

Result<Value> raise_exception(Machine&, const Arguments& arguments);

/// The arguments by parameter: null where none was given. `required` of them must be.
class Bound {
 public:
  static Result<Bound> bind(std::string_view function, const Arguments& arguments,
                            std::initializer_list<std::string_view> names, size_t required = 0);
  const Value* operator[](size_t index) const { return values_[index]; }
  bool truth(size_t index, bool otherwise) const {
    return values_[index] == nullptr ? otherwise : values_[index]->truth();
  }
  /// bad_input when the value is no int.
  Result<int64_t> integer(size_t index, int64_t otherwise) const;

 private:
  std::vector<const Value*> values_;
};

/// template % arguments, as Python formats. Source: CPython unicodeobject.c PyUnicode_Format.
Result<Value> format_percent(Machine& machine, const std::string& pattern, const Value& arguments, bool markup);
/// pattern.format(...): fields by position, name, attribute and item; format specifications of str, int and float.
Result<Value> format_braces(Machine& machine, const std::string& pattern, const Arguments& arguments);
/// `value` as the specification of a str.format field asks for.
Result<std::string> format_value(const Value& value, std::string_view specification);
/// round(d, digits) of Python: halves by their exact binary value, to even.
double round_decimal(double d, int64_t digits);
/// int(text, base) and float(text) of Python: white space around, underscores between digits.
std::optional<int64_t> int_of_text(std::string_view text, int base);
std::optional<double> float_of_text(std::string_view text);

std::string escape_markup(std::string_view text);
/// The lines of str.splitlines().
std::vector<std::string_view> split_lines(std::string_view text);

}  // namespace hearth::jinja
