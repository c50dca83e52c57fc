#include "transformers/answer_spans.h"

#include <algorithm>

#include "transformers/pipeline_parts.h"

namespace hearth {
namespace {

std::vector<float> probabilities(std::span<const float> logits, const std::vector<bool>& may_answer) {
  std::vector<float> out(logits.begin(), logits.end());
  for (size_t i = 0; i < out.size(); ++i)
    if (!may_answer[i]) out[i] = -10000;
  softmax_in_place(out);
  return out;
}

/// The characters that a word of a text takes; nothing for one that is not among these tokens.
/// Source: tokenizers 0.23 tokenizer/encoding.rs word_to_chars.
std::optional<TextSpan> word_characters(const Encoding& encoding, int32_t word, int sequence) {
  std::optional<TextSpan> out;
  if (word < 0) return out;
  for (size_t i = 0; i < encoding.size(); ++i) {
    if (encoding.word_ids[i] != word || encoding.sequence_of(i) != sequence) continue;
    if (!out) out = encoding.offsets[i];
    out->end = encoding.offsets[i].end;
  }
  return out;
}

}  // namespace

AnswerSpans select_answers(std::span<const float> start, std::span<const float> end,
                           const std::vector<bool>& may_answer, int64_t count, int64_t tokens_max) {
  auto starts = probabilities(start, may_answer), ends = probabilities(end, may_answer);
  AnswerSpans out{.spans = {}, .null_score = starts[0] * ends[0]};
  starts[0] = ends[0] = 0;
  std::vector<AnswerSpan> all;
  const auto longest = static_cast<size_t>(std::min<int64_t>(tokens_max, static_cast<int64_t>(starts.size())));
  for (size_t begin = 0; begin < starts.size(); ++begin)
    for (size_t last = begin; last < std::min(begin + longest, ends.size()); ++last)
      all.push_back({.begin = begin, .end = last, .score = starts[begin] * ends[last]});
  const auto kept = std::min(count, static_cast<int64_t>(all.size()));
  std::ranges::partial_sort(all, all.begin() + kept, [](const AnswerSpan& a, const AnswerSpan& b) {
    if (a.score != b.score) return a.score > b.score;
    return a.begin != b.begin ? a.begin < b.begin : a.end < b.end;
  });
  all.resize(static_cast<size_t>(kept));
  // The first token passes whatever it is, as in the original.
  const auto passes = [&](size_t token) { return token == 0 || may_answer[token]; };
  for (const auto& one : all)
    if (passes(one.begin) && passes(one.end)) out.spans.push_back(one);
  return out;
}

TextSpan answer_characters(const Encoding& encoding, size_t begin, size_t end, int sequence, bool is_by_word) {
  if (is_by_word) {
    const auto first = word_characters(encoding, encoding.word_ids[begin], sequence);
    const auto last = word_characters(encoding, encoding.word_ids[end], sequence);
    if (first && last) return {first->begin, last->end};
  }
  return {encoding.offsets[begin].begin, encoding.offsets[end].end};
}

}  // namespace hearth
