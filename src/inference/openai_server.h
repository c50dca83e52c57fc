// The engine's HTTP face on its Unix socket: /health, /v1/models, /v1/chat/completions, /v1/completions.
#pragma once

#include <list>
#include <memory>
#include <string>

#include "base/guarded.h"
#include "inference/engine.h"
#include "net/server.h"
#include "wire/openai.h"

namespace hearth::inference {

class OpenAiServer final : public net::Handler {
 public:
  /// `name`: what answers say their model is.
  OpenAiServer(Engine& engine, std::string name) : engine_(engine), name_(std::move(name)) {}
  net::BodyPlan plan(const net::RequestHead&) override { return net::BodyPlan::memory(16 << 20); }
  net::Response handle(net::Request&& request, std::stop_token stop) override;

 private:
  Result<net::Response> answer(const net::Request& request, std::stop_token stop);
  Result<net::Response> generate(const wire::GenerateRequest& wanted, std::stop_token stop);
  Result<std::vector<std::vector<int32_t>>> prompts(const wire::GenerateRequest& wanted) const;
  Result<GenerationConfig> config(const wire::GenerateRequest& wanted);
  Result<std::shared_ptr<const Constraint>> constraint(const wire::AnswerForm& form);

  Engine& engine_;
  const std::string name_;
  // Those of the last requests, the latest first: programs send one schema again and again.
  struct Kept {
    std::string form;
    std::shared_ptr<const Constraint> constraint;
  };
  Guarded<std::list<Kept>> constraints_;
};

}  // namespace hearth::inference
