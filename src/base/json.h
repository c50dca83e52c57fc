// JSON: a value (ordered objects, integers apart from floats), a parser on simdjson, and a streaming writer.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "base/result.h"
#include "base/text.h"

namespace hearth {

/// A JSON value. Objects keep the order of their keys; `at`, `[]` look one up by a linear scan, the last duplicate wins
/// as in Python. Integers outside int64 become doubles.
class Json {
 public:
  using Array = std::vector<Json>;
  using Member = std::pair<std::string, Json>;
  using Object = std::vector<Member>;

  Json() = default;
  Json(std::nullptr_t) {}        // NOLINT(google-explicit-constructor)
  Json(bool b) : value_(b) {}    // NOLINT(google-explicit-constructor)
  Json(double d) : value_(d) {}  // NOLINT(google-explicit-constructor)
  template <class N>
  requires(std::is_integral_v<N> && !std::is_same_v<N, bool>) Json(N n)  // NOLINT(google-explicit-constructor)
      : value_(static_cast<int64_t>(n)) {}
  Json(std::string s) : value_(std::move(s)) {}         // NOLINT(google-explicit-constructor)
  Json(std::string_view s) : value_(std::string(s)) {}  // NOLINT(google-explicit-constructor)
  Json(const char* s) : value_(std::string(s)) {}       // NOLINT(google-explicit-constructor)
  Json(Array a) : value_(std::move(a)) {}               // NOLINT(google-explicit-constructor)
  Json(Object o) : value_(std::move(o)) {}              // NOLINT(google-explicit-constructor)

  /// Parses a whole text: bad_input with the reason when it is not JSON, nests deeper than 1024 or has ill-formed
  /// UTF-8.
  static Result<Json> parse(std::string_view text);

  bool is_null() const { return std::holds_alternative<std::nullptr_t>(value_); }
  bool is_bool() const { return std::holds_alternative<bool>(value_); }
  bool is_int() const { return std::holds_alternative<int64_t>(value_); }
  bool is_double() const { return std::holds_alternative<double>(value_); }
  bool is_number() const { return is_int() || is_double(); }
  bool is_string() const { return std::holds_alternative<std::string>(value_); }
  bool is_array() const { return std::holds_alternative<Array>(value_); }
  bool is_object() const { return std::holds_alternative<Object>(value_); }

  /// The value as asked for, or `otherwise` when it has another type.
  bool as_bool(bool otherwise = false) const;
  int64_t as_int(int64_t otherwise = 0) const;
  double as_double(double otherwise = 0) const;
  /// A view of the string; empty for other types.
  std::string_view as_string(std::string_view otherwise = {}) const;
  /// The elements or members; empty for other types.
  const Array& array() const;
  const Object& object() const;
  Array& array();    ///< becomes an empty array when it is not one
  Object& object();  ///< becomes an empty object when it is not one

  /// The member, or null when this is no object or has none.
  const Json& operator[](std::string_view key) const;
  /// The member or nullptr: tells an absent key from a null one.
  const Json* find(std::string_view key) const;
  /// Replaces the member or adds it at the end.
  Json& set(std::string_view key, Json value);
  size_t size() const;

  /// Compact text; `indent` > 0 breaks lines as Python's json.dumps(indent=...).
  std::string dump(int indent = 0) const;

  friend bool operator==(const Json&, const Json&) = default;

 private:
  std::variant<std::nullptr_t, bool, int64_t, double, std::string, Array, Object> value_ = nullptr;
};

/// The members of the object that `text` is, in their order; the values are their own text, which only who needs one
/// parses. bad_input when it is no object; what stands inside a value is not looked at.
Result<std::vector<std::pair<std::string, std::string_view>>> json_members(std::string_view text);

/// Writes JSON front to back: `w.begin_object().field("id", 3).end()`. Calls nest as the JSON does.
class JsonWriter {
 public:
  JsonWriter& begin_object();
  JsonWriter& begin_array();
  JsonWriter& end();
  JsonWriter& key(std::string_view name);
  JsonWriter& null();
  JsonWriter& value(bool b);
  JsonWriter& value(std::string_view text);
  JsonWriter& value(const char* text) { return value(std::string_view(text)); }
  JsonWriter& value(const std::string& text) { return value(std::string_view(text)); }
  JsonWriter& value(double number);
  template <class N>
  requires(std::is_integral_v<N> && !std::is_same_v<N, bool>) JsonWriter& value(N number) {
    separate();
    detail::append(out_, number);
    return *this;
  }
  JsonWriter& value(const Json& json);
  /// Text that is JSON already.
  JsonWriter& raw(std::string_view json);
  template <class V>
  JsonWriter& field(std::string_view name, const V& v) {
    return key(name).value(v);
  }
  const std::string& text() const { return out_; }
  std::string take() { return std::move(out_); }

 private:
  void separate();
  std::string out_;
  std::vector<char> closers_;  // '}' or ']' of each open level
  bool first_ = true;          // nothing written at this level yet
  bool after_key_ = false;
};

/// Appends `text` as a JSON string with its quotes.
void append_json_string(std::string& out, std::string_view text);

}  // namespace hearth
