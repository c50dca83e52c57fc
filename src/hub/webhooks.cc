#include "hub/webhooks.h"

#include <algorithm>

#include "base/clock.h"
#include "base/text.h"
#include "hub/object_id.h"

namespace hearth::hub {
namespace {

constexpr size_t kWebhooksMax = 100, kWatchedMax = 1000, kUrlMax = 2000, kSecretMax = 500;
constexpr int64_t kDeliveriesKept = 100;
constexpr std::string_view kTypes[] = {"bucket", "dataset", "model", "org", "space", "user"};
constexpr std::string_view kDomains[] = {"repo", "discussion"};

constexpr std::string_view kColumns = "id, object_id, user_id, url, secret, domains, endpoint, disabled";
constexpr std::string_view kDeliveryColumns =
    "id, object_id, webhook_id, scope, action, payload, state, attempts, status, error, created_ms, tried_ms";

template <class Known>
bool is_known(const Known& known, std::string_view text) {
  return std::find(std::begin(known), std::end(known), text) != std::end(known);
}

Webhook webhook_of(const store::Row& row) {
  Webhook out{.id = row[0].integer(),
              .object_id = row[1].text(),
              .user_id = row[2].integer(),
              .url = row[3].text(),
              .secret = row[4].text(),
              .domains = {},
              .watched = {},
              .endpoint = row[6].text(),
              .disabled = row[7].boolean()};
  for (const auto domain : split(row[5].text(), ' '))
    if (!domain.empty()) out.domains.emplace_back(domain);
  return out;
}

Delivery delivery_of(const store::Row& row) {
  return {.id = row[0].integer(),
          .object_id = row[1].text(),
          .webhook_id = row[2].integer(),
          .scope = row[3].text(),
          .action = row[4].text(),
          .payload = row[5].text(),
          .state = row[6].text(),
          .attempts = row[7].integer(),
          .status = row[8].integer(),
          .error = row[9].text(),
          .created_ms = row[10].integer(),
          .tried_ms = row[11].is_null() ? std::nullopt : std::optional(row[11].integer())};
}

Status add_watched(const Hub& hub, Webhook& webhook) {
  for (const auto& row : TRY(hub.db().query(
           "SELECT type, name FROM webhook_watched WHERE webhook_id = $1 ORDER BY position", {webhook.id})))
    webhook.watched.push_back({row[0].text(), row[1].text()});
  return {};
}

Status check_right(const Caller& caller, std::string_view permission) {
  return check_token(caller, permission, {.owner_id = caller.user ? caller.user->id : 0});
}
Status check_url(std::string_view url) {
  const bool known = url.starts_with("http://") || url.starts_with("https://");
  const auto host = known ? url.substr(url.find("//") + 2) : std::string_view();
  const auto authority = host.substr(0, host.find_first_of("/?#"));
  const bool plain = std::all_of(url.begin(), url.end(), [](char c) { return c > 0x20 && c < 0x7f; });
  if (!known || authority.empty() || contains(authority, "@") || !plain || url.size() > kUrlMax)
    return Status(Code::bad_input, cat("\"url\" must be an http:// or https:// address of at most ", kUrlMax,
                                       " characters without a user name, not '", url.substr(0, 100), "'"));
  return {};
}

Status check_change(const WebhookChange& change) {
  if (change.url) TRY(check_url(*change.url));
  if (change.secret &&
      (change.secret->size() > kSecretMax ||
       !std::all_of(change.secret->begin(), change.secret->end(), [](char c) { return c >= 0x20 && c < 0x7f; })))
    return Status(Code::bad_input, cat("\"secret\" has at most ", kSecretMax, " characters of visible ASCII"));
  if (change.domains) {
    if (change.domains->empty()) return Status(Code::bad_input, "\"domains\" needs repo, discussion, or both");
    for (const auto& domain : *change.domains)
      if (!is_known(kDomains, domain))
        return Status(Code::bad_input, cat("domain '", domain.substr(0, 40), "' is not known (repo, discussion)"));
  }
  if (!change.watched) return {};
  if (change.watched->empty() || change.watched->size() > kWatchedMax)
    return Status(Code::bad_input, cat("\"watched\" has 1 to ", kWatchedMax, " items"));
  for (const auto& [type, name] : *change.watched) {
    if (!is_known(kTypes, type))
      return Status(Code::bad_input, cat("watched type '", type.substr(0, 40),
                                         "' is not known (bucket, dataset, model, org, space, user)"));
    if (type == "user" || type == "org")
      TRY(check_name(name));
    else
      TRY(parse_repo_id(TRY(parse_kind(type)), name));
  }
  return {};
}

Status write_watched(store::Transaction& transaction, int64_t webhook_id, const std::vector<Watched>& watched) {
  TRY(transaction.execute("DELETE FROM webhook_watched WHERE webhook_id = $1", {webhook_id}));
  for (size_t i = 0; i < watched.size(); ++i)
    TRY(transaction.execute("INSERT INTO webhook_watched (webhook_id, position, type, name) VALUES ($1, $2, $3, $4)",
                            {webhook_id, i, watched[i].type, watched[i].name}));
  return {};
}

}  // namespace

Status check_webhook_write(const Caller& caller) {
  return check_right(caller, "user.webhooks.write");
}

Result<std::vector<Webhook>> list_webhooks(const Hub& hub, const Caller& caller) {
  TRY(check_right(caller, "user.webhooks.read"));
  std::vector<Webhook> out;
  for (const auto& row : TRY(hub.db().query(cat("SELECT ", kColumns, " FROM webhooks WHERE user_id = $1 ORDER BY id"),
                                            {caller.user->id}))) {
    out.push_back(webhook_of(row));
    TRY(add_watched(hub, out.back()));
  }
  return out;
}

Result<Webhook> get_webhook(const Hub& hub, const Caller& caller, std::string_view id) {
  TRY(check_right(caller, "user.webhooks.read"));
  const auto row = TRY(hub.db().query_one(
      cat("SELECT ", kColumns, " FROM webhooks WHERE object_id = $1 AND user_id = $2"), {id, caller.user->id}));
  if (!row) return Status(Code::not_found, cat(caller.name(), " has no webhook '", id.substr(0, 40), "'"));
  auto out = webhook_of(*row);
  TRY(add_watched(hub, out));
  return out;
}

Result<Webhook> create_webhook(Hub& hub, const Caller& by, const WebhookChange& wanted, std::string_view endpoint) {
  TRY(check_webhook_write(by));
  if (!wanted.url || !wanted.watched || !wanted.domains)
    return Status(Code::bad_input, "a webhook needs \"url\", \"watched\" and \"domains\"");
  TRY(check_change(wanted));
  const auto id = new_object_id();
  auto transaction = TRY(hub.db().begin());
  const auto count = TRY(transaction.query_one("SELECT count(*) FROM webhooks WHERE user_id = $1", {by.user->id}));
  if ((*count)[0].integer() >= static_cast<int64_t>(kWebhooksMax))
    return Status(Code::too_large, cat(by.name(), " has ", kWebhooksMax, " webhooks already; delete one first"));
  const auto row = TRY(transaction.query_one(
      "INSERT INTO webhooks (object_id, user_id, url, secret, domains, endpoint, created_ms, since_event) VALUES ($1, "
      "$2, $3, $4, $5, $6, $7, (SELECT coalesce(max(id), 0) FROM events)) RETURNING id",
      {id, by.user->id, *wanted.url, wanted.secret.value_or(""), join(*wanted.domains, " "), endpoint, now_ms()}));
  TRY(write_watched(transaction, (*row)[0].integer(), *wanted.watched));
  TRY(transaction.commit());
  return get_webhook(hub, by, id);
}

Result<Webhook> update_webhook(Hub& hub, const Caller& by, const Webhook& webhook, const WebhookChange& change,
                               std::string_view endpoint) {
  TRY(check_webhook_write(by));
  TRY(check_change(change));
  auto transaction = TRY(hub.db().begin());
  TRY(transaction.execute("UPDATE webhooks SET url = $2, secret = $3, domains = $4, endpoint = $5 WHERE id = $1",
                          {webhook.id, change.url.value_or(webhook.url), change.secret.value_or(webhook.secret),
                           join(change.domains.value_or(webhook.domains), " "), endpoint}));
  if (change.watched) TRY(write_watched(transaction, webhook.id, *change.watched));
  TRY(transaction.commit());
  return get_webhook(hub, by, webhook.object_id);
}

Result<Webhook> set_webhook_enabled(Hub& hub, const Caller& by, const Webhook& webhook, bool enabled) {
  TRY(check_webhook_write(by));
  TRY(hub.db().execute("UPDATE webhooks SET disabled = $2, failures = 0 WHERE id = $1", {webhook.id, !enabled}));
  return get_webhook(hub, by, webhook.object_id);
}

Status delete_webhook(Hub& hub, const Caller& by, const Webhook& webhook) {
  TRY(check_webhook_write(by));
  TRY(hub.db().execute("DELETE FROM webhooks WHERE id = $1", {webhook.id}));
  return {};
}

Result<std::optional<int64_t>> add_delivery(store::Transaction& transaction, const Webhook& webhook, int64_t event_id,
                                            const Json& payload) {
  const auto& event = payload["event"];
  const auto row = TRY(transaction.query_one(
      "INSERT INTO webhook_deliveries (object_id, webhook_id, event_id, scope, action, payload, state, created_ms) "
      "VALUES ($1, $2, $3, $4, $5, $6, 'waiting', $7) ON CONFLICT (webhook_id, event_id) DO NOTHING RETURNING id",
      {new_object_id(), webhook.id, event_id != 0 ? std::optional(event_id) : std::nullopt, event["scope"].as_string(),
       event["action"].as_string(), payload.dump(), now_ms()}));
  if (!row) return std::optional<int64_t>();
  TRY(transaction.execute(
      "DELETE FROM webhook_deliveries WHERE webhook_id = $1 AND state <> 'waiting' AND id NOT IN (SELECT id FROM "
      "webhook_deliveries WHERE webhook_id = $1 ORDER BY id DESC LIMIT $2)",
      {webhook.id, kDeliveriesKept}));
  return std::optional((*row)[0].integer());
}

Result<std::vector<Delivery>> list_deliveries(const Hub& hub, const Webhook& webhook) {
  std::vector<Delivery> out;
  for (const auto& row : TRY(hub.db().query(
           cat("SELECT ", kDeliveryColumns, " FROM webhook_deliveries WHERE webhook_id = $1 ORDER BY id DESC LIMIT $2"),
           {webhook.id, kDeliveriesKept})))
    out.push_back(delivery_of(row));
  return out;
}

Result<Delivery> get_delivery(const Hub& hub, const Webhook& webhook, std::string_view id) {
  const auto row = TRY(hub.db().query_one(
      cat("SELECT ", kDeliveryColumns, " FROM webhook_deliveries WHERE webhook_id = $1 AND object_id = $2"),
      {webhook.id, id}));
  if (!row)
    return Status(Code::not_found, cat("webhook ", webhook.object_id, " has no delivery '", id.substr(0, 40), "'"));
  return delivery_of(*row);
}

Result<std::optional<DeliveryToMake>> delivery_to_make(const Hub& hub, int64_t id) {
  const auto row = TRY(hub.db().query_one(
      cat("SELECT ", kDeliveryColumns, " FROM webhook_deliveries WHERE id = $1 AND state = 'waiting'"), {id}));
  if (!row) return std::optional<DeliveryToMake>();
  DeliveryToMake out{.delivery = delivery_of(*row), .webhook = {}};
  const auto webhook = TRY(hub.db().query_one(cat("SELECT ", kColumns, " FROM webhooks WHERE id = $1 AND disabled = 0"),
                                              {out.delivery.webhook_id}));
  if (!webhook) return std::optional<DeliveryToMake>();
  out.webhook = webhook_of(*webhook);
  return std::optional(std::move(out));
}

Status finish_attempt(Hub& hub, const Delivery& delivery, int64_t status, std::string_view error, bool last) {
  const auto state = error.empty() ? "delivered" : last ? "failed" : "waiting";
  auto transaction = TRY(hub.db().begin());
  TRY(transaction.execute(
      "UPDATE webhook_deliveries SET state = $2, attempts = attempts + 1, status = $3, error = $4, tried_ms = $5 WHERE "
      "id = $1",
      {delivery.id, state, status, error.substr(0, 500), now_ms()}));
  if (error.empty()) {
    TRY(transaction.execute("UPDATE webhooks SET failures = 0 WHERE id = $1 AND failures > 0", {delivery.webhook_id}));
  } else if (last) {
    TRY(transaction.execute("UPDATE webhooks SET failures = failures + 1 WHERE id = $1", {delivery.webhook_id}));
    TRY(transaction.execute("UPDATE webhooks SET disabled = 1 WHERE id = $1 AND failures >= $2",
                            {delivery.webhook_id, kFailuresMax}));
  }
  return transaction.commit();
}

}  // namespace hearth::hub
