// Which webhooks an event concerns, and what they are told: the payload's version 3 (webhooks.h).
// Source: huggingface_hub 2.4.0 _webhooks_payload.py; huggingface.co/docs/hub/webhooks for `updatedConfig` and
// `headSha` (the client's model spells it `head_sha`, so both are there).
#include "base/text.h"
#include "hub/history.h"
#include "hub/index.h"
#include "hub/object_id.h"
#include "hub/webhooks.h"

namespace hearth::hub {
namespace {

// The repository of an event: its row, or, once it is deleted, what the event says of it.
Result<std::optional<Repo>> repo_of_event(const Hub& hub, const StoredEvent& stored) {
  auto repo = hub.repo_by_number(stored.event.repo_id);
  if (repo.ok()) return std::optional(*std::move(repo));
  if (repo.status().code() != Code::repo_not_found) return std::move(repo).status();
  const auto& data = stored.event.data;
  if (stored.event.kind != "repo.delete") return std::optional<Repo>();
  const auto id = TRY(parse_repo_id(TRY(parse_kind(data["type"].as_string())), data["name"].as_string()));
  Repo out;
  out.id = stored.event.repo_id;
  out.kind = id.kind;
  out.owner = id.owner;
  out.name = id.name;
  out.owner_id = data["ownerId"].as_int();
  out.resource_group_id = data["resourceGroupId"].as_int();
  out.is_private = data["private"].as_bool(true);  // of an event that does not say: told to its owner alone
  return std::optional(std::move(out));
}

Json event_json(const StoredEvent& stored) {
  const auto& kind = stored.event.kind;
  std::string_view action = "update", scope = kind;
  if (kind == "repo.create" || kind == "repo.delete" || kind == "repo.move") {
    action = std::string_view(kind).substr(5);
    scope = "repo";
  } else if (kind.starts_with("discussion")) {
    action = stored.event.data["action"].as_string();
  }
  return Json::Object{{"action", action}, {"scope", scope}};
}

Json id_json(std::string_view id) {
  return Json::Object{{"id", id.empty() ? object_id_of(0) : std::string(id)}};
}

Json repo_json(Hub& hub, const Webhook& webhook, const Repo& repo) {
  const auto web = cat(webhook.endpoint, "/", kind_prefix(repo.kind), repo.full_name());
  Json out = Json::Object{
      {"type", kind_name(repo.kind)},
      {"name", repo.full_name()},
      {"id", object_id_of(repo.id)},
      {"private", repo.is_private},
      {"url", Json::Object{{"web", web},
                           {"api", cat(webhook.endpoint, "/api/", kind_plural(repo.kind), "/", repo.full_name())}}},
      {"owner", id_json(object_id_of(repo.owner_id))}};
  if (const auto index = main_index(hub, repo); index.ok()) {
    out.set("headSha", index->head);
    out.set("head_sha", index->head);
    out.set("tags", Json::Array(index->tags.begin(), index->tags.end()));
  }
  if (repo.kind == RepoKind::space)
    out.set("subdomain", to_lower_ascii(replace_all(cat(repo.owner, "-", repo.name), "_", "-")));
  return out;
}

std::string discussion_web(const Webhook& webhook, const Repo& repo, int64_t num) {
  return cat(webhook.endpoint, "/", kind_prefix(repo.kind), repo.full_name(), "/discussions/", num);
}

Json discussion_json(const Webhook& webhook, const Repo& repo, const Json& data) {
  const auto num = data["num"].as_int();
  const auto api = cat(webhook.endpoint, "/api/", kind_plural(repo.kind), "/", repo.full_name(), "/discussions/", num);
  Json out = Json::Object{{"id", data["id"]},
                          {"title", data["title"]},
                          {"url", Json::Object{{"web", discussion_web(webhook, repo, num)}, {"api", api}}},
                          {"status", data["status"]},
                          {"author", id_json(data["author"].as_string())},
                          {"num", num},
                          {"isPullRequest", data["isPullRequest"].as_bool()}};
  if (data["isPullRequest"].as_bool()) {
    Json changes = Json::Object{{"base", "refs/heads/main"}};
    if (const auto* merged = data.find("mergeCommitId")) changes.set("mergeCommitId", *merged);
    out.set("changes", std::move(changes));
  }
  return out;
}

// What the comment says is read now: hidden meanwhile, it is not told.
Result<Json> comment_json(const Hub& hub, const Webhook& webhook, const Repo& repo, const Json& data, int64_t num) {
  const auto row = TRY(
      hub.db().query_one("SELECT body, hidden FROM discussion_events WHERE object_id = $1", {data["id"].as_string()}));
  const bool hidden = !row || (*row)[1].boolean();
  Json out = Json::Object{
      {"id", data["id"]},
      {"author", id_json(data["author"].as_string())},
      {"hidden", hidden},
      {"url", Json::Object{{"web", cat(discussion_web(webhook, repo, num), "#", data["id"].as_string())}}}};
  if (!hidden) out.set("content", (*row)[0].text());
  return out;
}

Result<Json> payload_of(Hub& hub, const Webhook& webhook, const StoredEvent& stored, const Repo& repo) {
  const auto& [kind, repo_id, actor, data] = stored.event;
  Json out = Json::Object{{"event", event_json(stored)}, {"repo", repo_json(hub, webhook, repo)}};
  if (const auto* discussion = data.find("discussion")) {
    out.set("discussion", discussion_json(webhook, repo, *discussion));
    if (const auto* comment = data.find("comment"))
      out.set("comment", TRY(comment_json(hub, webhook, repo, *comment, (*discussion)["num"].as_int())));
  }
  if (kind == "repo.content") out.set("updatedRefs", data["updatedRefs"]);
  if (kind == "repo.config" && data.find("private"))
    out.set("updatedConfig", Json::Object{{"private", data["private"]}});
  if (kind == "repo.move") {
    // The repository as it was called; where it is now stands beside it.
    out.set("movedTo", Json::Object{{"name", data["name"]}, {"owner", id_json(object_id_of(repo.owner_id))}});
    auto as_was = out["repo"];
    as_was.set("name", data["from"]);
    out.set("repo", std::move(as_was));
  }
  out.set("webhook", Json::Object{{"id", webhook.object_id}, {"version", 3}});
  return out;
}

}  // namespace

Result<std::vector<ToTell>> matching_webhooks(Hub& hub, const StoredEvent& stored) {
  std::vector<ToTell> out;
  const auto repo = TRY(repo_of_event(hub, stored));
  if (!repo) return out;
  const auto domain = stored.event.kind.starts_with("discussion") ? "discussion" : "repo";
  // After a move both names are watched.
  const auto former = stored.event.kind == "repo.move" ? std::string(stored.event.data["from"].as_string()) : "";
  const auto former_owner = former.substr(0, former.find('/'));
  const auto rows = TRY(hub.db().query(
      "SELECT DISTINCT webhooks.object_id, owners.name FROM webhooks JOIN webhook_watched w ON w.webhook_id = "
      "webhooks.id JOIN owners ON owners.id = webhooks.user_id WHERE webhooks.disabled = 0 AND webhooks.since_event < "
      "$6 AND ((w.type IN ('user', "
      "'org') AND w.name IN ($1, $2)) OR (w.type = $3 AND w.name IN ($4, $5)))",
      {repo->owner, former_owner, kind_name(repo->kind), repo->full_name(), former, stored.id}));
  for (const auto& row : rows) {
    const auto user = hub.accounts().user(row[1].text());
    if (!user.ok()) continue;
    const auto caller = TRY(hub.accounts().caller_of(*user));
    if (!check_access(caller, *repo, Right::metadata).ok()) continue;
    auto webhook = TRY(get_webhook(hub, caller, row[0].text()));
    bool listens = false;
    for (const auto& each : webhook.domains) listens |= each == domain;
    if (!listens) continue;
    auto payload = TRY(payload_of(hub, webhook, stored, *repo));
    out.push_back({std::move(webhook), std::move(payload)});
  }
  return out;
}

}  // namespace hearth::hub
