#include "server/engine_relay.h"

#include "base/text.h"
#include "endpoints/endpoints.h"
#include "server/services.h"

namespace hearth::server {

Status check_inference(const Request& rq) {
  if (!rq.services().endpoints) return Status(Code::unsupported, "this hub runs no engines");
  if (!rq.user() && !rq.services().anonymous_inference)
    return Status(Code::unauthenticated, "this hub's engines need a token: api_key=\"hf_...\"");
  // Reading tokens may ask as well; a fine-grained one must say so.
  if (rq.caller().scopes) TRY(hub::check_token(rq.caller(), "inference.serverless.write", {.owner_id = rq.user()->id}));
  return {};
}

Result<Response> relay_to_engine(const Request& rq, std::string_view model, EngineUse use, std::string_view target,
                                 std::string broken_tail) {
  TRY(check_inference(rq));
  const auto chosen = TRY(find_engine_model(rq, model, use));
  auto ready = TRY(rq.services().endpoints->acquire(chosen.path, chosen.id));
  net::Relay to;
  to.unix_path = std::move(ready.socket_path);
  to.method = rq.head().method;
  to.target = target;
  if (to.method == "POST") to.headers.set("Content-Type", "application/json");
  to.headers.set("X-Request-Id", rq.id());
  for (const auto* name : {"traceparent", "tracestate"})
    if (const auto value = rq.header(name); !value.empty()) to.headers.set(name, value);
  to.headers.set("X-Hearth-Client", rq.user() ? cat("user ", rq.user()->id) : cat("address ", rq.client_address()));
  to.body = rq.body();
  to.broken_tail = std::move(broken_tail);
  Response out;
  out.body = std::move(to);
  out.lease = std::move(ready.lease);
  return out;
}

Result<std::string> model_of_path(const Request& rq) {
  if (rq.kind() != hub::RepoKind::model) return Status(Code::not_found, "only models answer requests");
  return rq.arg("repo");
}

Status engine_stopped() {
  return Status(Code::unavailable, "the engine stopped in the middle of the answer; the next request starts it again");
}

}  // namespace hearth::server
