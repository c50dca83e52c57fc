// OpenAI's chat and completions, answered by an engine.
#pragma once

#include <string>

#include "inference/decoder.h"
#include "net/http.h"
#include "wire/openai.h"

namespace hearth::inference {

class OpenAiServer {
 public:
  /// `name`: what answers say their model is.
  OpenAiServer(Decoder& decoder, std::string name) : decoder_(decoder), name_(std::move(name)) {}
  /// Whole, or as a stream. bad_input when the prompt does not fit the model.
  Result<net::Response> generate(const wire::GenerateRequest& wanted, std::stop_token stop);

 private:
  Result<std::vector<std::vector<int32_t>>> prompts(const wire::GenerateRequest& wanted) const;
  Result<GenerationConfig> config(const wire::GenerateRequest& wanted) const;

  Decoder& decoder_;
  const std::string name_;
};

}  // namespace hearth::inference
