// A decoder as an engine process serves it: the engine, and the forms that requests want its answers to have.
#pragma once

#include <list>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/guarded.h"
#include "inference/engine.h"
#include "wire/openai.h"

namespace hearth::inference {

/// Constraints of the last requests, the latest first: programs send one schema again and again. Thread-safe.
class Constraints {
 public:
  /// Null for an answer of any form.
  Result<std::shared_ptr<const Constraint>> of(const wire::AnswerForm& form, const TextGenerationPipeline& pipeline);

  /// Tool calls, whose markers may be special tokens. `key`: all that the grammar depends on.
  Result<std::shared_ptr<const Constraint>> of_calls(const std::string& key, const GrammarPart& grammar,
                                                     const TextGenerationPipeline& pipeline);

 private:
  struct Kept {
    std::string form;
    std::shared_ptr<const Constraint> constraint;
  };
  template <class Make>
  Result<std::shared_ptr<const Constraint>> find(const std::string& name, const Make& make);

  Guarded<std::list<Kept>> kept_;
};

/// Conversations of the last responses, the latest first, for those that go on with them. Thread-safe.
class KeptConversations {
 public:
  /// Nothing for another client than the one it was kept for.
  std::optional<Json> find(std::string_view id, std::string_view client) const;
  void keep(std::string id, std::string client, Json conversation);

 private:
  struct Kept {
    std::string id, client, text;  // as JSON: one piece of memory
  };
  Guarded<std::list<Kept>> kept_;
};

struct Decoder {
  Decoder(TextGenerationPipeline pipeline, const EngineOptions& options) : engine(std::move(pipeline), options) {}
  Engine engine;
  Constraints constraints = {};
  KeptConversations conversations = {};
};

}  // namespace hearth::inference
