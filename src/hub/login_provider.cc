#include "hub/login_provider.h"

#include <algorithm>

#include "base/clock.h"
#include "base/hash.h"
#include "base/text.h"
#include "hub/audit.h"
#include "hub/repo_id.h"

namespace hearth::hub {
namespace {

std::vector<std::string> texts_of(const Json& list) {
  std::vector<std::string> out;
  for (const auto& item : list.array())
    if (item.is_string()) out.emplace_back(item.as_string());
  return out;
}

// Names of groups; of the organisations that another hub tells in `orgs` (its OrgInfo objects) their user names.
std::vector<std::string> groups_of(const Json& list) {
  auto out = texts_of(list);
  for (const auto& item : list.array())
    if (const auto name = item["preferred_username"].as_string(); !name.empty()) out.emplace_back(name);
  return out;
}

Json settings_json(const LoginProvider& provider) {
  Json::Array groups;
  for (const auto& group : provider.groups)
    groups.push_back(Json::Object{{"group", group.group}, {"org", group.org}, {"role", role_name(group.role)}});
  return Json::Object{
      {"scopes", provider.scopes},          {"domains", Json::Array(provider.domains.begin(), provider.domains.end())},
      {"nameClaim", provider.name_claim},   {"groupsClaim", provider.groups_claim},
      {"autoCreate", provider.auto_create}, {"linkNames", provider.link_names},
      {"groups", std::move(groups)}};
}

Result<LoginProvider> provider_of(const store::Row& row) {
  LoginProvider out{.name = row[0].text(),
                    .label = row[1].text(),
                    .issuer = row[2].text(),
                    .client_id = row[3].text(),
                    .client_secret = row[4].text()};
  const auto settings = TRY(Json::parse(row[5].text()));
  out.scopes = settings["scopes"].as_string(out.scopes);
  out.domains = texts_of(settings["domains"]);
  out.name_claim = settings["nameClaim"].as_string(out.name_claim);
  out.groups_claim = settings["groupsClaim"].as_string(out.groups_claim);
  out.auto_create = settings["autoCreate"].as_bool(true);
  out.link_names = settings["linkNames"].as_bool(false);
  for (const auto& group : settings["groups"].array()) {
    const auto role = TRY(parse_org_role(group["role"].as_string()));
    out.groups.push_back({std::string(group["group"].as_string()), std::string(group["org"].as_string()), role});
  }
  return out;
}

constexpr std::string_view kSelect =
    "SELECT name, label, issuer, client_id, client_secret, settings FROM login_providers";

// What a name here may hold of what the provider calls its user.
std::string clean_name(std::string_view text) {
  std::string out;
  for (const char c : text.substr(0, text.find('@')))
    out.push_back(std::isalnum(static_cast<unsigned char>(c)) || c == '-' || c == '_' || c == '.' ? c : '-');
  return out;
}

Status check_domain(const LoginProvider& provider, const Json& claims) {
  if (provider.domains.empty()) return {};
  const auto email = claims["email"].as_string();
  const auto at = email.rfind('@');
  if (at != std::string_view::npos && claims["email_verified"].as_bool())
    for (const auto& domain : provider.domains)
      if (equals_ignore_case(email.substr(at + 1), domain)) return {};
  return Status(Code::forbidden, cat(provider.label, " gave no verified email address of ",
                                     join(provider.domains, ", "), ", which this hub asks for"));
}

Result<User> first_sign_in(Hub& hub, const LoginProvider& provider, const Json& claims) {
  const auto name = clean_name(claims[provider.name_claim].as_string());
  if (!check_name(name).ok())
    return Status(Code::forbidden, cat(provider.label, " gave no usable user name in '", provider.name_claim, "'"));
  auto known = hub.accounts().user(name);
  if (known.ok() && !provider.link_names)
    return Status(Code::forbidden, cat("the name '", name,
                                       "' belongs to somebody on this hub; its administrators can bind "
                                       "the two accounts"));
  if (known.ok()) return known;
  if (known.status().code() != Code::not_found) return known;
  if (!provider.auto_create)
    return Status(Code::forbidden, cat("there is no account for '", name, "' here; ask whoever runs this hub"));
  const auto user = TRY(hub.accounts().create_user(name, random_token(40)));  // nobody knows it: sign-in is outside
  TRY(hub.db().execute("UPDATE owners SET fullname = $2 WHERE id = $1",
                       {user.id, claims["name"].as_string().substr(0, 200)}));
  if (claims["email_verified"].as_bool())
    TRY(hub.db().execute("UPDATE users SET email = $2 WHERE owner_id = $1",
                         {user.id, claims["email"].as_string().substr(0, 200)}));
  return hub.accounts().user(name);
}

Result<std::optional<OrgRole>> role_in(const Hub& hub, const Org& org, const User& user) {
  for (const auto& place : TRY(orgs_of(hub, user)))
    if (place.org.id == org.id) return std::optional(place.role);
  return std::optional<OrgRole>();
}

// Groups give places in organisations and, for the organisations that are mapped, take them back.
Status follow_groups(Hub& hub, const LoginProvider& provider, const User& user, const Json& claims) {
  const auto groups = groups_of(claims[provider.groups_claim]);
  std::vector<std::pair<std::string, std::optional<OrgRole>>> wanted;
  for (const auto& mapped : provider.groups) {
    auto place = std::find_if(wanted.begin(), wanted.end(), [&](const auto& w) { return w.first == mapped.org; });
    if (place == wanted.end()) place = wanted.insert(wanted.end(), {mapped.org, std::nullopt});
    if (std::find(groups.begin(), groups.end(), mapped.group) == groups.end()) continue;
    if (!place->second || *place->second < mapped.role) place->second = mapped.role;
  }
  for (const auto& [name, role] : wanted) {
    const auto org = find_org(hub, name);
    if (!org.ok()) continue;  // not made yet
    const auto before = TRY(role_in(hub, *org, user));
    if (before == role) continue;
    const auto done = role ? set_member(hub, *org, user, *role) : remove_member(hub, *org, user);
    if (done.code() == Code::conflict) continue;  // the last administrator stays
    TRY(done.clone());
    TRY(record_audit(hub, {.actor = user.name,
                           .actor_id = user.id,
                           .via = cat("provider ", provider.name),
                           .action = !role    ? "org.member.remove"
                                     : before ? "org.member.role"
                                              : "org.member.add",
                           .owner_id = org->id,
                           .target = cat("user ", user.name),
                           .data = role ? Json(Json::Object{{"role", role_name(*role)}}) : Json(Json::Object())}));
  }
  return {};
}

}  // namespace

Status set_login_provider(Hub& hub, const LoginProvider& provider) {
  TRY(check_name(provider.name));
  if (!provider.issuer.starts_with("https://") && !provider.issuer.starts_with("http://"))
    return Status(Code::bad_input,
                  cat("an issuer is an address as https://login.example.org, not '", provider.issuer, "'"));
  if (provider.client_id.empty())
    return Status(Code::bad_input, "a provider needs the client id that it gave this hub");
  TRY(hub.db().execute(
      "INSERT INTO login_providers (name, label, issuer, client_id, client_secret, settings) VALUES ($1, $2, $3, $4, "
      "$5, "
      "$6) ON CONFLICT (name) DO UPDATE SET label = excluded.label, issuer = excluded.issuer, client_id = "
      "excluded.client_id, client_secret = excluded.client_secret, settings = excluded.settings",
      {provider.name, provider.label.empty() ? provider.name : provider.label, provider.issuer, provider.client_id,
       provider.client_secret, settings_json(provider).dump()}));
  return {};
}

Result<std::vector<LoginProvider>> list_login_providers(const Hub& hub) {
  std::vector<LoginProvider> out;
  for (const auto& row : TRY(hub.db().query(cat(kSelect, " ORDER BY name")))) out.push_back(TRY(provider_of(row)));
  return out;
}

Result<LoginProvider> find_login_provider(const Hub& hub, std::string_view name) {
  const auto row = TRY(hub.db().query_one(cat(kSelect, " WHERE name = $1"), {name}));
  if (!row) return Status(Code::not_found, cat("there is no sign-in provider '", name.substr(0, 60), "'"));
  return provider_of(*row);
}

Status remove_login_provider(Hub& hub, std::string_view name) {
  if (TRY(hub.db().execute("DELETE FROM login_providers WHERE name = $1", {name})) == 0)
    return Status(Code::not_found, cat("there is no sign-in provider '", name.substr(0, 60), "'"));
  return {};
}

Result<User> user_of_claims(Hub& hub, const LoginProvider& provider, const Json& claims) {
  const auto subject = claims["sub"].as_string();
  if (subject.empty() || subject.size() > 255)
    return Status(Code::forbidden, cat(provider.label, " gave no subject that names its user"));
  TRY(check_domain(provider, claims));
  const auto bound = TRY(hub.db().query_one(
      "SELECT owners.name FROM login_identities JOIN owners ON owners.id = login_identities.user_id WHERE issuer = $1 "
      "AND subject = $2",
      {provider.issuer, subject}));
  auto user = bound ? TRY(hub.accounts().user((*bound)[0].text())) : TRY(first_sign_in(hub, provider, claims));
  if (!bound)
    TRY(hub.db().execute(
        "INSERT INTO login_identities (issuer, subject, user_id, created_ms) VALUES ($1, $2, $3, $4) ON CONFLICT "
        "(issuer, subject) DO NOTHING",
        {provider.issuer, subject, user.id, now_ms()}));
  TRY(follow_groups(hub, provider, user, claims));
  return user;
}

}  // namespace hearth::hub
