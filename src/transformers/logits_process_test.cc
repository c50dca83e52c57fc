// Each processor alone, against its formula worked out by hand. Their order and effect on whole texts are compared with
// transformers in tests/oracle/test_generation.py.
#include "transformers/logits_process.h"

#include <doctest/doctest.h>

#include <cmath>
#include <limits>

using namespace hearth;

namespace {

constexpr float kNever = -std::numeric_limits<float>::infinity();

std::vector<float> processed(const GenerationConfig& config, std::vector<int32_t> ids, std::vector<float> scores,
                             PromptFacts facts = {}) {
  const auto processors = LogitsProcessors::from(config, std::move(facts), static_cast<int64_t>(scores.size()));
  REQUIRE_MESSAGE(processors.ok(), processors.status().message());
  (*processors)(ids, 0, scores);
  return scores;
}

using Scores = std::vector<float>;

}  // namespace

TEST_CASE("processors: penalties of what was said") {
  CHECK(processed({.repetition_penalty = 2}, {0, 2, 2}, {4, 4, -1}) == Scores{2, 4, -2});
  // Padding on the left was not said.
  CHECK(processed({.repetition_penalty = 2}, {0, 2}, {4, 4, -1}, {.padding = {1}}) == Scores{4, 4, -2});
  CHECK(processed({.encoder_repetition_penalty = 2}, {}, {4, 4, -1}, {.encoder_ids = {{0, 2}}}) == Scores{8, 4, -0.5f});
  // Of what was made, not of the prompt.
  CHECK(processed({.frequency_penalty = 0.5, .presence_penalty = 1}, {2, 0, 1, 1}, {4, 4, 4}, {.length = 1}) ==
        Scores{2.5f, 2, 4});
}

TEST_CASE("processors: n-grams and words that must not come") {
  CHECK(processed({.no_repeat_ngram_size = 2}, {0, 1, 2, 0}, {1, 1, 1}) == Scores{1, kNever, 1});
  CHECK(processed({.no_repeat_ngram_size = 3}, {0, 1, 2, 0, 1}, {1, 1, 1}) == Scores{1, 1, kNever});
  CHECK(processed({.no_repeat_ngram_size = 1}, {0, 1}, {1, 1, 1}) == Scores{kNever, kNever, 1});
  CHECK(processed({.no_repeat_ngram_size = 9}, {0, 1}, {1, 1, 1}) == Scores{1, 1, 1});
  CHECK(processed({.encoder_no_repeat_ngram_size = 2}, {1}, {1, 1, 1}, {.encoder_ids = {{0, 1, 2}}}) ==
        Scores{1, 1, kNever});
  // The end alone cannot be a bad word.
  CHECK(processed({.bad_words_ids = {{0}, {1, 2}, {2, 1}}, .eos_token_id = {0}}, {1}, {1, 1, 1}) ==
        Scores{1, 1, kNever});
  CHECK(processed({.sequence_bias = {{{0}, 2.0f}, {{1, 2}, -3.0f}, {{0, 2}, 5.0f}}}, {1}, {1, 1, 1}) ==
        Scores{3, 1, -2});
  CHECK(processed({.suppress_tokens = {1}, .begin_suppress_tokens = {2}}, {0}, {1, 1, 1}, {.length = 1}) ==
        Scores{1, kNever, kNever});
  CHECK(processed({.suppress_tokens = {1}, .begin_suppress_tokens = {2}}, {0, 0}, {1, 1, 1}, {.length = 1}) ==
        Scores{1, kNever, 1});
}

TEST_CASE("processors: when a text may and must end") {
  CHECK(processed({.min_length = 3, .eos_token_id = {0}}, {1, 1}, {1, 1}) == Scores{kNever, 1});
  CHECK(processed({.min_length = 2, .eos_token_id = {0}}, {1, 1}, {1, 1}) == Scores{1, 1});
  CHECK(processed({.min_new_tokens = 1, .eos_token_id = {0}}, {1, 1}, {1, 1}, {.length = 2}) == Scores{kNever, 1});
  CHECK(processed({.forced_bos_token_id = 1}, {0}, {3, 4}) == Scores{kNever, 0});
  CHECK(processed({.forced_eos_token_id = {0}}, {1, 1}, {3, 4}, {.total_length = 3}) == Scores{0, kNever});
  CHECK(processed({.forced_eos_token_id = {0}}, {1, 1}, {3, 4}, {.total_length = 4}) == Scores{3, 4});
  // |score| * (1.5^2 - 1) is added at the second token after the start.
  const GenerationConfig decay{.exponential_decay_length_penalty = {{1, 1.5}}, .eos_token_id = {0}};
  CHECK(processed(decay, {1, 1, 1}, {-4, 1}, {.length = 0}) == Scores{1, 1});
  CHECK(processed(decay, {1}, {-4, 1}, {.length = 0}) == Scores{-4, 1});
}

