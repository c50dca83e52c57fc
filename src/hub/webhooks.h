// Webhooks: a user's addresses that are told what happens to repositories, users and organisations they watch.
//
//   event --(matching_webhooks)--> delivery: waiting --> delivered
//                                            waiting --tries used up--> failed --kFailuresMax in a row--> disabled
//
// 1. A webhook is told only of repositories that its owner may know of at that time.
// 2. An event is one delivery a webhook, however often the work is repeated; a replay is a new delivery.
// Source: huggingface_hub 2.4.0 HfApi.create_webhook and its neighbours, _webhooks_payload.py (version 3).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"
#include "base/result.h"
#include "hub/events.h"
#include "hub/hub.h"

namespace hearth::hub {

/// What a webhook listens to: a repository ("model", "ns/name") or all of an owner ("user" or "org", "ns").
struct Watched {
  std::string type;
  std::string name;
};

struct Webhook {
  int64_t id = 0;
  std::string object_id;
  int64_t user_id = 0;
  std::string url;
  std::string secret;  ///< empty: none
  std::vector<std::string> domains;
  std::vector<Watched> watched;
  std::string endpoint;  ///< the hub's address in payloads
  bool disabled = false;
};

struct WebhookChange {
  std::optional<std::string> url, secret;
  std::optional<std::vector<Watched>> watched;
  std::optional<std::vector<std::string>> domains;
};

/// May the caller change their webhooks? unauthenticated or forbidden.
Status check_webhook_write(const Caller& caller);

/// The caller's own webhooks; unauthenticated or forbidden without the right to see (change) them.
Result<std::vector<Webhook>> list_webhooks(const Hub& hub, const Caller& caller);
/// not_found unless it is the caller's.
Result<Webhook> get_webhook(const Hub& hub, const Caller& caller, std::string_view id);
/// bad_input for an address that is not http(s), an unknown type or domain. Names need not exist yet.
Result<Webhook> create_webhook(Hub& hub, const Caller& by, const WebhookChange& wanted, std::string_view endpoint);
Result<Webhook> update_webhook(Hub& hub, const Caller& by, const Webhook& webhook, const WebhookChange& change,
                               std::string_view endpoint);
/// Enabling forgets the failures in a row.
Result<Webhook> set_webhook_enabled(Hub& hub, const Caller& by, const Webhook& webhook, bool enabled);
Status delete_webhook(Hub& hub, const Caller& by, const Webhook& webhook);

// ---- telling ----
/// Failed deliveries in a row after which a webhook is disabled.
inline constexpr int64_t kFailuresMax = 10;

struct Delivery {
  int64_t id = 0;
  std::string object_id;
  int64_t webhook_id = 0;
  std::string scope, action;
  std::string payload;  ///< JSON
  std::string state;    ///< waiting, delivered or failed
  int64_t attempts = 0;
  int64_t status = 0;  ///< of the last answer; 0: there was none
  std::string error;   ///< of the last attempt
  int64_t created_ms = 0;
  std::optional<int64_t> tried_ms;
};

struct ToTell {
  Webhook webhook;
  Json payload;
};
/// Who must be told of an event, and what.
Result<std::vector<ToTell>> matching_webhooks(Hub& hub, const StoredEvent& event);
/// A waiting delivery's number; nothing when the webhook has this event already. `event_id` 0: a replay.
Result<std::optional<int64_t>> add_delivery(store::Transaction& transaction, const Webhook& webhook, int64_t event_id,
                                            const Json& payload);

/// Newest first, of the last hundred.
Result<std::vector<Delivery>> list_deliveries(const Hub& hub, const Webhook& webhook);
Result<Delivery> get_delivery(const Hub& hub, const Webhook& webhook, std::string_view id);
struct DeliveryToMake {
  Delivery delivery;
  Webhook webhook;
};
/// Nothing when it was made, given up, or its webhook deleted or disabled meanwhile.
Result<std::optional<DeliveryToMake>> delivery_to_make(const Hub& hub, int64_t id);
/// Writes down an attempt. `error` empty: it was delivered. `last`: there will be no other.
Status finish_attempt(Hub& hub, const Delivery& delivery, int64_t status, std::string_view error, bool last);

}  // namespace hearth::hub
