// Which stretch of a text answers a question: from the scores of each token as a beginning and as an end to spans.
// Source: transformers 4.57.6 pipelines/question_answering.py (select_starts_ends, decode_spans, get_indices).
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "tokenizers/encoding.h"

namespace hearth {

struct AnswerSpan {
  size_t begin = 0, end = 0;  ///< its first and its last token
  float score = 0;
};

struct AnswerSpans {
  std::vector<AnswerSpan> spans;  ///< the likeliest first
  float null_score = 0;           ///< that there is no answer: beginning and end at the first token
};

/// `start`, `end`: a logit for each token. `may_answer`: tokens that an answer may consist of, and those that stand for
/// none. The `count` likeliest spans of at most `tokens_max` tokens; fewer where some begin or end outside.
AnswerSpans select_answers(std::span<const float> start, std::span<const float> end,
                           const std::vector<bool>& may_answer, int64_t count, int64_t tokens_max);

/// The characters of text `sequence` (0 or 1) from the first of token `begin` to the last of token `end`; widened to
/// whole words where the tokens have some and `is_by_word`.
TextSpan answer_characters(const Encoding& encoding, size_t begin, size_t end, int sequence, bool is_by_word);

}  // namespace hearth
