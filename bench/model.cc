// Speed of a whole model on the native backend: time to load, prompt and decode rates, the best of several rounds.
// Usage: build/bin/bench_model FILE [fast|exact|bf16] [ROUNDS]; prints one JSON object.
#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <string_view>
#include <vector>

#include "clock.h"
#include "transformers/auto.h"

using namespace hearth;

int main(int argc, char** argv) {
  if (argc < 2) return std::fprintf(stderr, "usage: bench_model FILE [fast|exact|bf16] [ROUNDS]\n"), 2;
  const std::string_view kind = argc > 2 ? argv[2] : "fast";
  const int rounds = argc > 3 ? std::atoi(argv[3]) : 5;
  const double begin = wall_s();
  const auto loaded =
      AutoModelForCausalLM::from_pretrained(argv[1], {.numerics = kind == "fast" ? Numerics::fast : Numerics::exact,
                                                      .dtype = kind == "bf16" ? DType::bf16 : DType::f32});
  if (!loaded.ok()) return std::fprintf(stderr, "%s\n", loaded.status().message().c_str()), 1;
  const CausalLM& model = **loaded;
  const double load = wall_s() - begin;
  const auto forward = [&](KvCache& cache, std::span<const int32_t> ids) {
    const SequenceView sequence{.cache = &cache, .ids = ids};
    return argmax(to_vector(model.forward({&sequence, 1})));
  };
  constexpr int kPrompt = 512, kTokens = 64;
  std::vector<int32_t> prompt;
  for (int i = 0; i < kPrompt; ++i) prompt.push_back(10 + i * 37 % 40000);
  double prefill = 0, decode = 0;
  for (int round = 0; round < rounds; ++round) {
    KvCache cache = model.make_cache();
    double before = wall_s();
    auto next = static_cast<int32_t>(forward(cache, prompt));
    prefill = std::max(prefill, kPrompt / (wall_s() - before));
    cache.truncate(16);
    before = wall_s();
    for (int i = 0; i < kTokens; ++i) next = static_cast<int32_t>(forward(cache, {&next, 1}));
    decode = std::max(decode, kTokens / (wall_s() - before));
  }
  std::printf("{\"load_s\": %.4f, \"prefill\": %.1f, \"decode\": %.1f}\n", load, prefill, decode);
  return 0;
}
