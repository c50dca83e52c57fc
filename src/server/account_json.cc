#include "server/account_json.h"

#include <algorithm>

#include "base/encoding.h"
#include "base/text.h"
#include "hub/object_id.h"
#include "server/api_json.h"

namespace hearth::server {
namespace {

Json::Array names(const std::vector<std::string>& texts) {
  return {texts.begin(), texts.end()};
}

bool is_owner(std::string_view type) {
  return type == "user" || type == "org";
}

// The name of a scope's entity; nothing when it is gone.
Result<std::optional<std::string>> entity_name(const hub::Hub& hub, const hub::TokenScope& scope) {
  if (is_owner(scope.type)) {
    const auto row = TRY(hub.db().query_one("SELECT name FROM owners WHERE id = $1", {scope.id}));
    return row ? std::optional((*row)[0].text()) : std::nullopt;
  }
  if (scope.type == "resource-group") {
    const auto row = TRY(hub.db().query_one("SELECT name FROM resource_groups WHERE id = $1", {scope.id}));
    return row ? std::optional((*row)[0].text()) : std::nullopt;
  }
  const auto repo = hub.repo_by_number(scope.id);
  if (!repo.ok() && repo.status().code() != Code::repo_not_found) return repo.status().clone();
  return repo.ok() ? std::optional(repo->full_name()) : std::nullopt;
}

Result<int64_t> owner_id(const hub::Caller& caller, std::string_view type, std::string_view name) {
  if (type == "user" && equals_ignore_case(name, caller.name())) return caller.user->id;
  const auto* membership = type == "org" ? caller.membership(name) : nullptr;
  if (membership) return membership->org_id;
  return Status(Code::not_found,
                cat("a scope is for yourself, one of your organisations or a repository that you see, not ", type, " '",
                    name.substr(0, 100), "'"));
}

Result<int64_t> group_id(const hub::Hub& hub, const hub::Caller& caller, std::string_view id) {
  const auto number = parse_object_id(id).value_or(0);
  const auto row = TRY(hub.db().query_one("SELECT org_id FROM resource_groups WHERE id = $1", {number}));
  const bool inside = row && (caller.role_in((*row)[0].integer()) == hub::OrgRole::admin ||
                              std::any_of(caller.groups.begin(), caller.groups.end(),
                                          [&](const hub::GroupRole& group) { return group.group_id == number; }));
  if (!inside) return Status(Code::not_found, cat("there is no resource group '", id.substr(0, 40), "'"));
  return number;
}

Result<int64_t> repo_id(const hub::Hub& hub, const hub::Caller& caller, std::string_view type, std::string_view name) {
  const auto kind = TRY(hub::parse_kind(type));
  const auto repo = TRY(hub.repo(TRY(hub::parse_repo_id(kind, name))));
  TRY(hub::check_access(caller, repo, hub::Right::metadata));
  return repo.id;
}

}  // namespace

std::string avatar_url(const Request& rq, std::string_view name) {
  return cat(rq.endpoint(), "/avatars/", percent_encode(name), ".svg");
}

std::string shown_name(const hub::User& user) {
  return user.fullname.empty() ? user.name : user.fullname;
}
std::string shown_name(const hub::Org& org) {
  return org.fullname.empty() ? org.name : org.fullname;
}

Json user_json(const Request& rq, const hub::User& user) {
  return Json::Object{{"_id", hub::object_id_of(user.id)},      {"user", user.name}, {"fullname", shown_name(user)},
                      {"avatarUrl", avatar_url(rq, user.name)}, {"isPro", false},    {"type", "user"}};
}

Json org_json(const Request& rq, const hub::Org& org) {
  return Json::Object{{"type", "org"},
                      {"id", hub::object_id_of(org.id)},
                      {"name", org.name},
                      {"fullname", shown_name(org)},
                      {"avatarUrl", avatar_url(rq, org.name)},
                      {"email", nullptr},
                      {"canPay", false},
                      {"periodEnd", nullptr},
                      {"isEnterprise", false}};
}

Result<Json> scopes_json(const hub::Hub& hub, const hub::TokenScopes& scopes) {
  Json::Array scoped;
  for (const auto& scope : scopes.scoped) {
    const auto name = TRY(entity_name(hub, scope));
    if (!name) continue;
    scoped.push_back(Json::Object{
        {"entity", Json::Object{{"_id", hub::object_id_of(scope.id)}, {"type", scope.type}, {"name", *name}}},
        {"permissions", names(scope.permissions)}});
  }
  return Json(Json::Object{{"canReadGatedRepos", scopes.can_read_gated_repos},
                           {"global", names(scopes.global)},
                           {"scoped", std::move(scoped)}});
}

Result<hub::TokenScopes> read_scopes(const hub::Hub& hub, const hub::Caller& caller, const Json& fine_grained) {
  const auto read_list = [](const Json& list) -> Result<std::vector<std::string>> {
    std::vector<std::string> out;
    for (const auto& item : list.array()) {
      TRY(hub::check_permission_name(item.as_string()));
      out.emplace_back(item.as_string());
    }
    return out;
  };
  hub::TokenScopes out;
  out.can_read_gated_repos = fine_grained["canReadGatedRepos"].as_bool();
  out.global = TRY(read_list(fine_grained["global"]));
  for (const auto& item : fine_grained["scoped"].array()) {
    const auto& entity = item["entity"];
    const auto type = entity["type"].as_string();
    hub::TokenScope scope{.type = std::string(type), .permissions = TRY(read_list(item["permissions"]))};
    if (is_owner(type)) {
      scope.id = TRY(owner_id(caller, type, entity["name"].as_string()));
    } else if (type == "resource-group") {
      scope.id = TRY(group_id(hub, caller, entity["_id"].as_string()));
    } else {
      scope.id = TRY(repo_id(hub, caller, type, entity["name"].as_string()));
    }
    out.scoped.push_back(std::move(scope));
  }
  return out;
}

}  // namespace hearth::server
