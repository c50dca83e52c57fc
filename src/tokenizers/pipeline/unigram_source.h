// What a unigram model is built from, whichever file it came in.
#pragma once

#include <memory>
#include <optional>
#include <span>
#include <string_view>

#include "tokenizers/pipeline/parts.h"
#include "tokenizers/pipeline/vocabulary.h"

namespace hearth::tokenizers {

struct UnigramPiece {
  std::string_view text;
  double score;
};

/// The ids are the places in `pieces`, among them `unk`, if there is one. Without it an unknown character is an error
/// when a text has one.
Built<Model> make_unigram(std::span<const UnigramPiece> pieces, std::optional<TokenId> unk, bool byte_fallback);

}  // namespace hearth::tokenizers
