// Config: one object of a tokenizer.json and its place in the file, so that every complaint says where.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"
#include "base/result.h"
#include "base/text.h"

namespace hearth::tokenizers {

/// A view: the owner of the Json is who parsed the file.
class ConfigView {
 public:
  ConfigView(const Json& json, std::string place) : json_(&json), place_(std::move(place)) {}

  const Json& json() const { return *json_; }
  const std::string& place() const { return place_; }
  bool has(std::string_view key) const { return !(*json_)[key].is_null(); }
  ConfigView operator[](std::string_view key) const {
    return {(*json_)[key], place_.empty() ? std::string(key) : cat(place_, ".", key)};
  }
  /// The elements of an array, each with its place; bad_input when this is none.
  Result<std::vector<ConfigView>> elements() const;
  /// bad_input: "pre_tokenizer.pretokenizers[1]: message".
  Status bad(std::string_view message) const;

  Result<std::string> as_string() const;
  Result<std::string> string(std::string_view key) const { return (*this)[key].as_string(); }
  /// `otherwise` when the key is absent or null; bad_input when it has another type.
  Result<std::string> string(std::string_view key, std::string_view otherwise) const;
  Result<bool> boolean(std::string_view key, bool otherwise) const;
  Result<int64_t> integer(std::string_view key, int64_t low, int64_t high) const;

 private:
  const Json* json_;
  std::string place_;
};

}  // namespace hearth::tokenizers
