// The parameters of a statement that is put together from parts: each value gets the next `$N`.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/text.h"
#include "store/db.h"

namespace hearth::hub {

class Parameters {
 public:
  /// "$1", "$2", ...: to be written where the value belongs.
  std::string add(store::Value value) {
    values_.push_back(std::move(value));
    return cat("$", values_.size());
  }
  /// " LIKE $1 ESCAPE '!'": true of texts in lower case that hold `text`, in any letter case; `%` and `_` stand for
  /// themselves.
  std::string contains(std::string_view text) {
    auto pattern = replace_all(to_lower_ascii(text), "!", "!!");
    pattern = replace_all(replace_all(pattern, "%", "!%"), "_", "!_");
    return cat(" LIKE ", add(cat("%", pattern, "%")), " ESCAPE '!'");
  }
  const std::vector<store::Value>& values() const { return values_; }

 private:
  std::vector<store::Value> values_;
};

}  // namespace hearth::hub
