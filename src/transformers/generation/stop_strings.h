// Texts that end an answer and stay in it.
// Source: transformers 5.23.0 generation/stopping_criteria.py StopStringCriteria.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "tokenizers/tokenizer.h"

namespace hearth::generation {

/// Immutable.
class StopStrings {
 public:
  StopStrings(const Tokenizer& tokenizer, std::vector<std::string> stops);
  /// Whether `next` behind `ids` completes one; it may say more than that.
  bool end_with(std::span<const int32_t> ids, int32_t next) const;

 private:
  std::string_view text_of(int32_t id) const {
    return id >= 0 && static_cast<size_t>(id) < texts_.size() ? std::string_view(texts_[static_cast<size_t>(id)]) : "";
  }

  std::vector<std::string> texts_;  // of the tokens
  std::vector<std::string> stops_;
  size_t longest_ = 0;
};

}  // namespace hearth::generation
