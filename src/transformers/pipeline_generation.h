// What the tasks of pipelines/ that write text share: rules of an answer from the checkpoint, the task and the call,
// and prompts that are answered in batches. Source: transformers 5.23.0 pipelines/base.py
// (_prepare_generate_kwargs), 4.57.6 base.py for the tasks of that version.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include "transformers/generate.h"
#include "transformers/pipeline_parts.h"

namespace hearth {

/// One call's rules.
struct WritingRules {
  GenerationConfig config;
  int64_t batch_size = 8;  ///< prompts that are answered at once
};

/// A language model with its tokenizer.
struct TextWriter {
  std::shared_ptr<const CausalLM> model;
  PreTrainedTokenizer tokenizer;
  GenerationConfig config;  ///< generation_config.json's, else config.json's
  Json set_by_file;         ///< the keys of it that are not null, an object

  static Result<TextWriter> from(Task task, const std::string& path, const LoadOptions& options);

  /// The parameters of generate(): all that nobody else has asked `parameters` for, with `generation_config`, an object
  /// of more. Of the keys that are not known the first is bad_input.
  Json generate_arguments(PipelineParameters& parameters) const;
  /// config with `arguments`; without do_sample's "seed" each call draws others. bad_input names a value that is wrong.
  Result<WritingRules> rules(const GenerationConfig& base, const Json& arguments) const;

  /// num_return_sequences rows for each prompt: a decoder's with the prompt, else what the decoder wrote. The results
  /// are those of each prompt alone. bad_input on an empty prompt or one over the model's positions.
  Result<std::vector<std::vector<std::vector<TokenId>>>> write(const std::vector<std::vector<TokenId>>& prompts,
                                                               const WritingRules& rules, std::stop_token stop) const;
};

/// A JSON list of numbers.
Json to_json(const std::vector<TokenId>& ids);

}  // namespace hearth
