// The ways of generate(): each takes prompts that have been read and gives the whole texts.
// Source: transformers 5.23.0 generation/utils.py (_sample, _beam_search, _assisted_decoding).
#pragma once

#include <memory>
#include <vector>

#include "transformers/generate.h"
#include "transformers/generation/stop_strings.h"

namespace hearth::generation {

/// A batch's prompts, read by the model.
struct Prompts {
  std::vector<Session> sessions;           ///< one a prompt, without its padding
  std::vector<std::vector<int32_t>> ids;   ///< what is continued, with its padding; all of one length
  std::vector<std::vector<float>> logits;  ///< after each prompt, [vocab_size]
};

/// What all ways share.
struct Task {
  const CausalLM& model;
  const GenerationConfig& config;
  const GenerateOptions& options;
  LogitsProcessors processors;
  int64_t prompt_length = 0;  ///< padded
  int64_t total_length = 0;
  std::shared_ptr<const StopStrings> stop_strings = {};
  double end_s = 0;  ///< of monotonic_s(): no step begins later; 0: none

  /// Whether a row ends with `next` behind its `ids`: an end token, the last position, or the caller's own rule.
  bool is_over(std::span<const int32_t> ids, int32_t next) const;
  bool is_end(int32_t id) const;
  bool is_late() const;
  /// What stands behind a text that ended early.
  int32_t padding() const {
    return config.pad_token_id.value_or(config.eos_token_id.empty() ? 0 : config.eos_token_id[0]);
  }
};

/// Greedy search and sampling.
Result<GenerateOutput> sample(const Task& task, Prompts prompts);
/// Beams, found or drawn.
Result<GenerateOutput> beam_search(const Task& task, Prompts prompts);
/// Beams in groups that keep apart.
Result<GenerateOutput> group_beam_search(const Task& task, Prompts prompts);
/// Likely tokens that say something new.
Result<GenerateOutput> contrastive_search(const Task& task, Prompts prompts);
/// Guesses, by an assistant or from the row's own words, checked several at once. One prompt.
Result<GenerateOutput> assisted(const Task& task, Prompts prompts);

/// A sequence that is being written.
struct Row {
  Session session;
  std::vector<int32_t> ids;  ///< with the prompt's padding; the last is not in the cache yet
  size_t prompt = 0;         ///< which it continues
};
/// Feeds the last token of each row, or with `use_cache` false all of them; then the logits that follow it are in
/// `logits`, [rows, vocab_size].
void step(const CausalLM& model, std::span<Row* const> rows, std::vector<float>& logits, bool use_cache = true);
/// One that goes on from the same place.
Row fork(const Row& row);

}  // namespace hearth::generation
