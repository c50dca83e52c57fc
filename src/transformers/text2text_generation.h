// Text2TextGenerationPipeline: an encoder-decoder's answers to texts: translations, summaries, what T5 is told to do.
// Source: transformers 4.57 pipelines/text2text_generation.py and base.py (prefixes); 5.0 has left the tasks out.
#pragma once

#include <memory>
#include <span>
#include <stop_token>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"
#include "tokenizers/auto_tokenizer.h"
#include "transformers/auto.h"
#include "transformers/generate.h"
#include "transformers/grammar.h"

namespace hearth {

/// Immutable and cheap to copy; any number of threads may use one.
class Text2TextGenerationPipeline {
 public:
  /// `task`: "text2text-generation", "summarization", "translation", "translation_en_to_de": config.json may have rules
  /// and a prefix for it under `task_specific_params`. A translation from one language to another that it does not name
  /// is bad_input when it names others.
  static Result<Text2TextGenerationPipeline> from_pretrained(const std::string& path, std::string_view task = {},
                                                             const LoadOptions& options = {});

  const CausalLM& model() const { return *model_; }
  const PreTrainedTokenizer& tokenizer() const { return tokenizer_; }
  /// generation_config.json's, with those of the task.
  const GenerationConfig& generation_config() const { return generation_config_; }
  /// What is put before each text.
  const std::string& prefix() const { return prefix_; }

  /// Holds answers to a grammar. The vocabulary is looked through at each call.
  std::shared_ptr<const Constraint> constrain(Grammar grammar) const;

  /// The tokens that the encoder reads for a text, its prefix before it.
  Result<std::vector<int32_t>> encode(std::string_view text) const;
  /// num_return_sequences answers for each text, in order. too_large when a text exceeds the model's positions.
  Result<std::vector<std::string>> operator()(std::span<const std::string> texts, const GenerationConfig& config,
                                              std::stop_token stop = {}) const;

 private:
  Text2TextGenerationPipeline(std::shared_ptr<const CausalLM> model, PreTrainedTokenizer tokenizer)
      : model_(std::move(model)), tokenizer_(std::move(tokenizer)) {}

  std::shared_ptr<const CausalLM> model_;
  PreTrainedTokenizer tokenizer_;
  GenerationConfig generation_config_;
  std::string prefix_;
};

/// Whether the configuration is one of an encoder with a decoder; false where `path` has no config.json.
bool is_encoder_decoder(const std::string& path);

}  // namespace hearth