TEST_CASE("processors: values that are no numbers, and normalized ones") {
  CHECK(processed({.remove_invalid_values = true}, {}, {std::nanf(""), INFINITY, kNever, 1}) ==
        Scores{0, std::numeric_limits<float>::max(), std::numeric_limits<float>::lowest(), 1});
  const auto logs = processed({.renormalize_logits = true}, {}, {std::log(1.0f), std::log(3.0f)});
  CHECK(logs[0] == doctest::Approx(std::log(0.25)));
  CHECK(logs[1] == doctest::Approx(std::log(0.75)));
}

TEST_CASE("warpers: what sampling leaves out") {
  const Scores half{std::log(0.5f), std::log(0.25f), std::log(0.125f), std::log(0.0625f), std::log(0.0625f)};
  const auto left = [&](GenerationConfig config) {
    config.do_sample = true;
    std::vector<int> out;
    const auto scores = processed(config, {}, half);
    for (size_t i = 0; i < scores.size(); ++i)
      if (scores[i] > kNever) out.push_back(static_cast<int>(i));
    return out;
  };
  using Ids = std::vector<int>;
  CHECK(left({.top_k = 0}) == Ids{0, 1, 2, 3, 4});
  CHECK(left({.top_k = 2}) == Ids{0, 1});
  CHECK(left({.top_k = 4}) == Ids{0, 1, 2, 3, 4});  // the fourth and the fifth are equal
  CHECK(left({.top_k = 0, .top_p = 0.7}) == Ids{0, 1});
  CHECK(left({.top_k = 0, .min_p = 0.3}) == Ids{0, 1});
  CHECK(left({.top_k = 0, .epsilon_cutoff = 0.2}) == Ids{0, 1});
  CHECK(left({.top_k = 0, .epsilon_cutoff = 0.9}) == Ids{0});  // the best always stays
  // Entropy 1.3 nats: sqrt(0.5) * exp(-1.3) = 0.193 is the limit.
  CHECK(left({.top_k = 0, .eta_cutoff = 0.5}) == Ids{0, 1});
  // Surprises 0.69, 1.39, 2.08, 2.77: the second is nearest to 1.3 nats, then the first.
  CHECK(left({.top_k = 0, .typical_p = 0.2}) == Ids{1});
  CHECK(left({.top_k = 0, .typical_p = 0.5}) == Ids{0, 1});
  // Half of the entropy: the first two give 0.69 nats of 1.3.
  CHECK(left({.top_h = 0.54, .top_k = 0}) == Ids{0, 1});
  CHECK(left({.top_h = 0.1, .top_k = 0}) == Ids{0});
  const auto cooled = processed({.do_sample = true, .temperature = 0.5, .top_k = 0}, {}, {1, -2});
  CHECK(cooled == Scores{2, -4});
}

TEST_CASE("processors: a beam search keeps more than its ends possible") {
  const auto scores = processed({.do_sample = true, .num_beams = 2, .top_k = 1, .eos_token_id = {0}}, {}, {3, 2, 1});
  CHECK(scores == Scores{3, 2, kNever});
}

TEST_CASE("processors: only what the caller allows") {
  auto processors = LogitsProcessors::from({}, {}, 3);
  REQUIRE(processors.ok());
  processors->allow_only([](size_t row, std::span<const int32_t> ids) {
    CHECK(row == 4);
    return std::vector<int32_t>{ids.back(), 99};
  });
  Scores scores{1, 1, 1};
  (*processors)(std::vector<int32_t>{0, 2}, 4, scores);
  CHECK(scores == Scores{kNever, kNever, 1});
}

TEST_CASE("processors: tokens outside the vocabulary and values outside their ranges are told by name") {
  const auto fault = [](const GenerationConfig& config) {
    const auto made = LogitsProcessors::from(config, {}, 10);
    return made.ok() ? std::string() : std::string(made.status().message());
  };
  CHECK(fault({.suppress_tokens = {10}}).find("suppress_tokens has token 10") != std::string::npos);
  CHECK(fault({.bad_words_ids = {{3, 11}}}).find("bad_words_ids has token 11") != std::string::npos);
  CHECK(fault({.forced_bos_token_id = 12}).find("forced_bos_token_id has token 12") != std::string::npos);
  const auto refused = [](const char* json) {
    const auto status = GenerationConfig().update(*Json::parse(json));
    return status.ok() ? std::string() : std::string(status.message());
  };
  CHECK(refused(R"({"num_beams": 0})").find("num_beams is 0") != std::string::npos);
  CHECK(refused(R"({"num_return_sequences": 2})").find("num_return_sequences is 2") != std::string::npos);
  CHECK(refused(R"({"top_p": "x"})").find("top_p is \"x\", not a number") != std::string::npos);
  CHECK(refused(R"({"sequence_bias": [[[1]]]})").find("sequence_bias") != std::string::npos);
  CHECK(refused(R"({"bad_words_ids": [[]]})").find("bad_words_ids") != std::string::npos);
  CHECK(refused(R"({"early_stopping": "sometimes"})").find("early_stopping") != std::string::npos);
  CHECK(refused(R"({"max_new_tokens": null, "pad_token_id": -1, "eos_token_id": [1, 2]})").empty());
}
