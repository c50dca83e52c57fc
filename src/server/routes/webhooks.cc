// /api/settings/webhooks: the caller's webhooks, and what they were told.
// Source: huggingface_hub 2.4.0 HfApi.create_webhook, update_webhook, list_webhooks (a bare array), enable_webhook,
// disable_webhook, delete_webhook. `deliveries` and their replay are this hub's own.
#include "hub/webhooks.h"
#include "base/clock.h"
#include "server/route.h"
#include "server/webhook_job.h"

namespace hearth::server::routes {
namespace {

Json webhook_json(const hub::Webhook& webhook) {
  Json::Array watched;
  for (const auto& [type, name] : webhook.watched) watched.push_back(Json::Object{{"type", type}, {"name", name}});
  return Json::Object{{"id", webhook.object_id},
                      {"url", webhook.url},
                      {"job", nullptr},
                      {"watched", std::move(watched)},
                      {"domains", Json::Array(webhook.domains.begin(), webhook.domains.end())},
                      {"secret", webhook.secret.empty() ? Json() : Json(webhook.secret)},
                      {"disabled", webhook.disabled}};
}

Response one(const hub::Webhook& webhook) {
  return json_response(Json(Json::Object{{"webhook", webhook_json(webhook)}}));
}

Json delivery_json(const hub::Delivery& delivery) {
  return Json::Object{{"id", delivery.object_id},
                      {"scope", delivery.scope},
                      {"action", delivery.action},
                      {"state", delivery.state},
                      {"attempts", delivery.attempts},
                      {"status", delivery.status != 0 ? Json(delivery.status) : Json()},
                      {"error", delivery.error.empty() ? Json() : Json(delivery.error)},
                      {"createdAt", iso_time(delivery.created_ms)},
                      {"triedAt", delivery.tried_ms ? Json(iso_time(*delivery.tried_ms)) : Json()},
                      {"payload", Json::parse(delivery.payload).value_or(Json())}};
}

Result<hub::WebhookChange> read_change(const Json& body) {
  if (body["jobSourceId"].is_string())
    return Status(Code::unsupported, "this hub's webhooks call an address (\"url\"); they start no jobs");
  hub::WebhookChange out;
  if (body["url"].is_string()) out.url = std::string(body["url"].as_string());
  if (body["secret"].is_string()) out.secret = std::string(body["secret"].as_string());
  if (const auto* domains = body.find("domains"); domains && domains->is_array()) {
    out.domains.emplace();
    for (const auto& domain : domains->array()) out.domains->emplace_back(domain.as_string());
  }
  if (const auto* watched = body.find("watched"); watched && watched->is_array()) {
    out.watched.emplace();
    for (const auto& item : watched->array())
      out.watched->push_back({std::string(item["type"].as_string()), std::string(item["name"].as_string())});
  }
  return out;
}

Result<hub::Webhook> named(const Request& rq) {
  return hub::get_webhook(rq.hub(), rq.caller(), rq.arg("id"));
}

Result<Response> list(Request& rq) {
  Json::Array out;
  for (const auto& webhook : TRY(hub::list_webhooks(rq.hub(), rq.caller()))) out.push_back(webhook_json(webhook));
  return json_response(Json(std::move(out)));
}

Result<Response> create(Request& rq) {
  auto change = TRY(read_change(TRY(rq.json())));
  if (!change.domains) change.domains = {"repo", "discussion"};  // the client may leave them out
  return one(TRY(hub::create_webhook(rq.hub(), rq.caller(), change, rq.endpoint())));
}

Result<Response> get(Request& rq) {
  return one(TRY(named(rq)));
}

Result<Response> update(Request& rq) {
  const auto webhook = TRY(named(rq));
  auto change = TRY(read_change(TRY(rq.json())));
  if (change.watched && change.watched->empty()) change.watched.reset();  // the client's word for "as it is"
  return one(TRY(hub::update_webhook(rq.hub(), rq.caller(), webhook, change, rq.endpoint())));
}

Result<Response> enable(Request& rq) {
  return one(TRY(hub::set_webhook_enabled(rq.hub(), rq.caller(), TRY(named(rq)), /*enabled=*/true)));
}

Result<Response> disable(Request& rq) {
  return one(TRY(hub::set_webhook_enabled(rq.hub(), rq.caller(), TRY(named(rq)), /*enabled=*/false)));
}

Result<Response> remove(Request& rq) {
  TRY(hub::delete_webhook(rq.hub(), rq.caller(), TRY(named(rq))));
  return json_response(Json(Json::Object{{"success", true}}));
}

Result<Response> deliveries(Request& rq) {
  Json::Array out;
  for (const auto& delivery : TRY(hub::list_deliveries(rq.hub(), TRY(named(rq)))))
    out.push_back(delivery_json(delivery));
  return json_response(Json(std::move(out)));
}

// The same payload once more.
Result<Response> replay(Request& rq) {
  const auto webhook = TRY(named(rq));
  TRY(hub::check_webhook_write(rq.caller()));
  const auto delivery = TRY(hub::get_delivery(rq.hub(), webhook, rq.arg("delivery")));
  auto transaction = TRY(rq.hub().db().begin());
  const auto id = TRY(hub::add_delivery(transaction, webhook, /*event_id=*/0, TRY(Json::parse(delivery.payload))));
  if (id) TRY(hearth::jobs::Queue::add(transaction, webhook_delivery_job(webhook.id, *id)));
  TRY(transaction.commit());
  return json_response(delivery_json(TRY(hub::list_deliveries(rq.hub(), webhook)).at(0)));
}

constexpr Route kRoutes[] = {
    {"GET", "/api/settings/webhooks", {Access::signed_in, "user.webhooks.read"}, list},
    {"POST", "/api/settings/webhooks", {Access::signed_in, "user.webhooks.write"}, create},
    {"GET", "/api/settings/webhooks/{id}", {Access::signed_in, "user.webhooks.read"}, get},
    {"POST", "/api/settings/webhooks/{id}", {Access::signed_in, "user.webhooks.write"}, update},
    {"DELETE", "/api/settings/webhooks/{id}", {Access::signed_in, "user.webhooks.write"}, remove},
    {"POST", "/api/settings/webhooks/{id}/enable", {Access::signed_in, "user.webhooks.write"}, enable},
    {"POST", "/api/settings/webhooks/{id}/disable", {Access::signed_in, "user.webhooks.write"}, disable},
    {"GET", "/api/settings/webhooks/{id}/deliveries", {Access::signed_in, "user.webhooks.read"}, deliveries},
    {"POST",
     "/api/settings/webhooks/{id}/deliveries/{delivery}/replay",
     {Access::signed_in, "user.webhooks.write"},
     replay},
};

}  // namespace
extern constinit const Routes webhooks_entry{kRoutes};
}  // namespace hearth::server::routes
