// The engine's HTTP face on its Unix socket: /health, /v1/models, /v1/chat/completions, /v1/completions.
#pragma once

#include <string>

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
  Result<GenerationConfig> config(const wire::GenerateRequest& wanted) const;

  Engine& engine_;
  const std::string name_;
};

}  // namespace hearth::inference
