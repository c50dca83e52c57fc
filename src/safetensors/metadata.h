// What a weight file says about itself beside its tensors: safetensors' strings, GGUF's typed values.
// Source: the GGUF specification (ggml docs/gguf.md), gguf 0.19.0 constants.py (GGUFValueType).
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <iterator>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

#include "base/json.h"

namespace hearth {

/// GGUF's value types, by their numbers in the file. Safetensors has `string` alone.
enum class ValueType : uint32_t { u8, i8, u16, i16, u32, i32, f32, boolean, string, array, u64, i64, f64 };

/// "UINT8", "STRING": GGUF's own names.
std::string_view name(ValueType type);

/// The strings of an array, front to back, each a view into the file: a vocabulary of 150,000 costs no allocation.
/// Strings are the file's bytes, which may be ill-formed UTF-8. Owner: the WeightFile.
class StringArrayView {
 public:
  class Iterator {
   public:
    using value_type = std::string_view;
    using difference_type = std::ptrdiff_t;
    using iterator_category = std::forward_iterator_tag;

    Iterator() = default;
    Iterator(const char* at, uint64_t left) : at_(at), left_(left) {}
    std::string_view operator*() const { return {at_ + 8, length()}; }
    Iterator& operator++() {
      at_ += 8 + length();
      --left_;
      return *this;
    }
    Iterator operator++(int) {
      auto before = *this;
      ++*this;
      return before;
    }
    friend bool operator==(const Iterator& a, const Iterator& b) { return a.left_ == b.left_; }

   private:
    uint64_t length() const {
      uint64_t out;
      std::memcpy(&out, at_, sizeof out);
      return out;
    }
    const char* at_ = nullptr;
    uint64_t left_ = 0;
  };

  StringArrayView() = default;
  StringArrayView(const char* at, uint64_t size) : at_(at), size_(size) {}
  Iterator begin() const { return {at_, size_}; }
  Iterator end() const { return {nullptr, 0}; }
  uint64_t size() const { return size_; }

 private:
  const char* at_ = nullptr;
  uint64_t size_ = 0;
};

/// One value, a view into the file, checked when the file was opened. Arrays are read only when asked for.
/// Owner: the WeightFile.
class MetadataValueView {
 public:
  /// `bytes`: a string's characters, a number's bytes, an array's elements without its type and count.
  MetadataValueView(ValueType type, std::string_view bytes) : type_(type), bytes_(bytes) {}
  MetadataValueView(ValueType element, uint64_t size, std::string_view bytes)
      : type_(ValueType::array), element_(element), size_(size), bytes_(bytes) {}

  ValueType type() const { return type_; }
  bool is_string() const { return type_ == ValueType::string; }
  bool is_array() const { return type_ == ValueType::array; }
  /// The characters of a string (maybe ill-formed UTF-8); empty for other types.
  std::string_view string() const { return is_string() ? bytes_ : std::string_view(); }
  /// The value of any integer type, or of a float that is whole; nothing for other types and above int64.
  std::optional<int64_t> integer() const;
  /// The value of any number type.
  std::optional<double> number() const;
  std::optional<bool> boolean() const;

  /// The type of an array's elements; its own type for other values.
  ValueType element_type() const { return is_array() ? element_ : type_; }
  /// The number of an array's elements, 0 for other types.
  uint64_t size() const { return size_; }
  /// The strings of an array of strings; empty for other types.
  StringArrayView strings() const;
  /// The elements of an array of numbers or booleans, converted; empty for other types.
  template <class T>
  requires std::is_arithmetic_v<T> std::vector<T> numbers()
  const;

  /// The value as JSON; of each array at most `elements_max` elements. Ill-formed UTF-8 becomes U+FFFD. uint64 above
  /// int64 becomes a double, as in Json.
  Json json(uint64_t elements_max = UINT64_MAX) const;

 private:
  ValueType type_;
  ValueType element_ = ValueType::u8;
  uint64_t size_ = 0;
  std::string_view bytes_;
};

struct MetadataEntry {
  std::string key;
  MetadataValueView value;
};

namespace detail {
template <class Stored, class T>
void append_numbers(std::vector<T>& out, std::string_view bytes, uint64_t size) {
  out.reserve(size);
  for (uint64_t i = 0; i < size; ++i) {
    Stored stored;
    std::memcpy(&stored, bytes.data() + i * sizeof stored, sizeof stored);
    out.push_back(static_cast<T>(stored));
  }
}
}  // namespace detail

template <class T>
requires std::is_arithmetic_v<T> std::vector<T> MetadataValueView::numbers()
const {
  std::vector<T> out;
  if (!is_array()) return out;
  switch (element_) {
    case ValueType::boolean:
    case ValueType::u8:
      detail::append_numbers<uint8_t>(out, bytes_, size_);
      break;
    case ValueType::i8:
      detail::append_numbers<int8_t>(out, bytes_, size_);
      break;
    case ValueType::u16:
      detail::append_numbers<uint16_t>(out, bytes_, size_);
      break;
    case ValueType::i16:
      detail::append_numbers<int16_t>(out, bytes_, size_);
      break;
    case ValueType::u32:
      detail::append_numbers<uint32_t>(out, bytes_, size_);
      break;
    case ValueType::i32:
      detail::append_numbers<int32_t>(out, bytes_, size_);
      break;
    case ValueType::u64:
      detail::append_numbers<uint64_t>(out, bytes_, size_);
      break;
    case ValueType::i64:
      detail::append_numbers<int64_t>(out, bytes_, size_);
      break;
    case ValueType::f32:
      detail::append_numbers<float>(out, bytes_, size_);
      break;
    case ValueType::f64:
      detail::append_numbers<double>(out, bytes_, size_);
      break;
    case ValueType::string:
    case ValueType::array:
      break;
  }
  return out;
}

}  // namespace hearth
