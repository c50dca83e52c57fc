#include "tokenizers/pipeline/config.h"

namespace hearth::tokenizers {

Status ConfigView::bad(std::string_view message) const {
  return Status(Code::bad_input, place_.empty() ? std::string(message) : cat(place_, ": ", message));
}

Result<std::vector<ConfigView>> ConfigView::elements() const {
  if (!json_->is_array()) return bad("must be an array");
  std::vector<ConfigView> out;
  out.reserve(json_->size());
  for (const auto& element : json_->array()) out.emplace_back(element, cat(place_, "[", out.size(), "]"));
  return out;
}

Result<std::string> ConfigView::as_string() const {
  if (!json_->is_string()) return bad("must be a string");
  return std::string(json_->as_string());
}

Result<std::string> ConfigView::string(std::string_view key, std::string_view otherwise) const {
  if (!has(key)) return std::string(otherwise);
  return string(key);
}

Result<bool> ConfigView::boolean(std::string_view key, bool otherwise) const {
  if (!has(key)) return otherwise;
  const auto field = (*this)[key];
  if (!field.json().is_bool()) return field.bad("must be true or false");
  return field.json().as_bool();
}

Result<int64_t> ConfigView::integer(std::string_view key, int64_t low, int64_t high) const {
  const auto field = (*this)[key];
  if (!field.json().is_int()) return field.bad("must be a whole number");
  const auto value = field.json().as_int();
  if (value < low || value > high) return field.bad(cat(value, " is outside ", low, " to ", high));
  return value;
}

}  // namespace hearth::tokenizers
