// Answers of many at once are those of each alone, whatever the engine does in between.
#include "inference/engine.h"

#include <doctest/doctest.h>

#include <atomic>
#include <future>
#include <random>

#include "base/clock.h"
#include "safetensors/safetensors.h"
#include "transformers/testing.h"

namespace hearth::inference {
namespace {

constexpr int64_t kPageBytes =
    2 * 2 * 2 * kKvPagePositions * 8 * 4;  // layers, keys and values, heads, positions, floats

class TinyEngine {
 public:
  explicit TinyEngine(EngineOptions options = {.cache_bytes = 100 * kPageBytes}) {
    testing::write_tiny_llama(folder_.path(), 2048);
    testing::write_tiny_tokenizer(folder_.path());
    auto pipeline = TextGenerationPipeline::from_pretrained(folder_.path());
    REQUIRE_MESSAGE(pipeline.ok(), pipeline.status().message());
    engine_ = std::make_unique<Engine>(*std::move(pipeline), options);
  }
  Engine& operator*() { return *engine_; }
  Engine* operator->() { return engine_.get(); }

 private:
  TempFolder folder_;
  std::unique_ptr<Engine> engine_;
};

std::vector<int32_t> prompt_of(size_t length, uint32_t seed) {
  std::mt19937 random(seed);
  std::vector<int32_t> out(length);
  for (auto& id : out) id = static_cast<int32_t>(random() % 50);
  return out;
}

struct Answer {
  std::vector<int32_t> ids;
  JobEnd end;
};

/// Hands a job in; the future is ready when it has ended.
std::future<Answer> ask(Engine& engine, std::vector<int32_t> prompt, GenerationConfig config, std::stop_token stop = {},
                        std::string client = {}) {
  auto answer = std::make_shared<Answer>();
  auto ready = std::make_shared<std::promise<Answer>>();
  auto out = ready->get_future();
  const auto status = engine.submit({.prompt = std::move(prompt),
                                     .config = std::move(config),
                                     .client = std::move(client),
                                     .on_text = {},
                                     .on_token =
                                         [answer](const MadeToken& token) {
                                           answer->ids.push_back(token.id);
                                           return true;
                                         },
                                     .on_end =
                                         [answer, ready](JobEnd end) {
                                           answer->end = std::move(end);
                                           ready->set_value(std::move(*answer));
                                         },
                                     .stop = std::move(stop)});
  REQUIRE_MESSAGE(status.ok(), status.message());
  return out;
}

/// What the model writes by itself.
std::vector<int32_t> alone(const Engine& engine, const std::vector<int32_t>& prompt, const GenerationConfig& config) {
  const auto& model = engine.pipeline().model();
  Session session(model);
  auto made = generate(model, session, prompt, config);
  REQUIRE_MESSAGE(made.ok(), made.status().message());
  return made->ids;
}

/// Prompts of many lengths, some greedy and some drawn, and what each is answered alone.
struct Case {
  std::vector<int32_t> prompt;
  GenerationConfig config;
};
std::vector<Case> cases() {
  std::vector<Case> out;
  for (uint32_t i = 0; i < 24; ++i) {
    Case one{prompt_of(1 + i * 37 % 300, i), {}};
    one.config.max_new_tokens = 5 + i * 13 % 90;
    one.config.do_sample = i % 3 == 1;
    one.config.seed = i;
    one.config.repetition_penalty = i % 4 == 2 ? 1.3 : 1.0;
    out.push_back(std::move(one));
  }
  return out;
}

void check_all(Engine& engine) {
  const auto all = cases();
  std::vector<std::future<Answer>> answers;
  for (const auto& one : all) answers.push_back(ask(engine, one.prompt, one.config));
  for (size_t i = 0; i < all.size(); ++i) {
    const auto answer = answers[i].get();
    CHECK_MESSAGE(answer.end.failure.ok(), answer.end.failure.message());
    CHECK(answer.ids == alone(engine, all[i].prompt, all[i].config));
    CHECK(answer.end.reason == FinishReason::length);
    CHECK(answer.end.completion_tokens == static_cast<int64_t>(answer.ids.size()));
  }
}

TEST_CASE("engine: many at once are answered as each alone") {
  TinyEngine engine;
  check_all(*engine);
  check_all(*engine);  // their beginnings are kept now
  const auto stats = engine->stats();
  CHECK(stats.cached_tokens > 0);
  CHECK(stats.preemptions == 0);
  CHECK(stats.active == 0);
}

TEST_CASE("engine: the same without kept prefixes, and with room for one answer at a time") {
  TinyEngine without({.cache_bytes = 100 * kPageBytes, .prefix_bytes = 0});
  check_all(*without);
  CHECK(without->stats().cached_tokens == 0);
  CHECK(without->stats().prefix_pages == 0);
  TinyEngine one({.active_max = 1, .cache_bytes = 100 * kPageBytes});
  check_all(*one);
}

TEST_CASE("engine: who gives its pages up to others writes the same answer") {
  TinyEngine engine({.cache_bytes = 9 * kPageBytes, .prefix_bytes = 0});
  check_all(*engine);
  CHECK(engine->stats().preemptions > 0);
  CHECK(engine->stats().cache_bytes <= 9 * kPageBytes);
}

TEST_CASE("engine: a conversation's next turn reads its new part alone") {
  TinyEngine engine;
  GenerationConfig config;
  config.max_new_tokens = 20;
  auto prompt = prompt_of(200, 1);
  const auto first = ask(*engine, prompt, config).get();
  CHECK(first.end.cached_tokens == 0);
  prompt.insert(prompt.end(), first.ids.begin(), first.ids.end());
  const auto more = prompt_of(30, 2);
  prompt.insert(prompt.end(), more.begin(), more.end());
  const auto second = ask(*engine, prompt, config).get();
  CHECK(second.end.cached_tokens >= 219);  // all but the last token, which nothing came after
  CHECK(second.ids == alone(*engine, prompt, config));
  const auto again = ask(*engine, prompt, config).get();
  CHECK(again.end.cached_tokens == static_cast<int64_t>(prompt.size()) - 1);
  CHECK(again.ids == second.ids);
}

TEST_CASE("engine: prompts that begin alike and come together are read once") {
  TinyEngine engine;
  GenerationConfig config;
  config.max_new_tokens = 10;
  const auto stem = prompt_of(640, 3);
  std::vector<std::future<Answer>> answers;
  std::vector<std::vector<int32_t>> prompts;
  for (uint32_t i = 0; i < 8; ++i) {
    auto prompt = stem;
    const auto own = prompt_of(20, 50 + i);
    prompt.insert(prompt.end(), own.begin(), own.end());
    prompts.push_back(prompt);
    answers.push_back(ask(*engine, std::move(prompt), config));
  }
  int64_t cached = 0;
  for (size_t i = 0; i < answers.size(); ++i) {
    const auto answer = answers[i].get();
    cached += answer.end.cached_tokens;
    CHECK(answer.ids == alone(*engine, prompts[i], config));
  }
  CHECK(cached >= 7 * 640);
}

TEST_CASE("engine: what cannot be answered is told at once") {
  TinyEngine engine({.active_max = 1, .waiting_max = 2, .cache_bytes = 6 * kPageBytes});
  const auto refused = [&](std::vector<int32_t> prompt) {
    return engine->submit({.prompt = std::move(prompt),
                           .config = {},
                           .on_text = [](std::string_view) { return true; },
                           .on_end = [](JobEnd) { FAIL("was refused"); },
                           .stop = {}});
  };
  CHECK(refused({}).code() == Code::bad_input);
  CHECK(refused({50}).code() == Code::bad_input);
  CHECK(refused(prompt_of(2049, 1)).code() == Code::too_large);
  const auto too_large = refused(prompt_of(5 * 64, 1));
  CHECK(too_large.code() == Code::too_large);
  CHECK(contains(too_large.message(), "holds 320"));

  // An answer ends where the memory does.
  GenerationConfig config;
  config.max_new_tokens = 1000;
  const auto longest = ask(*engine, prompt_of(300, 1), config).get();
  CHECK(longest.end.reason == FinishReason::length);
  CHECK(longest.ids.size() == 21);
}

TEST_CASE("engine: those who leave, waiting or answered, end at once; the others do not notice") {
  TinyEngine engine({.active_max = 4, .cache_bytes = 100 * kPageBytes});
  const auto all = cases();
  std::vector<std::stop_source> sources(200);
  std::vector<std::future<Answer>> answers;
  GenerationConfig endless;
  endless.max_new_tokens = 1500;
  for (size_t i = 0; i < sources.size(); ++i)
    answers.push_back(ask(*engine, all[i % all.size()].prompt, i % 2 == 0 ? endless : all[i % all.size()].config,
                          sources[i].get_token()));
  for (size_t i = 0; i < sources.size(); i += 2) sources[i].request_stop();
  for (size_t i = 0; i < sources.size(); ++i) {
    const auto answer = answers[i].get();
    if (i % 2 == 0) {
      CHECK(answer.end.failure.ok());
      CHECK(answer.end.reason == FinishReason::cancelled);
    } else {
      const auto& one = all[i % all.size()];
      CHECK(answer.ids == alone(*engine, one.prompt, one.config));
    }
  }
}

TEST_CASE("engine: clients take turns") {
  TinyEngine engine({.active_max = 1, .cache_bytes = 100 * kPageBytes});
  std::atomic<int> ended = 0;
  std::promise<int> place;
  const auto hand_in = [&](std::string client, std::function<void(JobEnd)> on_end) {
    GenerationConfig config;
    config.max_new_tokens = 20;
    REQUIRE(engine
                ->submit({.prompt = prompt_of(50, 1),
                          .config = config,
                          .client = std::move(client),
                          .on_text = [](std::string_view) { return true; },
                          .on_end = std::move(on_end),
                          .stop = {}})
                .ok());
  };
  for (int i = 0; i < 40; ++i) hand_in("many", [&](JobEnd) { ++ended; });
  hand_in("one", [&](JobEnd) { place.set_value(ended++); });
  CHECK(place.get_future().get() < 38);  // not behind all forty
  while (ended < 41) std::this_thread::yield();
}

TEST_CASE(
    "engine: a prompt's probabilities are those of one pass over it, though it is known and its pages are taken") {
  TinyEngine engine({.cache_bytes = 8 * kPageBytes});
  GenerationConfig config;
  config.max_new_tokens = 30;
  const auto prompt = prompt_of(200, 1);
  ask(*engine, prompt, config).get();  // it is known then

  const auto& model = engine->pipeline().model();
  auto cache = model.make_cache();
  const auto vocab_size = static_cast<size_t>(model.config().vocab_size);
  std::vector<float> logits(prompt.size() * vocab_size);
  model.backend().to_host(model.forward(std::vector<SequenceView>{{&cache, prompt, LogitRows::all}}), logits);

  std::vector<std::pair<int32_t, double>> told;
  std::promise<JobEnd> ended;
  REQUIRE(
      engine
          ->submit({.prompt = prompt,
                    .config = config,
                    .on_text = [](std::string_view) { return true; },
                    .on_end = [&](JobEnd end) { ended.set_value(std::move(end)); },
                    .on_prompt_token = [&](const MadeToken& token) { told.emplace_back(token.id, token.logprob()); },
                    .stop = {}})
          .ok());
  std::vector<std::future<Answer>> others;
  for (uint32_t i = 0; i < 4; ++i) others.push_back(ask(*engine, prompt_of(180, i), config));
  const auto end = ended.get_future().get();
  CHECK(end.cached_tokens == 0);
  CHECK(end.completion_tokens == 30);
  REQUIRE(told.size() == prompt.size() - 1);
  for (size_t i = 1; i < prompt.size(); ++i) {
    CHECK(told[i - 1].first == prompt[i]);
    const auto expected = log_probability({logits.data() + (i - 1) * vocab_size, vocab_size}, prompt[i]);
    CHECK(told[i - 1].second == doctest::Approx(expected).epsilon(1e-4));
  }
  for (auto& other : others) other.get();
}

TEST_CASE("engine: an answer's times are in their order, and each step is reported") {
  std::atomic<int64_t> steps = 0, read = 0, written = 0;
  TinyEngine engine({.on_step = [&](const StepReport& step) {
    ++steps;
    read += step.read;
    written += step.written;
    CHECK_FALSE(step.failed);
    CHECK(step.forward_s > 0);
  }});
  GenerationConfig config;
  config.max_new_tokens = 10;
  const auto before = monotonic_s();
  const auto times = ask(*engine, prompt_of(100, 1), config).get().end.times;
  CHECK(before <= times.submitted_s);
  CHECK(times.submitted_s <= times.begun_s);
  CHECK(times.begun_s < times.first_token_s);
  CHECK(times.first_token_s < times.ended_s);
  ask(*engine, prompt_of(2, 1), config).get();  // the report of a step comes after its answers: of the first's last one
  CHECK(steps >= 10);
  CHECK(read >= 100);
  CHECK(written >= 9);
}

TEST_CASE("engine: answers go on between the layers of a long prompt's pieces") {
  std::vector<StepReport> reports;  // of the engine's thread, read when it has ended
  std::vector<int32_t> ids, expected;
  {
    TinyEngine engine({.cache_bytes = 200 * kPageBytes, .prefix_bytes = 0, .on_step = [&](const StepReport& step) {
                         reports.push_back(step);
                       }});
    GenerationConfig config;
    config.max_new_tokens = 1500;
    auto writes = ask(*engine, prompt_of(3, 7), config);
    config.max_new_tokens = 1;
    auto reads = ask(*engine, prompt_of(2000, 8), config);
    reads.get();
    ids = writes.get().ids;
    config.max_new_tokens = 1500;
    expected = alone(*engine, prompt_of(3, 7), config);
  }
  CHECK(ids == expected);
  // A pass is reported when it ends: those of answers that were written in the middle of a piece come before the
  // piece's own.
  int64_t read = 0, between = 0, since = 0;
  for (const auto& report : reports) {
    if (report.read >= 8) {
      if (read > 0) between += since;
      since = 0;
      read += report.read;
    } else {
      since += report.written;
    }
  }
  CHECK(read >= 1900);
  CHECK(between > 0);
}

TEST_CASE("engine: guesses change no answer") {
  TinyEngine engine({.cache_bytes = 100 * kPageBytes, .speculate = 7});
  check_all(*engine);
  check_all(*engine);
  GenerationConfig config;
  config.max_new_tokens = 200;  // a model so small soon repeats itself
  for (uint32_t seed = 0; seed < 4; ++seed)
    CHECK(ask(*engine, prompt_of(20, seed), config).get().ids == alone(*engine, prompt_of(20, seed), config));
  ask(*engine, prompt_of(2, 1), config).get();  // counts are told after a step
  const auto stats = engine->stats();
  CHECK(stats.right_guesses > 100);
  CHECK(stats.guessed_tokens > stats.right_guesses);
  CHECK(stats.steps < stats.completion_tokens);
}

TEST_CASE("engine: guesses go with preemption, and with answers that end in the middle of them") {
  TinyEngine engine({.cache_bytes = 12 * kPageBytes, .speculate = 15});
  check_all(*engine);
  CHECK(engine->stats().preemptions > 0);
}

TEST_CASE("engine: what follows earlier words is guessed, fewer of it while guesses miss") {
  TokenGuesser guess(4);
  const std::vector<int32_t> ids{1, 2, 3, 9, 8, 7, 6, 5, 1, 2, 3};
  CHECK(guess(ids, 10) == std::vector<int32_t>{9, 8, 7, 6});
  CHECK(guess(ids, 2) == std::vector<int32_t>{9, 8});
  CHECK(guess(ids, 0).empty());
  CHECK(guess(std::vector<int32_t>{1, 2, 3}, 4).empty());
  CHECK(guess(std::vector<int32_t>{}, 4).empty());
  CHECK(guess(std::vector<int32_t>{5, 5, 5}, 4) == std::vector<int32_t>{5});
  guess.note(4, 1);
  CHECK(guess(ids, 10) == std::vector<int32_t>{9, 8});
  guess.note(2, 0);
  CHECK(guess(ids, 10).empty());
  CHECK(guess(ids, 10).empty());
  CHECK(guess(ids, 10) == std::vector<int32_t>{9});
}

TEST_CASE("engine: what was read survives a restart") {
  TempFolder folder;
  const auto file = path_join(folder.path(), "prefixes");
  const auto prompt = prompt_of(500, 3);
  GenerationConfig config;
  config.max_new_tokens = 20;
  const auto with = [&](std::string identity, int64_t pages = 100) {
    return EngineOptions{
        .cache_bytes = pages * kPageBytes, .prefix_file = file, .prefix_identity = std::move(identity)};
  };
  std::vector<int32_t> first;
  {
    TinyEngine engine(with("one"));
    first = ask(*engine, prompt, config).get().ids;
    ask(*engine, prompt_of(300, 4), config).get();
  }
  {
    TinyEngine engine(with("one"));
    const auto again = ask(*engine, prompt, config).get();
    CHECK(again.end.cached_tokens == 499);
    CHECK(again.ids == first);
    CHECK(ask(*engine, prompt_of(300, 4), config).get().end.cached_tokens == 299);
  }
  {
    TinyEngine engine(with("one", 4));  // less memory than the file has pages
    CHECK(ask(*engine, prompt_of(30, 5), config).get().end.failure.ok());
  }
  {
    TinyEngine engine(with("another model"));
    CHECK(ask(*engine, prompt, config).get().end.cached_tokens == 0);
  }
  const auto lists = [](int32_t length, int32_t parent, int32_t page_numbers) {
    const std::vector<int32_t> ids{1, 2, 3}, lengths{length}, parents{parent};
    const std::vector<float> page(static_cast<size_t>(page_numbers));
    const auto bytes = [](const auto& values) { return std::as_bytes(std::span(values)); };
    return [=](const std::string& to) {
      const std::vector<SafetensorsEntryView> entries{{"ids", DType::i32, {3}, bytes(ids)},
                                                      {"lengths", DType::i32, {1}, bytes(lengths)},
                                                      {"parents", DType::i32, {1}, bytes(parents)},
                                                      {"page.0", DType::f32, {page_numbers}, bytes(page)}};
      const std::vector<std::pair<std::string, std::string>> metadata{{"format", "hearth prefix cache 1"},
                                                                      {"identity", "one"}};
      return write_safetensors(to, entries, metadata);
    };
  };
  const std::vector<std::function<Status(const std::string&)>> damages{
      [](const std::string& to) { return write_file(to, ""); },
      [](const std::string& to) { return write_file(to, "no safetensors"); },
      lists(4, -1, 8),   // more tokens than there are
      lists(-1, -1, 8),  // fewer than none
      lists(3, 0, 8),    // a page behind itself
      lists(3, -7, 8),   // behind none that can be
      lists(3, -1, 8),   // a page of another size
  };
  for (const auto& damage : damages) {
    REQUIRE(damage(file).ok());
    TinyEngine engine(with("one"));
    const auto answer = ask(*engine, prompt, config).get();
    CHECK(answer.end.cached_tokens == 0);
    CHECK(answer.ids == first);
  }
}

TEST_CASE("engine: its end ends what is under way and what waits") {
  std::vector<std::future<Answer>> answers;
  {
    TinyEngine engine({.active_max = 2, .cache_bytes = 100 * kPageBytes});
    GenerationConfig config;
    config.max_new_tokens = 1900;
    for (uint32_t i = 0; i < 6; ++i) answers.push_back(ask(*engine, prompt_of(20, i), config));
  }
  for (auto& answer : answers) CHECK(answer.get().end.failure.code() == Code::unavailable);
}

}  // namespace
}  // namespace hearth::inference
