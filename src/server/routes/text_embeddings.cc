// The addresses of Text Embeddings Inference under /models/{repo}, the router's /hf-inference/models/{repo}, and at the
// root for the hub's only model that embeds, or judges: sent on to the engine. Those that it shares with Text
// Generation Inference are in text_generation.cc. Source: text-embeddings-inference router/src/http/server.rs.
#include "base/text.h"
#include "server/engine_relay.h"
#include "server/route.h"

namespace hearth::server::routes {
namespace {

// The last part of the pattern is the engine's own address.
Result<Response> relay(Request& rq) {
  const std::string_view path = rq.head().path, target = path.substr(path.rfind('/'));
  if (!rq.arg("repo").empty()) return relay_to_engine(rq, TRY(model_of_path(rq)), EngineUse::any, target, {});
  const bool judges = target == "/predict" || target == "/rerank";
  return relay_to_engine(rq, "", judges ? EngineUse::judgement : EngineUse::embedding, target, {});
}

constexpr uint64_t kMaxBody = 16 << 20;
constexpr Route kRoutes[] = {
    {"POST", "/embed", Access::open, relay, BodyMode::memory, kMaxBody},
    {"POST", "/embed_all", Access::open, relay, BodyMode::memory, kMaxBody},
    {"POST", "/embed_sparse", Access::open, relay, BodyMode::memory, kMaxBody},
    {"POST", "/embeddings", Access::open, relay, BodyMode::memory, kMaxBody},
    {"POST", "/similarity", Access::open, relay, BodyMode::memory, kMaxBody},
    {"POST", "/predict", Access::open, relay, BodyMode::memory, kMaxBody},
    {"POST", "/rerank", Access::open, relay, BodyMode::memory, kMaxBody},
    {"POST", "/decode", Access::open, relay, BodyMode::memory, kMaxBody},
    {"POST", "/{kind}/{repo}/embed", Access::content, relay, BodyMode::memory, kMaxBody},
    {"POST", "/{kind}/{repo}/embed_all", Access::content, relay, BodyMode::memory, kMaxBody},
    {"POST", "/{kind}/{repo}/embed_sparse", Access::content, relay, BodyMode::memory, kMaxBody},
    {"POST", "/{kind}/{repo}/embeddings", Access::content, relay, BodyMode::memory, kMaxBody},
    {"POST", "/{kind}/{repo}/similarity", Access::content, relay, BodyMode::memory, kMaxBody},
    {"POST", "/{kind}/{repo}/predict", Access::content, relay, BodyMode::memory, kMaxBody},
    {"POST", "/{kind}/{repo}/rerank", Access::content, relay, BodyMode::memory, kMaxBody},
    {"POST", "/{kind}/{repo}/decode", Access::content, relay, BodyMode::memory, kMaxBody},
    {"POST", "/hf-inference/{kind}/{repo}/embed", Access::content, relay, BodyMode::memory, kMaxBody},
    {"POST", "/hf-inference/{kind}/{repo}/rerank", Access::content, relay, BodyMode::memory, kMaxBody},
};

}  // namespace
extern constinit const Routes text_embeddings_entry{kRoutes};
}  // namespace hearth::server::routes
