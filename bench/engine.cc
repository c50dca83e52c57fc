// The engine under load: bench_engine FILE streams COUNT | prefix | stall | constrained. One JSON object each.
#include <atomic>
#include <cstdlib>
#include <future>
#include <string_view>
#include <vector>

#include "clock.h"
#include "inference/engine.h"

using namespace hearth;
using namespace hearth::inference;

namespace {

std::vector<int32_t> words(int64_t count, int32_t first) {
  std::vector<int32_t> out;
  for (int64_t i = 0; i < count; ++i) out.push_back(static_cast<int32_t>(10 + (first + i * 37) % 40000));
  return out;
}

/// When each token of an answer came.
struct Stream {
  std::vector<double> at = {};
  JobEnd end = {};
  std::promise<void> ended = {};
};

std::shared_ptr<Stream> ask(Engine& engine, std::vector<int32_t> prompt, int64_t tokens,
                            std::shared_ptr<const Constraint> constraint = {}) {
  auto stream = std::make_shared<Stream>();
  GenerationConfig config;
  config.max_new_tokens = tokens;
  config.constraint = std::move(constraint);
  const auto status = engine.submit({.prompt = std::move(prompt),
                                     .config = std::move(config),
                                     .on_text = {},
                                     .on_token =
                                         [stream](const MadeToken&) {
                                           stream->at.push_back(wall_s());
                                           return true;
                                         },
                                     .on_end =
                                         [stream](JobEnd end) {
                                           stream->end = std::move(end);
                                           stream->ended.set_value();
                                         },
                                     .stop = {}});
  if (!status.ok()) std::exit(fail(status));
  return stream;
}

void wait(const std::vector<std::shared_ptr<Stream>>& streams) {
  for (const auto& stream : streams) stream->ended.get_future().wait();
}

/// Tokens a second of all, while all of them write.
double rate(Engine& engine, int count, int64_t tokens) {
  std::vector<std::shared_ptr<Stream>> streams;
  for (int i = 0; i < count; ++i) streams.push_back(ask(engine, words(16, 1000 * i), tokens));
  wait(streams);
  double begin = 0, end = 1e300;
  for (const auto& stream : streams) {
    begin = std::max(begin, stream->at.front());
    end = std::min(end, stream->at.back());
  }
  int64_t made = 0;
  for (const auto& stream : streams)
    made += std::ranges::count_if(stream->at, [&](double at) { return at > begin && at <= end; });
  return static_cast<double>(made) / (end - begin);
}

/// Seconds to the first token of `prompt`.
double first_token_s(Engine& engine, std::vector<int32_t> prompt) {
  const double begin = wall_s();
  const auto stream = ask(engine, std::move(prompt), 1);
  wait({stream});
  return stream->at.front() - begin;
}

int streams(Engine& engine, int count) {
  double best = 0;
  for (int round = 0; round < 3; ++round) best = std::max(best, rate(engine, count, 64));
  return std::printf("{\"rate\": %.1f}\n", best), 0;
}

/// A prompt that goes on from 4,000 tokens that were read, beside the pass over its new part by itself.
int prefix(Engine& engine) {
  constexpr int32_t kRead = 4000, kNew = 200;
  const auto& model = engine.pipeline().model();
  double follow = 1e9, alone = 1e9;
  for (int32_t round = 0; round < 3; ++round) {
    auto prompt = words(kRead, 5000 * round);
    first_token_s(engine, prompt);
    const auto more = words(kNew, 5000 * round + 77);
    auto cache = model.make_cache();
    for (size_t at = 0; at < prompt.size(); at += 500) {
      const SequenceView piece{&cache, std::span<const int32_t>(prompt).subspan(at, 500), LogitRows::none};
      model.forward({&piece, 1});
    }
    const double begin = wall_s();
    const SequenceView last{&cache, more};
    to_vector(model.forward({&last, 1}));
    alone = std::min(alone, wall_s() - begin);
    prompt.insert(prompt.end(), more.begin(), more.end());
    follow = std::min(follow, first_token_s(engine, std::move(prompt)));
  }
  return std::printf("{\"follow_s\": %.5f, \"alone_s\": %.5f}\n", follow, alone), 0;
}

/// Gaps between tokens of four answers while a prompt of 4,000 tokens is read, beside those between the same tokens
/// when nothing is read: a token costs more the more came before it.
int stall(Engine& engine) {
  constexpr int kStreams = 4, kPrompt = 4000, kTokens = 900;
  std::vector<double> steady, beside;
  double reading = 0;
  for (int32_t round = 0; round < 2; ++round) {
    const auto answer = [&] {
      std::vector<std::shared_ptr<Stream>> out;
      for (int i = 0; i < kStreams; ++i) out.push_back(ask(engine, words(16, 1000 * i + round), kTokens));
      return out;
    };
    const auto answers = answer();
    const double begin = wall_s();
    while (wall_s() < begin + 0.5) std::this_thread::yield();
    const double arrives = wall_s();
    const auto prompt = ask(engine, words(kPrompt, 9000 + 5000 * round), 1);
    wait({prompt});
    const double read = prompt->at.front();
    reading = read - arrives;
    wait(answers);
    const auto undisturbed = answer();
    wait(undisturbed);
    for (size_t s = 0; s < answers.size(); ++s)
      for (size_t i = 1; i < answers[s]->at.size(); ++i) {
        const auto& at = answers[s]->at;
        if (at[i] <= arrives || at[i - 1] >= read) continue;
        beside.push_back(at[i] - at[i - 1]);
        steady.push_back(undisturbed[s]->at[i] - undisturbed[s]->at[i - 1]);
      }
  }
  const auto at = [](std::vector<double>& values, double part) {
    std::ranges::sort(values);
    return values[static_cast<size_t>(part * static_cast<double>(values.size() - 1))];
  };
  return std::printf("{\"steady_s\": %.5f, \"p50_s\": %.5f, \"p99_s\": %.5f, \"reading_s\": %.3f}\n", at(steady, 0.5),
                     at(beside, 0.5), at(beside, 0.99), reading),
         0;
}

/// Answers held to a JSON schema beside free ones.
int constrained(Engine& engine) {
  auto grammar = Grammar::from_json_schema(*Json::parse(
      R"({"type": "array", "minItems": 200, "items": {"type": "object", "properties": {"name": {"type": "string"},
          "age": {"type": "integer"}}, "required": ["name", "age"], "additionalProperties": false}})"));
  if (!grammar.ok()) return fail(grammar.status());
  const auto constraint = engine.pipeline().constrain(*std::move(grammar));
  double held = 0, free = 0;
  for (int round = 0; round < 4; ++round) {
    const auto one = ask(engine, words(16, 100), 128);
    wait({one});
    const auto other = ask(engine, words(16, 100), 128, constraint);
    wait({other});
    const auto speed = [](const Stream& s) {
      return static_cast<double>(s.at.size() - 1) / (s.at.back() - s.at.front());
    };
    free = std::max(free, speed(*one));
    held = std::max(held, speed(*other));
  }
  return std::printf("{\"constrained\": %.1f, \"free\": %.1f}\n", held, free), 0;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 3)
    return std::fprintf(stderr, "usage: bench_engine FILE streams COUNT | prefix | stall | constrained\n"), 2;
  auto pipeline = TextGenerationPipeline::from_pretrained(argv[1]);
  if (!pipeline.ok()) return fail(pipeline.status());
  const std::string_view what = argv[2];
  Engine engine(*std::move(pipeline),
                {.cache_bytes = int64_t{4} << 30, .prefix_bytes = what == "prefix" ? int64_t{1} << 30 : 0});
  if (what == "streams" && argc > 3) return streams(engine, std::atoi(argv[3]));
  if (what == "prefix") return prefix(engine);
  if (what == "stall") return stall(engine);
  if (what == "constrained") return constrained(engine);
  return std::fprintf(stderr, "bench_engine: no measure %s\n", argv[2]), 2;
}
