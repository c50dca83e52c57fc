// From a label for each token to entities: words that agree with themselves, neighbours that are one name.
// Source: transformers 5.23.0 pipelines/token_classification.py.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "tokenizers/encoding.h"

namespace hearth {

/// none: a label for each token. simple: neighbours of one label are an entity. first, average, max: the tokens of a
/// word first get the label of its first token, of their mean, or of the surest one.
enum class AggregationStrategy : uint8_t { none, simple, first, average, max };

/// A token with the probability of each label.
struct ScoredToken {
  std::string word;  ///< as the vocabulary spells it
  std::vector<float> scores;
  std::optional<TextSpan> place;  ///< characters of the text
  int64_t index = 0;              ///< in the model's input
  bool is_subword = false;        ///< continues the word before it
};

struct Entity {
  std::string label;  ///< of a group: without "B-" or "I-"
  float score = 0;
  int64_t index = 0;  ///< of a token; groups have none
  std::string word;
  std::optional<TextSpan> place;
};

struct AggregationTexts {
  std::function<std::string(size_t id)> label;
  std::function<std::string(std::vector<std::string> tokens)> to_string;  ///< convert_tokens_to_string
};

std::vector<Entity> aggregate(const std::vector<ScoredToken>& tokens, AggregationStrategy strategy,
                              const AggregationTexts& texts);
/// Of entities that overlap, because their text was read in pieces that share tokens: the longest, of equal ones the
/// surest. All have places.
std::vector<Entity> without_overlaps(std::vector<Entity> entities);

}  // namespace hearth
