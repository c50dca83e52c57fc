// WordTokens: what a model makes of one word.
#pragma once

#include <cstdint>
#include <vector>

#include "tokenizers/tokenizer.h"

namespace hearth::tokenizers {

struct WordTokens {
  std::vector<TokenId> ids;
  std::vector<uint32_t> sizes;  ///< bytes of the word behind each; 0: those of the token before it

  void clear() {
    ids.clear();
    sizes.clear();
  }
};

}  // namespace hearth::tokenizers
