#include "server/audit.h"

#include "base/log.h"
#include "base/text.h"
#include "hub/audit.h"
#include "server/origin.h"

namespace hearth::server {
namespace {

struct Named {
  std::string_view method, pattern;
  std::string_view action;  ///< empty: quiet
};
constexpr Named kNamed[] = {
    {"POST", "/api/repos/create", "repo.create"},
    {"DELETE", "/api/repos/delete", "repo.delete"},
    {"POST", "/api/repos/move", "repo.move"},
    {"PUT", "/api/{kind}/{repo}/settings", "repo.settings"},
    {"PUT", "/api/{kind}/{repo}/protected-branches", "repo.protection"},
    {"POST", "/api/{kind}/{repo}/commit/{rev}", "repo.commit"},
    {"POST", "/api/{kind}/{repo}/branch/{rev}", "repo.branch.create"},
    {"DELETE", "/api/{kind}/{repo}/branch/{rev}", "repo.branch.delete"},
    {"POST", "/api/{kind}/{repo}/tag/{rev}", "repo.tag.create"},
    {"DELETE", "/api/{kind}/{repo}/tag/{rev}", "repo.tag.delete"},
    {"POST", "/api/{kind}/{repo}/super-squash/{rev}", "repo.squash"},
    {"POST", "/api/{kind}/{repo}/duplicate", "repo.duplicate"},
    {"POST", "/api/{kind}/{repo}/resource-group", "repo.resource_group"},
    {"POST", "/api/{kind}/{repo}/user-access-request/handle", "repo.access.handle"},
    {"POST", "/api/{kind}/{repo}/user-access-request/grant", "repo.access.grant"},
    {"POST", "/api/settings/tokens", "user.token.create"},
    {"DELETE", "/api/settings/tokens/{id}", "user.token.delete"},
    {"POST", "/api/settings/password", "user.password"},
    {"DELETE", "/api/settings/applications/{id}", "user.application.revoke"},
    {"POST", "/api/settings/totp/confirm", "user.totp.enable"},
    {"DELETE", "/api/settings/totp", "user.totp.disable"},
    {"DELETE", "/api/settings/sessions/{id}", "user.session.revoke"},
    {"DELETE", "/api/settings/sessions", "user.session.revoke_others"},
    {"POST", "/api/{kind}/{repo}/trusted-publishers", "repo.publisher.add"},
    {"DELETE", "/api/{kind}/{repo}/trusted-publishers/{id}", "repo.publisher.remove"},
    {"POST", "/api/settings/trusted-publishers", "user.publisher.add"},
    {"DELETE", "/api/settings/trusted-publishers/{id}", "user.publisher.remove"},
    {"PUT", "/api/organizations/{org}/settings", "org.settings"},
    {"PUT", "/api/organizations/{org}/members/{user}/role", "org.member.role"},
    {"POST", "/api/organizations/{org}/members", "org.member.add"},
    {"DELETE", "/api/organizations/{org}/members/{user}", "org.member.remove"},
    {"POST", "/api/organizations/{org}/resource-groups", "org.group.create"},
    {"PATCH", "/api/organizations/{org}/resource-groups/{group}", "org.group.settings"},
    {"DELETE", "/api/organizations/{org}/resource-groups/{group}", "org.group.delete"},
    {"POST", "/api/organizations/{org}/resource-groups/{group}/users", "org.group.member.add"},
    {"PATCH", "/api/organizations/{org}/resource-groups/{group}/users/{user}", "org.group.member.role"},
    {"DELETE", "/api/organizations/{org}/resource-groups/{group}/users/{user}", "org.group.member.remove"},
    // These only ask, or are steps of a change that is named elsewhere: a push is written down by its hook, what an
    // application was allowed by the pages that ask (pages/oauth.cc), a second factor when it is confirmed.
    {"POST", "/oauth/authorize", ""},
    {"POST", "/oauth/device/decide", ""},
    {"POST", "/api/settings/totp", ""},
    {"POST", "/api/{kind}/{repo}/preupload/{rev}", ""},
    {"POST", "/{kind?}/{repo}/git-receive-pack", ""},
};

// The row's own pattern for the two that act on a repository of theirs: "model acme/tiny".
std::string target_of(const hub::Repo& repo) {
  return cat(hub::kind_name(repo.kind), " ", repo.full_name());
}

std::string via_of(const Request& rq) {
  if (rq.by_session()) return "session";
  return cat("token ", rq.caller().token_name);
}

void write(Request& rq, const hub::AuditEntry& entry) {
  if (const auto written = hub::record_audit(rq.hub(), entry); !written.ok())
    log(LogLevel::error, "audit", cat(entry.action, " by ", entry.actor, ": ", written.message()));
}

}  // namespace

std::string audit_action(const Route& route) {
  const auto access = route.access.access;
  if (is_safe(route.method) || access == Access::open || access == Access::application || access == Access::signed_link)
    return {};
  for (const auto& named : kNamed)
    if (named.method == route.method && named.pattern == route.pattern) return std::string(named.action);
  // POST that reads (paths-info, the LFS batch, git's upload-pack) asks for no more than reading.
  const bool reads =
      (access == Access::metadata || access == Access::content) && !route.access.permission.ends_with(".write");
  return reads ? std::string() : cat(route.method, " ", route.pattern);
}

void audit_request(Request& rq, const Route& route) {
  const auto action = rq.user() ? audit_action(route) : std::string();
  if (action.empty()) return;
  auto& note = rq.audit();
  hub::AuditEntry entry{.actor = rq.user()->name,
                        .actor_id = rq.user()->id,
                        .via = via_of(rq),
                        .address = rq.client_address(),
                        .agent = std::string(rq.header("User-Agent")),
                        .action = action,
                        .owner_id = note.owner_id,
                        .target = note.target,
                        .data = std::move(note.data)};
  const auto right = route.access.access;
  const bool of_org = right == Access::org_member || right == Access::org_admin;
  const bool of_repo = right == Access::metadata || right == Access::content || right == Access::write ||
                       right == Access::admin || right == Access::govern;
  if (of_org && entry.owner_id == 0) entry.owner_id = rq.org().value()->id;
  if (of_repo && entry.owner_id == 0) entry.owner_id = rq.repo().value()->owner_id;
  if (of_repo && entry.target.empty()) entry.target = target_of(*rq.repo().value());
  if (entry.owner_id == 0) entry.owner_id = rq.user()->id;
  write(rq, entry);
}

void audit_as(Request& rq, const hub::User& user, std::string_view action, Json data, std::string_view target,
              std::string_view via) {
  write(rq, {.actor = user.name,
             .actor_id = user.id,
             .via = std::string(via),
             .address = rq.client_address(),
             .agent = std::string(rq.header("User-Agent")),
             .action = std::string(action),
             .owner_id = user.id,
             .target = std::string(target),
             .data = std::move(data)});
}

void audit_stranger(Request& rq, std::string_view action, Json data) {
  write(rq, {.via = "sign-in",
             .address = rq.client_address(),
             .agent = std::string(rq.header("User-Agent")),
             .action = std::string(action),
             .data = std::move(data)});
}

}  // namespace hearth::server
