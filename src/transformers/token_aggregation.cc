#include "transformers/token_aggregation.h"

#include <algorithm>
#include <span>
#include <string_view>

namespace hearth {
namespace {

size_t best(const std::vector<float>& scores) {
  return static_cast<size_t>(std::ranges::max_element(scores) - scores.begin());
}

std::optional<TextSpan> from_to(const std::optional<TextSpan>& first, const std::optional<TextSpan>& last) {
  if (!first || !last) return {};
  return TextSpan{first->begin, last->end};
}

Entity of_token(const ScoredToken& token, const AggregationTexts& texts) {
  const auto label = best(token.scores);
  return {.label = texts.label(label),
          .score = token.scores[label],
          .index = token.index,
          .word = token.word,
          .place = token.place};
}

Entity of_word(std::span<const ScoredToken> tokens, AggregationStrategy strategy, const AggregationTexts& texts) {
  std::vector<float> scores = tokens.front().scores;
  if (strategy == AggregationStrategy::max) {
    scores =
        std::ranges::max_element(tokens, {}, [](const ScoredToken& t) { return std::ranges::max(t.scores); })->scores;
  } else if (strategy == AggregationStrategy::average) {
    for (const auto& token : tokens.subspan(1))
      for (size_t i = 0; i < scores.size(); ++i) scores[i] += token.scores[i];
    for (auto& score : scores) score /= static_cast<float>(tokens.size());
  }
  const auto label = best(scores);
  std::vector<std::string> words;
  for (const auto& token : tokens) words.push_back(token.word);
  return {.label = texts.label(label),
          .score = scores[label],
          .word = texts.to_string(std::move(words)),
          .place = from_to(tokens.front().place, tokens.back().place)};
}

/// "B-PER" begins a name, "I-PER" and "PER" go on with one.
struct Tag {
  bool begins = false;
  std::string_view name;

  explicit Tag(std::string_view label) : begins(label.starts_with("B-")), name(label) {
    if (begins || label.starts_with("I-")) name = label.substr(2);
  }
};

Entity of_group(std::span<const Entity> entities, const AggregationTexts& texts) {
  const auto& label = entities.front().label;
  const auto dash = label.find('-');
  float sum = 0;
  std::vector<std::string> words;
  for (const auto& entity : entities) {
    sum += entity.score;
    words.push_back(entity.word);
  }
  return {.label = dash == std::string::npos ? label : label.substr(dash + 1),
          .score = sum / static_cast<float>(entities.size()),
          .word = texts.to_string(std::move(words)),
          .place = from_to(entities.front().place, entities.back().place)};
}

}  // namespace

std::vector<Entity> aggregate(const std::vector<ScoredToken>& tokens, AggregationStrategy strategy,
                              const AggregationTexts& texts) {
  std::vector<Entity> parts;
  const bool is_by_word = strategy != AggregationStrategy::none && strategy != AggregationStrategy::simple;
  for (size_t begin = 0, end = 0; begin < tokens.size(); begin = end) {
    end = begin + 1;
    while (is_by_word && end < tokens.size() && tokens[end].is_subword) ++end;
    parts.push_back(is_by_word ? of_word(std::span(tokens).subspan(begin, end - begin), strategy, texts)
                               : of_token(tokens[begin], texts));
  }
  if (strategy == AggregationStrategy::none) return parts;
  std::vector<Entity> out;
  for (size_t begin = 0, end = 0; begin < parts.size(); begin = end) {
    const auto goes_on = [&](const Entity& next) {
      const Tag tag(next.label);
      return !tag.begins && tag.name == Tag(parts[end - 1].label).name;
    };
    for (end = begin + 1; end < parts.size() && goes_on(parts[end]);) ++end;
    out.push_back(of_group(std::span(parts).subspan(begin, end - begin), texts));
  }
  return out;
}

std::vector<Entity> without_overlaps(std::vector<Entity> entities) {
  if (entities.empty()) return entities;
  std::ranges::stable_sort(entities, {}, [](const Entity& e) { return e.place->begin; });
  std::vector<Entity> out;
  auto kept = entities.front();
  for (const auto& entity : entities) {
    const auto &a = *kept.place, &b = *entity.place;
    if (a.begin <= b.begin && b.begin < a.end) {
      const auto before = a.end - a.begin, now = b.end - b.begin;
      if (now > before || (now == before && entity.score > kept.score)) kept = entity;
    } else {
      out.push_back(kept);
      kept = entity;
    }
  }
  out.push_back(std::move(kept));
  return out;
}

}  // namespace hearth
