// The engine process's HTTP face on its Unix socket: /health, /info, /metrics, /stats; /v1/models,
// /v1/chat/completions, /v1/completions, /v1/embeddings, /v1/responses, /v1/messages; /pipeline/{task}, and /pipeline
// for the repository's own task; of decoders the addresses of Text Generation Inference, of other models those of Text
// Embeddings Inference.
#pragma once

#include <string>
#include <string_view>

#include "inference/asker.h"
#include "inference/served_model.h"
#include "net/server.h"

namespace hearth::inference {

class EngineServer final : public net::Handler {
 public:
  /// `name`: what answers say their model is. `model` and `telemetry` outlive the server.
  EngineServer(ServedModel& model, std::string name, Telemetry& telemetry)
      : model_(model), name_(std::move(name)), telemetry_(telemetry) {}
  net::BodyPlan plan(const net::RequestHead&) override { return net::BodyPlan::memory(16 << 20); }
  net::Response handle(net::Request&& request, std::stop_token stop) override;

 private:
  Result<net::Response> answer(const net::Request& request, const Asker& asker);
  Result<net::Response> tell(std::string_view path);

  ServedModel& model_;
  const std::string name_;
  Telemetry& telemetry_;
};

}  // namespace hearth::inference
