// Speed of generate() of an encoder-decoder on the native backend, the best of several rounds by CPU time.
// Usage: build/bin/bench_seq2seq FOLDER TEXTS LENGTH NEW_TOKENS BEAMS ROUNDS; prints one JSON object.
#include <cstdio>
#include <cstdlib>

#include "clock.h"
#include "transformers/auto.h"
#include "transformers/generate.h"

using namespace hearth;

int main(int argc, char** argv) {
  if (argc != 7) return std::fprintf(stderr, "usage: bench_seq2seq FOLDER TEXTS LENGTH NEW_TOKENS BEAMS ROUNDS\n"), 2;
  const int64_t texts = std::atoi(argv[2]), length = std::atoi(argv[3]), fresh = std::atoi(argv[4]);
  const auto model = AutoModelForSeq2SeqLM::from_pretrained(argv[1]);
  if (!model.ok()) return fail(model.status());
  ModelInputs inputs{.batch = texts, .length = length};
  const auto eos = static_cast<int32_t>((*model)->config().raw["eos_token_id"].as_int());
  for (int64_t i = 0; i < texts * length; ++i)
    inputs.input_ids.push_back(i % length == length - 1 ? eos : static_cast<int32_t>(100 + i * 37 % 30000));
  auto config = GenerationConfig::from_pretrained(argv[1], (*model)->config());
  if (!config.ok()) return fail(config.status());
  config->num_beams = std::atoi(argv[5]);
  config->min_new_tokens = fresh;
  config->max_new_tokens = fresh;
  const auto best = best_cpu_s(std::atoi(argv[6]), [&] { return generate(**model, inputs, *config); });
  if (!best.ok()) return fail(best.status());
  std::printf("{\"rate\": %.3f}\n", static_cast<double>(texts * fresh) / *best);
  return 0;
}
