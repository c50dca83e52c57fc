// What a chat's tools and reasoning mean for one model: what it is told, how its answer is held to what was asked, and
// how the answer is read.
#pragma once

#include <memory>
#include <span>

#include "inference/decoder.h"
#include "inference/output_format.h"
#include "transformers/text_generation.h"
#include "wire/openai.h"

namespace hearth::inference {

/// The conversation as the model's template wants it. A template that knows no tools is given them as a system message
/// in Hermes' words, and calls and their results as text.
Conversation conversation_of(const wire::GenerateRequest& wanted, const TextGenerationPipeline& pipeline);

struct AnswerReading {
  OutputParser::Options options;
  bool is_plain = true;  ///< the answer is text and nothing else
  std::shared_ptr<const Constraint> constraint;
};

/// `prompt`: the conversation's tokens, whose end may have opened the reasoning. unsupported where arguments have to be
/// of a schema that texts cannot be held to.
Result<AnswerReading> reading_of(const wire::GenerateRequest& wanted, Decoder& decoder,
                                 std::span<const int32_t> prompt);

}  // namespace hearth::inference
