// Requests of generating models, answered by an engine in the words of the protocol that they came by.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "inference/asker.h"
#include "inference/decoder.h"
#include "net/http.h"
#include "wire/answer.h"
#include "wire/openai.h"

namespace hearth::inference {

class GenerationServer {
 public:
  using MakeWriter = std::function<std::unique_ptr<wire::AnswerWriter>(wire::AnswerHead head)>;

  /// `name`: what answers say their model is.
  GenerationServer(Decoder& decoder, std::string name) : decoder_(decoder), name_(std::move(name)) {}
  /// Whole, or as a stream. too_large when the prompt does not fit the model. `id_prefix`: of the answer's id.
  Result<net::Response> generate(const wire::GenerateRequest& wanted, std::string_view id_prefix,
                                 const MakeWriter& make_writer, const Asker& asker);
  /// The tokens of each prompt.
  Result<std::vector<std::vector<int32_t>>> prompts(const wire::GenerateRequest& wanted) const;

 private:
  Result<GenerationConfig> config(const wire::GenerateRequest& wanted) const;

  Decoder& decoder_;
  const std::string name_;
};

}  // namespace hearth::inference
