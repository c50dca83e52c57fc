// Value: what a template's expressions are made of, with the meaning and the spelling that Python gives it.
// Lists, tuples and dicts never change once made (the sandbox forbids append, update, ...), so they are shared freely.
// Source: CPython 3.11 (str, repr, ==, <, hash) and jinja2 3.1.6 runtime.Undefined.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "base/json.h"
#include "base/result.h"

namespace hearth::jinja {

class Value;
class Object;
class Machine;
struct Arguments;
struct Dict;

struct Undefined {
  std::string message;  ///< what using it says: "'x' is undefined"
};
struct Text {
  std::string text;
  bool markup = false;  ///< Python's Markup: made by the filters safe and escape
};
// `depth` and `weight` (items and text below, shared ones counted each time) bound what walks over a value.
struct List {
  std::vector<Value> items;
  int depth = 1;
  int64_t weight = 1;
};
struct Tuple {
  std::vector<Value> items;
  int depth = 1;
  int64_t weight = 1;
};

using TextPtr = std::shared_ptr<const Text>;
using ListPtr = std::shared_ptr<const List>;
using TuplePtr = std::shared_ptr<const Tuple>;
using DictPtr = std::shared_ptr<const Dict>;
using ObjectPtr = std::shared_ptr<Object>;

class Value {
 public:
  using Variant = std::variant<std::monostate, std::shared_ptr<const Undefined>, bool, int64_t, double, TextPtr,
                               ListPtr, TuplePtr, DictPtr, ObjectPtr>;
  Value() = default;  ///< None
  explicit Value(bool b) : v_(b) {}
  explicit Value(int64_t i) : v_(i) {}
  explicit Value(double d) : v_(d) {}
  explicit Value(std::string text, bool markup = false)
      : v_(std::make_shared<const Text>(Text{std::move(text), markup})) {}
  explicit Value(ObjectPtr object) : v_(std::move(object)) {}
  explicit Value(DictPtr dict) : v_(std::move(dict)) {}
  static Value list(std::vector<Value> items);
  static Value tuple(std::vector<Value> items);
  static Value undefined(std::string message) {
    return Value(Variant(std::make_shared<const Undefined>(Undefined{std::move(message)})));
  }
  static Value from_json(const Json& json);

  bool is_none() const { return v_.index() == 0; }
  bool is_undefined() const { return v_.index() == 1; }
  bool is_bool() const { return v_.index() == 2; }
  /// int or bool, which is a kind of int in Python.
  bool is_integer() const { return v_.index() == 3 || v_.index() == 2; }
  bool is_double() const { return v_.index() == 4; }
  bool is_number() const { return is_integer() || is_double(); }
  bool is_string() const { return v_.index() == 5; }
  bool is_list() const { return v_.index() == 6; }
  bool is_tuple() const { return v_.index() == 7; }
  bool is_dict() const { return v_.index() == 8; }
  bool is_object() const { return v_.index() == 9; }
  bool is_markup() const { return is_string() && std::get<TextPtr>(v_)->markup; }

  int64_t integer() const { return is_bool() ? std::get<bool>(v_) : std::get<int64_t>(v_); }
  double real() const { return is_double() ? std::get<double>(v_) : static_cast<double>(integer()); }
  const std::string& text() const { return std::get<TextPtr>(v_)->text; }
  /// The items of a list or a tuple.
  const std::vector<Value>& items() const {
    return is_list() ? std::get<ListPtr>(v_)->items : std::get<TuplePtr>(v_)->items;
  }
  const Dict& dict() const { return *std::get<DictPtr>(v_); }
  const DictPtr& dict_pointer() const { return std::get<DictPtr>(v_); }
  Object& object() const { return *std::get<ObjectPtr>(v_); }
  const ObjectPtr& object_pointer() const { return std::get<ObjectPtr>(v_); }
  const std::string& undefined_message() const { return std::get<1>(v_)->message; }
  template <class T>
  T* as() const {
    return is_object() ? dynamic_cast<T*>(&object()) : nullptr;
  }

  /// type(x).__name__: "str", "int", "dict", ...
  std::string_view type_name() const;
  bool truth() const;
  int depth() const;
  int64_t weight() const;

 private:
  explicit Value(Variant v) : v_(std::move(v)) {}
  Variant v_;
};

/// An ordered dict; larger ones are indexed by key.
struct Dict {
  using Item = std::pair<Value, Value>;
  std::vector<Item> items;
  int depth = 1;
  int64_t weight = 1;
  std::vector<uint32_t> slots;  ///< open addressing: item number + 1, empty for small dicts

  const Value* find(const Value& key) const;
  const Value* find(std::string_view key) const;
  /// Replaces or adds. The key must be hashable().
  void set(Value key, Value value);
};

/// What has identity or behaviour: functions, macros, loops, namespaces, generators, ranges, dict views.
class Object {
 public:
  virtual ~Object() = default;
  virtual std::string_view type_name() const = 0;
  virtual std::string repr() const;
  virtual bool truth() const { return true; }
  virtual std::optional<int64_t> length() const { return std::nullopt; }
  virtual bool iterable() const { return false; }
  /// The next item of what it is iterated as, none at the end; `position` counts from 0 and is the caller's.
  virtual Result<std::optional<Value>> next(Machine&, int64_t /*position*/) { return std::optional<Value>(); }
  virtual bool indexable() const { return false; }
  virtual std::optional<Value> item(int64_t /*index*/) const { return std::nullopt; }
  virtual std::optional<Value> attribute(std::string_view) { return std::nullopt; }
  virtual bool callable() const { return false; }
  virtual Result<Value> call(Machine&, const Arguments&);
  virtual int depth() const { return 0; }
  virtual int64_t weight() const { return 1; }
};

/// The values that a call hands over.
struct Arguments {
  std::vector<Value> positional;
  std::vector<std::pair<std::string, Value>> named;
};

// ---- Python's meaning ----
bool equal(const Value& a, const Value& b);
/// -1, 0, 1; bad_input "'<' not supported between instances of 'str' and 'int'".
Result<int> compare(const Value& a, const Value& b, std::string_view op = "<");
bool hashable(const Value& v);
size_t hash(const Value& v);

// ---- Python's spelling ----
std::string str(const Value& v);
std::string repr(const Value& v);
std::string repr_text(std::string_view text);
std::string repr_double(double d);
/// The shortest digits that read back as d, and the exponent of d = 0.DIGITS * 10^exponent; d is finite and positive.
std::pair<std::string, int> shortest_digits(double d);

struct JsonStyle {
  bool ensure_ascii = false;
  bool sort_keys = false;
  std::optional<std::string> indent;  ///< one level's white space
  std::string item_separator = ", ";
  std::string key_separator = ": ";
};
/// json.dumps. bad_input: "Object of type Undefined is not JSON serializable".
Result<std::string> json_dumps(const Value& v, const JsonStyle& style, size_t max_bytes);

/// "dict object" as jinja2's object_type_repr says it in messages.
std::string type_repr(const Value& v);

// ---- text by code points ----
inline bool is_ascii(std::string_view text) {
  for (const char c : text)
    if (static_cast<signed char>(c) < 0) return false;
  return true;
}
/// str.isspace of one code point.
bool is_space(char32_t c);
std::string_view strip_left(std::string_view text);
std::string_view strip_right(std::string_view text);

inline Status error(std::string message) {
  return Status(Code::bad_input, std::move(message));
}

}  // namespace hearth::jinja
