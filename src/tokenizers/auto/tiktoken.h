// A tiktoken file: a token a line, in base64, and its rank.
// Source: tiktoken 0.14 load.py (load_tiktoken_bpe).
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/json.h"
#include "base/result.h"

namespace hearth::tokenizers {

/// The tokens' bytes and ranks, in the order of the file. bad_input names the line.
Result<std::vector<std::pair<std::string, int64_t>>> read_tiktoken(std::string_view text);

/// BPE as a tokenizer.json has it: the tokens in the byte alphabet, every way to merge two into a third.
Json tiktoken_model(const std::vector<std::pair<std::string, int64_t>>& ranks);

}  // namespace hearth::tokenizers
