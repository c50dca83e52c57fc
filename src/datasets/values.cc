#include "datasets/values.h"

#include <arrow/api.h>
#include <arrow/extension_type.h>
#include <arrow/util/float16.h>
#include <arrow/visit_array_inline.h>

#include "base/encoding.h"
#include "base/text.h"

namespace hearth::datasets {
namespace {

Json list_json(const arrow::Array& values, int64_t begin, int64_t length) {
  Json::Array out;
  out.reserve(static_cast<size_t>(length));
  for (int64_t i = 0; i < length; ++i) out.push_back(value_json(values, begin + i));
  return out;
}

/// One overload a family of types; the rest print as Arrow prints them.
struct Visitor {
  int64_t row;
  Json out;

  template <class A>
  arrow::Status Visit(const A& array) {
    using Type = typename A::TypeClass;
    if constexpr (std::is_same_v<Type, arrow::NullType>) {
      out = nullptr;
    } else if constexpr (std::is_same_v<Type, arrow::BooleanType>) {
      out = array.Value(row);
    } else if constexpr (std::is_same_v<Type, arrow::HalfFloatType>) {
      out = static_cast<double>(arrow::util::Float16::FromBits(array.Value(row)).ToFloat());
    } else if constexpr (std::is_same_v<Type, arrow::UInt64Type>) {
      const auto value = array.Value(row);
      out = value > INT64_MAX ? Json(static_cast<double>(value)) : Json(value);
    } else if constexpr (arrow::is_integer_type<Type>::value) {
      out = array.Value(row);
    } else if constexpr (arrow::is_floating_type<Type>::value) {
      out = static_cast<double>(array.Value(row));
    } else if constexpr (arrow::is_string_type<Type>::value || arrow::is_string_view_type<Type>::value) {
      out = utf8_replace_errors(array.GetView(row));
    } else if constexpr (arrow::is_decimal_type<Type>::value) {
      out = array.FormatValue(row);
    } else if constexpr (arrow::is_base_binary_type<Type>::value || arrow::is_binary_view_type<Type>::value ||
                         arrow::is_fixed_size_binary_type<Type>::value) {
      out = to_base64(array.GetView(row));
    } else if constexpr (std::is_same_v<Type, arrow::MapType>) {
      Json::Array pairs;
      for (int64_t i = array.value_offset(row); i < array.value_offset(row) + array.value_length(row); ++i)
        pairs.push_back(Json::Array{value_json(*array.keys(), i), value_json(*array.items(), i)});
      out = std::move(pairs);
    } else if constexpr (arrow::is_list_like_type<Type>::value || arrow::is_list_view_type<Type>::value) {
      out = list_json(*array.values(), array.value_offset(row), array.value_length(row));
    } else if constexpr (std::is_same_v<Type, arrow::StructType>) {
      Json::Object object;
      for (int i = 0; i < array.num_fields(); ++i)
        object.emplace_back(utf8_replace_errors(array.struct_type()->field(i)->name()),
                            value_json(*array.field(i), row));
      out = std::move(object);
    } else if constexpr (std::is_same_v<Type, arrow::DictionaryType>) {
      out = value_json(*array.dictionary(), array.GetValueIndex(row));
    } else if constexpr (std::is_same_v<Type, arrow::ExtensionType>) {
      out = value_json(*array.storage(), row);
    } else {
      ARROW_ASSIGN_OR_RAISE(const auto scalar, array.GetScalar(row));
      out = utf8_replace_errors(scalar->ToString());
    }
    return arrow::Status::OK();
  }
};

}  // namespace

Json value_json(const arrow::Array& array, int64_t row) {
  if (array.IsNull(row)) return nullptr;
  Visitor visitor{row, {}};
  const auto status = arrow::VisitArrayInline(array, &visitor);
  return status.ok() ? std::move(visitor.out) : Json(cat("<", status.message(), ">"));
}

}  // namespace hearth::datasets
