#include "base/clock.h"
#include "transformers/generation/modes.h"

namespace hearth::generation {

Result<GenerateOutput> sample(const Task& task, Prompts prompts) {
  const auto& config = task.config;
  const auto vocab_size = static_cast<size_t>(task.model.vocab_size());
  std::vector<Row> rows;
  std::vector<float> logits;
  for (size_t prompt = 0; prompt < prompts.ids.size(); ++prompt) {
    rows.push_back({std::move(prompts.sessions[prompt]), std::move(prompts.ids[prompt]), prompt});
    const auto& first = prompts.logits[prompt];
    logits.insert(logits.end(), first.begin(), first.end());
    for (int64_t i = 1; i < config.num_return_sequences; ++i) {
      rows.push_back(fork(rows.back()));
      logits.insert(logits.end(), first.begin(), first.end());
    }
  }

  TorchGenerator random(config.seed);
  std::vector<int32_t> next(rows.size());
  std::vector<bool> over(rows.size());
  std::vector<Row*> live;
  for (auto& row : rows) live.push_back(&row);
  while (!live.empty()) {
    if (task.options.stop.stop_requested()) return Status(Code::cancelled, "stopped while the text was written");
    size_t at = 0;
    for (size_t i = 0; i < rows.size(); ++i) {
      if (over[i]) {
        next[i] = task.padding();
        if (config.do_sample) random.skip(vocab_size);  // torch draws for all rows
        continue;
      }
      const std::span<float> scores(logits.data() + vocab_size * at++, vocab_size);
      task.processors(rows[i].ids, rows[i].prompt, scores);
      if (config.do_sample) softmax(scores);
      next[i] = config.do_sample ? random.multinomial(scores) : static_cast<int32_t>(argmax(scores));
    }
    live.clear();
    for (size_t i = 0; i < rows.size(); ++i) {
      over[i] = over[i] || task.is_over(rows[i].ids, next[i]);
      rows[i].ids.push_back(next[i]);
      if (!over[i]) live.push_back(&rows[i]);
    }
    if (task.options.streamer) task.options.streamer(next);
    if (task.is_late()) break;
    if (!live.empty()) step(task.model, live, logits, config.use_cache);
  }
  GenerateOutput out;
  for (auto& row : rows) out.sequences.push_back(std::move(row.ids));
  return out;
}

}  // namespace hearth::generation
