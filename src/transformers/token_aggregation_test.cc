// Expectations: what transformers 5.23.0 pipelines/token_classification.py says of the same scores, worked out by hand.
#include "transformers/token_aggregation.h"

#include <doctest/doctest.h>

#include "base/text.h"

namespace hearth {
namespace {

const AggregationTexts kTexts{.label =
                                  [](size_t id) {
                                    constexpr const char* kLabels[] = {"O", "B-PER", "I-PER", "I-LOC"};
                                    return std::string(kLabels[id]);
                                  },
                              .to_string = [](std::vector<std::string> tokens) { return join(tokens, "+"); }};

ScoredToken token(std::string word, std::vector<float> scores, TextSpan place, bool is_subword = false) {
  return {.word = std::move(word), .scores = std::move(scores), .place = place, .index = 1, .is_subword = is_subword};
}

/// "micro" is a place, more surely than "soft" is a person; "anna" begins another person.
std::vector<ScoredToken> tokens() {
  return {token("micro", {0.1F, 0, 0.3F, 0.6F}, {0, 5}), token("soft", {0.1F, 0, 0.8F, 0.1F}, {5, 9}, true),
          token("anna", {0, 0.9F, 0.1F, 0}, {10, 14})};
}

std::string shown(const std::vector<Entity>& entities) {
  std::vector<std::string> out;
  for (const auto& e : entities) out.push_back(cat(e.label, " ", e.word, " ", e.place->begin, ":", e.place->end));
  return join(out, ", ");
}

TEST_CASE("token aggregation: without a strategy each token has its label") {
  CHECK(shown(aggregate(tokens(), AggregationStrategy::none, kTexts)) ==
        "I-LOC micro 0:5, I-PER soft 5:9, B-PER anna 10:14");
}

TEST_CASE("token aggregation: simple may cut a word in two, B- begins a new name") {
  CHECK(shown(aggregate(tokens(), AggregationStrategy::simple, kTexts)) ==
        "LOC micro 0:5, PER soft 5:9, PER anna 10:14");
}

TEST_CASE("token aggregation: first, average and max label whole words") {
  CHECK(shown(aggregate(tokens(), AggregationStrategy::first, kTexts)) == "LOC micro+soft 0:9, PER anna 10:14");
  CHECK(shown(aggregate(tokens(), AggregationStrategy::average, kTexts)) == "PER micro+soft 0:9, PER anna 10:14");
  const auto surest = aggregate(tokens(), AggregationStrategy::max, kTexts);
  CHECK(shown(surest) == "PER micro+soft 0:9, PER anna 10:14");
  CHECK(surest[0].score == doctest::Approx(0.8));
}

TEST_CASE("token aggregation: I- goes on with a name, whose score is the mean") {
  auto both = tokens();
  std::swap(both[0], both[2]);
  const auto made = aggregate({both[0], both[1]}, AggregationStrategy::simple, kTexts);
  CHECK(shown(made) == "PER anna+soft 10:9");
  CHECK(made[0].score == doctest::Approx(0.85));
}

TEST_CASE("token aggregation: of overlapping entities the longest stays, of equal ones the surest") {
  const auto entity = [](std::string word, TextSpan place, float score) {
    return Entity{.label = "PER", .score = score, .word = std::move(word), .place = place};
  };
  const auto kept = without_overlaps({entity("c", {20, 22}, 0.5F), entity("a", {0, 4}, 0.9F),
                                      entity("ab", {2, 9}, 0.1F), entity("d", {20, 22}, 0.6F)});
  CHECK(shown(kept) == "PER ab 2:9, PER d 20:22");
  CHECK(without_overlaps({}).empty());
}

}  // namespace
}  // namespace hearth
