// LogitsProcessor: changes a row of logits before a token is picked from it. A value of -inf is never picked.
// Source: transformers 5.23.0 generation/logits_process.py; their order: GenerationMixin._get_logits_processor.
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <vector>

#include "base/result.h"
#include "transformers/generation_config.h"

namespace hearth {

/// `ids`: all tokens of the row, the prompt's and its padding among them. `row`: which prompt of the batch.
using LogitsProcessor = std::function<void(std::span<const int32_t> ids, size_t row, std::span<float> scores)>;

/// What processors know of the prompts.
struct PromptFacts {
  int64_t length = 0;                                  ///< of the (padded) prompts that are continued
  int64_t total_length = 0;                            ///< at which an answer ends
  std::vector<int64_t> padding = {};                   ///< leading tokens of each row that stand for nothing; or empty
  std::vector<std::vector<int32_t>> encoder_ids = {};  ///< what an encoder read, one a row; or what is continued
};

/// A row's processors, in transformers' order.
class LogitsProcessors {
 public:
  /// bad_input when a processor needs a token outside the vocabulary.
  static Result<LogitsProcessors> from(const GenerationConfig& config, PromptFacts facts, int64_t vocab_size);
  void operator()(std::span<const int32_t> ids, size_t row, std::span<float> scores) const {
    for (const auto& process : list_) process(ids, row, scores);
  }
  /// Adds prefix_allowed_tokens_fn: all tokens but those it gives are out.
  void allow_only(std::function<std::vector<int32_t>(size_t row, std::span<const int32_t> ids)> allowed);
  bool empty() const { return list_.empty(); }

 private:
  std::vector<LogitsProcessor> list_;
  size_t constraint_at_ = 0;  // where prefix_allowed_tokens_fn stands
};

/// Those that only sampling uses, from `temperature` to `eta_cutoff`. `least`: as many tokens stay possible.
void append_warpers(const GenerationConfig& config, size_t least, std::vector<LogitsProcessor>& out);

/// softmax and log_softmax of a row, in place.
void softmax(std::span<float> scores);
void log_softmax(std::span<float> scores);

}  // namespace hearth
