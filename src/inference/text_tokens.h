// The tokens of a text with the characters that they stand for, as /tokenize tells them.
#pragma once

#include <string_view>
#include <vector>

#include "tokenizers/encoding.h"
#include "wire/text_generation.h"

namespace hearth::inference {

/// `encoding`: of `text`, with places in characters. What was put around the text stands for none of it.
std::vector<wire::TextToken> text_tokens(const Encoding& encoding, std::string_view text);

}  // namespace hearth::inference
