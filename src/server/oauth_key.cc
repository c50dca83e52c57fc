#include "server/oauth_key.h"

#include <algorithm>
#include <map>
#include <optional>

#include "base/files.h"
#include "base/guarded.h"
#include "base/text.h"
#include "hub/oauth.h"
#include "hub/object_id.h"
#include "hub/organisations.h"
#include "hub/totp.h"
#include "server/account_json.h"

namespace hearth::server {

Result<hub::SigningKey> oauth_key(const hub::Hub& hub) {
  static Guarded<std::map<std::string, hub::SigningKey>> keys;
  const auto file = path_join(hub.folder(), "oauth.pem");
  const auto known = keys.with([&](auto& all) {
    const auto found = all.find(file);
    return found == all.end() ? std::nullopt : std::optional(found->second);
  });
  if (known) return *known;
  auto key = TRY(hub::SigningKey::open(file));
  keys.with([&](auto& all) { all.emplace(file, key); });
  return key;
}

std::string safe_next(std::string_view next) {
  const bool ours = next.starts_with('/') && !next.starts_with("//") && !contains(next, "\\") &&
                    std::none_of(next.begin(), next.end(), [](unsigned char c) { return c < ' ' || c == 0x7F; });
  return ours ? std::string(next) : "/";
}

Result<Json> user_claims(const Request& rq, const hub::User& user, std::string_view scopes,
                         const std::vector<int64_t>& opened) {
  Json out = Json::Object{{"sub", hub::object_id_of(user.id)}};
  if (hub::has_scope(scopes, "profile")) {
    out.set("name", shown_name(user));
    out.set("preferred_username", user.name);
    out.set("profile", cat(rq.endpoint(), "/", user.name));
    out.set("picture", avatar_url(rq, user.name));
    out.set("website", "");
    out.set("isPro", false);
    Json::Array orgs;
    const bool has_factor = TRY(hub::has_totp(rq.hub(), user));
    for (const auto& [org, role] : TRY(hub::orgs_of(rq.hub(), user))) {
      Json item = Json::Object{
          {"sub", hub::object_id_of(org.id)},    {"name", shown_name(org)}, {"preferred_username", org.name},
          {"picture", avatar_url(rq, org.name)}, {"isEnterprise", false},   {"roleInOrg", hub::role_name(role)}};
      if (org.require_totp && !has_factor) item.set("securityRestrictions", Json::Array{"mfa"});
      if (hub::has_scope(scopes, "read-billing") && std::find(opened.begin(), opened.end(), org.id) != opened.end())
        item.set("canPay", false);
      orgs.push_back(std::move(item));
    }
    out.set("orgs", std::move(orgs));
  }
  if (hub::has_scope(scopes, "email")) {
    out.set("email", user.email.empty() ? Json() : Json(user.email));
    out.set("email_verified", false);
  }
  if (hub::has_scope(scopes, "read-billing")) out.set("canPay", false);
  return out;
}

}  // namespace hearth::server
