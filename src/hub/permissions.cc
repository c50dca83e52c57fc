#include "hub/permissions.h"

#include <algorithm>

#include "base/text.h"

namespace hearth::hub {
namespace {

constexpr size_t kScopesMax = 500;

constexpr std::string_view kPermissions[] = {
    "repo.content.read",
    "repo.write",
    "repo.access.read",
    "discussion.write",
    "collection.read",
    "collection.write",
    "inference.serverless.write",
    "inference.endpoints.infer.write",
    "inference.endpoints.write",
    "job.read",
    "job.write",
    "user.billing.read",
    "user.webhooks.read",
    "user.webhooks.write",
    "user.social.write",
    "org.read",
    "org.write",
    "org.repos.read",
    "org.members.read",
    "org.members.write",
    "org.auditLog.read",
    "resourceGroup.write",
};

constexpr std::string_view kTypes[] = {"user",   "org",        "model",          "dataset", "space",
                                       "bucket", "collection", "resource-group", "kernel"};

// What `repo.write` brings along.
constexpr std::string_view kOfRepoWrite[] = {"repo.content.read", "repo.access.read", "discussion.write"};

bool includes(std::string_view held, std::string_view wanted) {
  if (held == wanted) return true;
  if (held == "repo.write")
    return std::find(std::begin(kOfRepoWrite), std::end(kOfRepoWrite), wanted) != std::end(kOfRepoWrite);
  if (held == "org.write" && wanted.starts_with("org.")) return true;
  if (held == "org.read" && wanted.starts_with("org.") && wanted.ends_with(".read")) return true;
  return held.ends_with(".write") && wanted.ends_with(".read") &&
         held.substr(0, held.size() - 6) == wanted.substr(0, wanted.size() - 5);
}

bool holds(const std::vector<std::string>& permissions, std::string_view wanted) {
  return std::any_of(permissions.begin(), permissions.end(),
                     [&](const std::string& held) { return includes(held, wanted); });
}

bool covers(const TokenScope& scope, const Subject& subject) {
  if (scope.type == "user" || scope.type == "org") return subject.owner_id != 0 && scope.id == subject.owner_id;
  if (scope.type == "resource-group") return subject.group_id != 0 && scope.id == subject.group_id;
  return !subject.type.empty() && scope.type == subject.type && scope.id == subject.id;
}

Result<std::vector<std::string>> read_permissions(const Json& list) {
  std::vector<std::string> out;
  for (const auto& item : list.array()) {
    TRY(check_permission_name(item.as_string()));
    out.emplace_back(item.as_string());
  }
  return out;
}

Json names(const std::vector<std::string>& permissions) {
  Json::Array out;
  for (const auto& name : permissions) out.emplace_back(name);
  return out;
}

}  // namespace

std::span<const std::string_view> all_permissions() {
  return kPermissions;
}

Status check_permission_name(std::string_view name) {
  if (std::find(std::begin(kPermissions), std::end(kPermissions), name) != std::end(kPermissions)) return {};
  std::string known;
  for (const auto permission : kPermissions) known += cat(known.empty() ? "" : ", ", permission);
  return Status(Code::bad_input, cat("permission '", name.substr(0, 60), "' is not known (", known, ")"));
}

bool allows(const TokenScopes& scopes, std::string_view permission, const Subject& subject) {
  if (holds(scopes.global, permission)) return true;
  return std::any_of(scopes.scoped.begin(), scopes.scoped.end(), [&](const TokenScope& scope) {
    return covers(scope, subject) && holds(scope.permissions, permission);
  });
}

Result<TokenScopes> parse_scopes(std::string_view json) {
  const auto value = TRY(Json::parse(json));
  TokenScopes out;
  out.can_read_gated_repos = value["canReadGatedRepos"].as_bool();
  out.global = TRY(read_permissions(value["global"]));
  if (value["scoped"].size() > kScopesMax)
    return Status(Code::bad_input, cat("a token has at most ", kScopesMax, " scopes"));
  for (const auto& item : value["scoped"].array()) {
    const auto type = item["type"].as_string();
    if (std::find(std::begin(kTypes), std::end(kTypes), type) == std::end(kTypes))
      return Status(Code::bad_input, cat("a token has no scope of type '", type.substr(0, 60), "'"));
    out.scoped.push_back({std::string(type), item["id"].as_int(), TRY(read_permissions(item["permissions"]))});
  }
  return out;
}

std::string format_scopes(const TokenScopes& scopes) {
  Json::Array scoped;
  for (const auto& scope : scopes.scoped)
    scoped.push_back(Json::Object{{"type", scope.type}, {"id", scope.id}, {"permissions", names(scope.permissions)}});
  return Json(Json::Object{{"canReadGatedRepos", scopes.can_read_gated_repos},
                           {"global", names(scopes.global)},
                           {"scoped", std::move(scoped)}})
      .dump();
}

}  // namespace hearth::hub
