// The merges of a BPE vocabulary that comes without them: every way to make a token of two others.
// Source: transformers 5.23.0 convert_slow_tokenizer.py and tokenization_utils_base.py (generate_merges).
#pragma once

#include <span>
#include <string_view>
#include <utility>
#include <vector>

namespace hearth::tokenizers {

/// By falling score of the token that is made, as SentencePiece merges. The views are of `tokens`; of equal texts the
/// last counts.
std::vector<std::pair<std::string_view, std::string_view>> merges_of_scores(std::span<const std::string_view> tokens,
                                                                            std::span<const float> scores);

/// By rising id (their place in `tokens`), as transformers 5 makes them from a SentencePiece file.
std::vector<std::pair<std::string_view, std::string_view>> merges_of_ids(std::span<const std::string_view> tokens,
                                                                         std::span<const std::string_view> skip);

/// As merges_of_ids for texts cut anywhere, not only between characters: the ranks of a tiktoken file.
std::vector<std::pair<std::string_view, std::string_view>> merges_of_ranks(
    std::span<const std::pair<std::string_view, int64_t>> tokens);

}  // namespace hearth::tokenizers
