// Speed of an encoder on the native backend, the best of several rounds by CPU time.
// Usage: build/bin/bench_encoder FOLDER BATCH LENGTH ROUNDS [q8_0] < TEXTS; prints one JSON object. A folder with
// modules.json turns the lines of standard input into vectors, BATCH at a time; any other reads BATCH rows of LENGTH
// made-up ids.
#include <cstdio>
#include <cstdlib>
#include <string>
#include <vector>

#include "base/files.h"
#include "clock.h"
#include "transformers/auto.h"
#include "transformers/sentence_transformer.h"

using namespace hearth;

namespace {

std::vector<std::string> lines() {
  std::vector<std::string> out;
  std::string line;
  for (int c = std::getchar(); c != EOF; c = std::getchar())
    if (c == '\n') {
      out.push_back(std::move(line));
      line.clear();
    } else {
      line.push_back(static_cast<char>(c));
    }
  return out;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 5) return std::fprintf(stderr, "usage: bench_encoder FOLDER BATCH LENGTH ROUNDS [q8_0] < TEXTS\n"), 2;
  const std::string folder = argv[1];
  const int64_t batch = std::atoi(argv[2]), length = std::atoi(argv[3]);
  const int rounds = std::atoi(argv[4]);
  LoadOptions options;
  if (argc > 5) options.quantize = DType::q8_0;
  double seconds = 0, count = 0;
  if (exists(path_join(folder, "modules.json"))) {
    const auto model = SentenceTransformer::from_pretrained(folder, options);
    if (!model.ok()) return fail(model.status());
    const auto texts = lines();
    const auto took =
        best_cpu_s(rounds, [&]() -> Status { return model->encode(texts, {.batch_size = batch}).status(); });
    if (!took.ok()) return fail(took.status());
    seconds = *took;
    count = static_cast<double>(texts.size());
  } else {
    const auto model = AutoModel::from_pretrained(Task::base, folder, options);
    if (!model.ok()) return fail(model.status());
    ModelInputs inputs{.batch = batch, .length = length};
    for (int64_t i = 0; i < batch * length; ++i)
      inputs.input_ids.push_back(static_cast<int32_t>(1000 + i * 37 % ((*model)->config().vocab_size - 1000)));
    const auto took = best_cpu_s(rounds, [&]() -> Status { return (*model)->forward(inputs).status(); });
    if (!took.ok()) return fail(took.status());
    seconds = *took;
    count = static_cast<double>(batch);
  }
  std::printf("{\"rate\": %.3f}\n", count / seconds);
  return 0;
}
