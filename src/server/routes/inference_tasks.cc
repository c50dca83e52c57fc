// POST /models/{repo} and its siblings: a task of a model, as the Inference API asked for it; the task is the path's,
// else the repository's own. The engine reads the body and answers.
// Source: huggingface_hub 2.4.0 inference/_providers/hf_inference.py (_prepare_url); @huggingface/inference 4.13.30
// providers/hf-inference.ts (makeRoute).
#include "base/encoding.h"
#include "base/text.h"
#include "server/engine_relay.h"
#include "server/route.h"
#include "wire/text_generation.h"

namespace hearth::server::routes {
namespace {

Result<Response> relay(const Request& rq, std::string_view task) {
  const auto target = task.empty() ? std::string("/pipeline") : cat("/pipeline/", percent_encode(task));
  return relay_to_engine(rq, TRY(model_of_path(rq)), EngineUse::any, target,
                         wire::text_generation_error_event(engine_stopped()));
}

Result<Response> task(Request& rq) {
  return relay(rq, rq.arg("task"));
}

constexpr uint64_t kMaxBody = 16 << 20;
constexpr Route kRoutes[] = {
    {"POST", "/{kind}/{repo}", Access::content, task, BodyMode::memory, kMaxBody},
    {"POST", "/{kind}/{repo}/pipeline/{task}", Access::content, task, BodyMode::memory, kMaxBody},
    {"POST", "/pipeline/{task}/{kind?}/{repo}", Access::content, task, BodyMode::memory, kMaxBody},
    {"POST", "/hf-inference/{kind}/{repo}", Access::content, task, BodyMode::memory, kMaxBody},
    {"POST", "/hf-inference/{kind}/{repo}/pipeline/{task}", Access::content, task, BodyMode::memory, kMaxBody},
};

}  // namespace
extern constinit const Routes inference_tasks_entry{kRoutes};
}  // namespace hearth::server::routes
