#include "safetensors/metadata.h"

#include <cmath>

#include "base/text.h"
#include "safetensors/value_types.h"

namespace hearth {
namespace {

template <class T>
T read(std::string_view bytes, size_t at = 0) {
  T out;
  std::memcpy(&out, bytes.data() + at, sizeof out);
  return out;
}

Json scalar_json(ValueType type, std::string_view bytes) {
  switch (type) {
    case ValueType::u8:
      return read<uint8_t>(bytes);
    case ValueType::i8:
      return read<int8_t>(bytes);
    case ValueType::u16:
      return read<uint16_t>(bytes);
    case ValueType::i16:
      return read<int16_t>(bytes);
    case ValueType::u32:
      return read<uint32_t>(bytes);
    case ValueType::i32:
      return read<int32_t>(bytes);
    case ValueType::i64:
      return read<int64_t>(bytes);
    case ValueType::u64: {
      const auto value = read<uint64_t>(bytes);
      return value > INT64_MAX ? Json(static_cast<double>(value)) : Json(value);
    }
    case ValueType::f32:
      return static_cast<double>(read<float>(bytes));
    case ValueType::f64:
      return read<double>(bytes);
    case ValueType::boolean:
      return read<uint8_t>(bytes) != 0;
    case ValueType::string:
      return utf8_replace_errors(bytes);
    case ValueType::array:
      break;
  }
  return nullptr;
}

/// The elements of an array as JSON; `at` moves past all of them, also those beyond `elements_max`.
Json array_json(ValueType element, uint64_t size, std::string_view bytes, size_t& at, uint64_t elements_max) {
  Json::Array out;
  out.reserve(std::min(size, elements_max));
  for (uint64_t i = 0; i < size; ++i) {
    Json item;
    if (element == ValueType::array) {
      const auto inner = static_cast<ValueType>(read<uint32_t>(bytes, at));
      const auto inner_size = read<uint64_t>(bytes, at + 4);
      at += 12;
      item = array_json(inner, inner_size, bytes, at, i < elements_max ? elements_max : 0);
    } else {
      const bool is_string = element == ValueType::string;
      const auto length = is_string ? read<uint64_t>(bytes, at) : value_size_bytes(element);
      if (is_string) at += 8;
      if (i < elements_max) item = scalar_json(element, bytes.substr(at, length));
      at += length;
    }
    if (i < elements_max) out.push_back(std::move(item));
  }
  return out;
}

}  // namespace

std::string_view name(ValueType type) {
  constexpr std::string_view names[] = {"UINT8", "INT8",   "UINT16", "INT16",  "UINT32", "INT32",  "FLOAT32",
                                        "BOOL",  "STRING", "ARRAY",  "UINT64", "INT64",  "FLOAT64"};
  return names[static_cast<size_t>(type)];
}

size_t value_size_bytes(ValueType type) {
  constexpr size_t sizes[] = {1, 1, 2, 2, 4, 4, 4, 1, 0, 0, 8, 8, 8};
  return sizes[static_cast<size_t>(type)];
}

std::optional<int64_t> MetadataValueView::integer() const {
  if (is_string() || is_array() || type_ == ValueType::boolean) return std::nullopt;
  const auto value = scalar_json(type_, bytes_);
  if (value.is_int()) return value.as_int();
  const double d = value.as_double();
  if (std::abs(d) < 9.2e18 && std::trunc(d) == d) return static_cast<int64_t>(d);
  return std::nullopt;
}

std::optional<double> MetadataValueView::number() const {
  if (is_string() || is_array() || type_ == ValueType::boolean) return std::nullopt;
  return scalar_json(type_, bytes_).as_double();
}

std::optional<bool> MetadataValueView::boolean() const {
  if (type_ != ValueType::boolean) return std::nullopt;
  return read<uint8_t>(bytes_) != 0;
}

StringArrayView MetadataValueView::strings() const {
  if (!is_array() || element_ != ValueType::string) return {};
  return {bytes_.data(), size_};
}

Json MetadataValueView::json(uint64_t elements_max) const {
  size_t at = 0;
  return is_array() ? array_json(element_, size_, bytes_, at, elements_max) : scalar_json(type_, bytes_);
}

}  // namespace hearth
