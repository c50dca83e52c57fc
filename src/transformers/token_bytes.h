// The text of every token of a vocabulary, as the bytes that it adds to an answer.
#pragma once

#include <string>
#include <vector>

#include "tokenizers/tokenizer.h"

namespace hearth {

/// By id; empty for special tokens and for those that add nothing. Where the decoder has no bytes of its own for a
/// token, what it adds behind a word: SentencePiece's beginnings of words bring their space.
std::vector<std::string> token_bytes(const Tokenizer& tokenizer);

}  // namespace hearth
