// One delivery of a webhook: POST of the payload, tried again with growing pauses (jobs/runner.h).
//
// 1. The addresses are strangers' choice: only hosts of the public Internet are called, unless the hub's operator
// allows
//    private ones (`hearth serve --private-webhooks on`). Redirects are not followed.
// 2. X-Webhook-Secret is the secret itself, as the Hub sends it; X-Hearth-Signature-256 is an HMAC of the body with it,
// so
//    that a receiver need not compare secrets and can tell the body from a forged one.
// Source: huggingface_hub 2.4.0 _webhooks_server.py (X-Webhook-Secret).
#include "base/encoding.h"
#include "base/hash.h"
#include "base/text.h"
#include "hub/webhooks.h"
#include "net/client.h"
#include "server/jobs_registry.h"

namespace hearth::server::jobs {
namespace {

constexpr int64_t kAttempts = 6;  // over about an hour
constexpr int kTimeout_ms = 10'000;

Status deliver(const Services& services, const Job& job, std::stop_token stop) {
  const auto found = TRY(hub::delivery_to_make(services.hub, job.payload["delivery"].as_int()));
  if (!found) return {};
  const auto& [delivery, webhook] = *found;
  net::ClientRequest request{.method = "POST",
                             .url = webhook.url,
                             .headers = {{"Content-Type", "application/json"},
                                         {"User-Agent", "Hearth-Webhooks/3"},
                                         {"X-Hearth-Delivery", delivery.object_id}},
                             .body = delivery.payload,
                             .max_bytes = 64 << 10,
                             .connect_timeout_ms = kTimeout_ms,
                             .stall_timeout_ms = kTimeout_ms,
                             .total_timeout_ms = kTimeout_ms,
                             .public_only = !services.private_webhooks};
  if (!webhook.secret.empty()) {
    request.headers.add("X-Webhook-Secret", webhook.secret);
    request.headers.add("X-Hearth-Signature-256",
                        cat("sha256=", to_hex(hmac_sha256(webhook.secret, delivery.payload))));
  }
  const auto answer = net::http_request(request, stop);
  if (!answer.ok() && answer.status().code() == Code::cancelled) return answer.status().clone();  // this hub stops
  std::string error;
  if (!answer.ok())
    error = answer.status().message();
  else if (answer->status / 100 != 2)
    error = cat(webhook.url, " answered ", answer->status);
  // A forbidden address stays so.
  const bool last = job.attempt >= kAttempts || (!answer.ok() && (answer.status().code() == Code::forbidden));
  TRY(hub::finish_attempt(services.hub, delivery, answer.ok() ? answer->status : 0, error, last));
  return error.empty() || last ? Status() : Status(Code::unavailable, error);
}

}  // namespace
extern constinit const JobKind webhook_delivery_entry{
    .kind = "webhook-delivery", .events = {}, .attempts_max = kAttempts, .threads = 8, .run = deliver};
}  // namespace hearth::server::jobs
