#include "hub/oauth.h"

#include <algorithm>

#include "base/clock.h"
#include "base/encoding.h"
#include "base/hash.h"
#include "base/text.h"
#include "hub/index.h"
#include "hub/oauth_rows.h"

namespace hearth::hub {
namespace {

constexpr int64_t kDynamicLifeMs = int64_t{30} * 24 * 3600 * 1000;
constexpr int64_t kTokenMinutesMax = 43'200;
constexpr size_t kRedirectsMax = 20, kUriMax = 2000;

constexpr OAuthScope kScopes[] = {
    {"openid", "Know who you are here"},
    {"profile", "See your user name, full name and organisations"},
    {"email", "See your email address"},
    {"read-billing", "Know whether you have a payment method (nobody has here)"},
    {"read-repos", "Read your private repositories"},
    {"gated-repos", "Read the gated repositories that you were let into"},
    {"contribute-repos", "Create repositories and change those that it created"},
    {"write-repos", "Read and change your repositories"},
    {"manage-repos", "Create, change and delete your repositories"},
    {"read-collections", "Read your private collections"},
    {"write-collections", "Create and change your collections"},
    {"inference-api", "Ask models to answer in your name"},
    {"jobs", "Run jobs in your name"},
    {"webhooks", "See and change your webhooks"},
    {"write-discussions", "Open and answer discussions and pull requests in your name"},
};

// What opens an organisation's things as well, once the user lets it.
constexpr std::string_view kOrgScopes[] = {"read-billing", "read-repos",       "contribute-repos", "write-repos",
                                           "manage-repos", "read-collections", "write-collections"};

constexpr std::string_view kAppColumns =
    "oauth_apps.id, oauth_apps.client_id, oauth_apps.name, oauth_apps.secret_hash, oauth_apps.first_party, "
    "oauth_apps.space_id, oauth_apps.redirect_uris, oauth_apps.scopes, oauth_apps.orgs, oauth_apps.token_minutes";

std::vector<std::string> texts_of(const std::string& json) {
  std::vector<std::string> out;
  const auto list = Json::parse(json).value_or(Json());
  for (const auto& item : list.array()) out.emplace_back(item.as_string());
  return out;
}
std::string json_of(const std::vector<std::string>& texts) {
  return Json(Json::Array(texts.begin(), texts.end())).dump();
}

// Scheme, host with port and brackets, and what follows of an absolute address.
struct Address {
  std::string scheme, host, rest;
};
std::optional<Address> parse_address(std::string_view uri) {
  const auto colon = uri.find("://");
  if (colon == std::string_view::npos) return std::nullopt;
  const auto after = uri.substr(colon + 3);
  const auto end = after.find_first_of("/?");
  return Address{to_lower_ascii(uri.substr(0, colon)), to_lower_ascii(after.substr(0, end)),
                 std::string(end == std::string_view::npos ? "" : after.substr(end))};
}
std::string_view without_port(std::string_view host) {
  if (host.starts_with('[')) return host.substr(0, host.find(']') + 1);
  return host.substr(0, host.find(':'));
}
bool is_loopback(std::string_view host) {
  const auto name = without_port(host);
  return name == "127.0.0.1" || name == "localhost" || name == "[::1]";
}

Status check_scopes(std::string_view scopes) {
  for (const auto name : split(scopes, ' ')) {
    if (name.empty()) continue;
    if (std::none_of(std::begin(kScopes), std::end(kScopes), [&](const auto& scope) { return scope.name == name; }))
      return Status(Code::bad_input, cat("scope '", name.substr(0, 60), "' is not known"));
  }
  return {};
}

Result<OAuthApp> app_where(store::Db& db, std::string_view condition, const store::Value& value) {
  const auto row =
      TRY(db.query_one(cat("SELECT ", kAppColumns, " FROM oauth_apps WHERE ", condition, " = $1"), {value}));
  if (!row) return Status(Code::not_found, "there is no such application: its client id is not known here");
  return app_of(*row);
}

// A client id has the form of the Hub's: a UUID (RFC 9562, version 4).
std::string new_client_id() {
  auto bytes = random_bytes(16);
  bytes[6] = static_cast<char>((bytes[6] & 0x0F) | 0x40);
  bytes[8] = static_cast<char>((bytes[8] & 0x3F) | 0x80);
  const auto hex = to_hex(bytes);
  return cat(hex.substr(0, 8), "-", hex.substr(8, 4), "-", hex.substr(12, 4), "-", hex.substr(16, 4), "-",
             hex.substr(20));
}

}  // namespace

OAuthApp app_of(std::span<const store::Value> row) {
  OAuthApp out{.id = row[0].integer(),
               .client_id = row[1].text(),
               .name = row[2].text(),
               .is_public = row[3].text().empty(),
               .first_party = row[4].boolean(),
               .redirect_uris = texts_of(row[6].text()),
               .scopes = row[7].text(),
               .orgs = texts_of(row[8].text()),
               .token_minutes = row[9].integer()};
  if (!row[5].is_null()) out.space_id = row[5].integer();
  return out;
}

std::vector<int64_t> numbers_of(std::string_view json) {
  std::vector<int64_t> out;
  const auto list = Json::parse(json).value_or(Json());
  for (const auto& item : list.array()) out.push_back(item.as_int());
  return out;
}
std::string json_of(const std::vector<int64_t>& numbers) {
  Json::Array out;
  for (const auto number : numbers) out.emplace_back(number);
  return Json(std::move(out)).dump();
}

std::string_view app_columns() {
  return kAppColumns;
}

std::span<const OAuthScope> oauth_scopes() {
  return kScopes;
}

bool has_scope(std::string_view scopes, std::string_view name) {
  const auto all = split(scopes, ' ');
  return std::find(all.begin(), all.end(), name) != all.end();
}

std::string allowed_scopes(const OAuthApp& app, std::string_view asked) {
  if (trim(asked).empty()) return app.scopes;
  std::string out;
  for (const auto& scope : kScopes)
    if (has_scope(asked, scope.name) && has_scope(app.scopes, scope.name))
      out += cat(out.empty() ? "" : " ", scope.name);
  return out;
}

bool is_redirect_uri(std::string_view uri) {
  const auto address = parse_address(uri);
  if (!address || uri.size() > kUriMax || contains(uri, "#") || contains(uri, "\\") || contains(address->host, "@"))
    return false;
  if (std::any_of(uri.begin(), uri.end(), [](unsigned char c) { return c <= ' ' || c >= 0x7F; })) return false;
  if (address->scheme == "https" || address->scheme == "http") return !without_port(address->host).empty();
  return contains(address->scheme, ".") && std::all_of(address->scheme.begin(), address->scheme.end(), [](char c) {
           return std::isalnum(static_cast<unsigned char>(c)) || c == '.' || c == '-' || c == '+';
         });
}

bool may_redirect(const OAuthApp& app, std::string_view uri, std::string_view hub_host, std::string_view space_label) {
  if (!is_redirect_uri(uri)) return false;
  const auto asked = *parse_address(uri);
  for (const auto& known : app.redirect_uris) {
    if (known == uri) return true;
    const auto address = parse_address(known);
    if (address && address->scheme == asked.scheme && asked.scheme == "http" && is_loopback(asked.host) &&
        without_port(address->host) == without_port(asked.host) && address->rest == asked.rest)
      return true;
  }
  if (!app.space_id || space_label.empty()) return false;
  return without_port(asked.host) == cat(space_label, ".", without_port(to_lower_ascii(hub_host)));
}

Result<MadeOAuthApp> create_oauth_app(Hub& hub, const NewOAuthApp& wanted) {
  const auto name = trim(wanted.name);
  if (name.empty() || name.size() > 100 || !is_utf8(name))
    return Status(Code::bad_input, "an application has a name of 1 to 100 bytes");
  TRY(check_scopes(wanted.scopes));
  if (wanted.redirect_uris.empty() || wanted.redirect_uris.size() > kRedirectsMax)
    return Status(Code::bad_input, cat("an application has 1 to ", kRedirectsMax, " redirect addresses"));
  for (const auto& uri : wanted.redirect_uris)
    if (!is_redirect_uri(uri))
      return Status(Code::bad_input, cat("'", printable(uri.substr(0, 200)),
                                         "' is no redirect address: https://..., http://... or an app's own scheme "
                                         "with a dot, without fragment"));
  if (wanted.token_minutes < 1 || wanted.token_minutes > kTokenMinutesMax)
    return Status(Code::bad_input, cat("tokens live 1 to ", kTokenMinutesMax, " minutes"));
  MadeOAuthApp out;
  const auto client_id = new_client_id();
  if (!wanted.is_public) out.secret = cat("oauth_app_secret_", random_token(32));
  const auto now = now_ms();
  auto transaction = TRY(hub.db().begin());
  if (wanted.dynamic)
    TRY(transaction.execute(
        "DELETE FROM oauth_apps WHERE dynamic = 1 AND created_ms < $1 AND NOT EXISTS (SELECT 1 FROM "
        "oauth_grants WHERE oauth_grants.app_id = oauth_apps.id)",
        {now - kDynamicLifeMs}));
  TRY(
      transaction.execute("INSERT INTO oauth_apps (client_id, secret_hash, name, dynamic, redirect_uris, scopes, "
                          "token_minutes, created_ms) "
                          "VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
                          {client_id, out.secret.empty() ? std::string() : sha256_hex(out.secret), name, wanted.dynamic,
                           json_of(wanted.redirect_uris), wanted.scopes, wanted.token_minutes, now}));
  TRY(transaction.commit());
  out.app = TRY(find_oauth_app(hub, client_id));
  return out;
}

Result<std::vector<OAuthApp>> list_oauth_apps(const Hub& hub) {
  std::vector<OAuthApp> out;
  for (const auto& row : TRY(hub.db().query(cat("SELECT ", kAppColumns, " FROM oauth_apps ORDER BY id"), {})))
    out.push_back(app_of(row));
  return out;
}

Result<OAuthApp> find_oauth_app(const Hub& hub, std::string_view client_id) {
  return app_where(hub.db(), "client_id", client_id);
}

Status delete_oauth_app(Hub& hub, const OAuthApp& app) {
  TRY(hub.db().execute("DELETE FROM oauth_apps WHERE id = $1", {app.id}));
  return {};
}

Status check_oauth_secret(const Hub& hub, const OAuthApp& app, std::string_view secret) {
  const auto row = TRY(hub.db().query_one("SELECT secret_hash FROM oauth_apps WHERE id = $1", {app.id}));
  const auto stored = row ? (*row)[0].text() : "gone";
  if (stored.empty() && secret.empty()) return {};
  if (!stored.empty() && equal_constant_time(stored, sha256_hex(secret))) return {};
  return Status(Code::unauthenticated, cat("invalid_client: the secret is not that of ", app.name));
}

Result<std::optional<SpaceOAuth>> space_oauth(Hub& hub, const SigningKey& key, const Repo& space) {
  if (space.kind != RepoKind::space) return std::optional<SpaceOAuth>();
  const auto card = TRY(main_index(hub, space)).card;
  if (!card["hf_oauth"].as_bool()) return std::optional<SpaceOAuth>();
  std::string scopes = "openid profile";
  for (const auto& item : card["hf_oauth_scopes"].array())
    if (const auto name = item.as_string(); check_scopes(name).ok() && !has_scope(scopes, name))
      scopes += cat(" ", name);
  std::vector<std::string> orgs;
  const auto& authorized = card["hf_oauth_authorized_org"];
  if (authorized.is_string()) orgs.emplace_back(authorized.as_string());
  for (const auto& item : authorized.array()) orgs.emplace_back(item.as_string());
  const auto minutes = std::clamp<int64_t>(card["hf_oauth_expiration_minutes"].as_int(480), 1, kTokenMinutesMax);
  const auto known = TRY(hub.db().query_one("SELECT client_id FROM oauth_apps WHERE space_id = $1", {space.id}));
  const auto client_id = known ? (*known)[0].text() : new_client_id();
  const auto secret = key.derive(cat("secret of application ", client_id));
  TRY(hub.db().execute(
      "INSERT INTO oauth_apps (client_id, secret_hash, name, space_id, scopes, orgs, token_minutes, created_ms) VALUES "
      "($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT (space_id) DO UPDATE SET name = excluded.name, scopes = "
      "excluded.scopes, orgs = excluded.orgs, token_minutes = excluded.token_minutes",
      {client_id, sha256_hex(secret), space.full_name(), space.id, scopes, json_of(orgs), minutes, now_ms()}));
  auto app = TRY(app_where(hub.db(), "space_id", space.id));
  auto its_secret = key.derive(cat("secret of application ", app.client_id));
  return std::optional(SpaceOAuth{std::move(app), std::move(its_secret)});
}

bool concerns_orgs(std::string_view scopes) {
  return std::any_of(std::begin(kOrgScopes), std::end(kOrgScopes),
                     [&](std::string_view name) { return has_scope(scopes, name); });
}

bool OAuthGiven::covers(std::string_view asked_scopes, const std::vector<int64_t>& asked_orgs) const {
  for (const auto name : split(asked_scopes, ' '))
    if (!name.empty() && !has_scope(scopes, name)) return false;
  return std::all_of(asked_orgs.begin(), asked_orgs.end(),
                     [&](int64_t id) { return std::find(orgs.begin(), orgs.end(), id) != orgs.end(); });
}

Result<OAuthGiven> given_to_app(const Hub& hub, const OAuthApp& app, const User& user) {
  const auto row = TRY(hub.db().query_one("SELECT scopes, orgs FROM oauth_grants WHERE app_id = $1 AND user_id = $2",
                                          {app.id, user.id}));
  return row ? OAuthGiven{(*row)[0].text(), numbers_of((*row)[1].text())} : OAuthGiven();
}

Result<std::vector<OAuthGrant>> grants_to_apps(const Hub& hub, const User& user) {
  std::vector<OAuthGrant> out;
  for (const auto& row : TRY(hub.db().query(
           "SELECT oauth_grants.id, oauth_apps.client_id, oauth_apps.name, oauth_grants.scopes, "
           "oauth_grants.created_ms, oauth_grants.used_ms, oauth_grants.orgs FROM oauth_grants JOIN oauth_apps ON "
           "oauth_apps.id = oauth_grants.app_id WHERE oauth_grants.user_id = $1 ORDER BY oauth_grants.id",
           {store::Value(user.id)}))) {
    out.push_back({.id = row[0].integer(),
                   .client_id = row[1].text(),
                   .app = row[2].text(),
                   .scopes = row[3].text(),
                   .orgs = {},
                   .created_ms = row[4].integer(),
                   .used_ms = row[5].integer()});
    for (const auto id : numbers_of(row[6].text()))
      if (const auto name = TRY(hub.db().query_one("SELECT name FROM owners WHERE id = $1", {id})))
        out.back().orgs.push_back((*name)[0].text());
  }
  return out;
}

Status revoke_grant(Hub& hub, const User& user, int64_t grant_id) {
  if (TRY(hub.db().execute("DELETE FROM oauth_grants WHERE id = $1 AND user_id = $2", {grant_id, user.id})) == 0)
    return Status(Code::not_found, cat(user.name, " has let no application do anything under the number ", grant_id));
  return {};
}

Result<OAuthGiven> given_to_token(const Hub& hub, int64_t token_id) {
  const auto row = TRY(hub.db().query_one(
      "SELECT tokens.oauth_scopes, oauth_grants.orgs FROM tokens LEFT JOIN oauth_grants ON oauth_grants.id = "
      "tokens.oauth_grant_id WHERE tokens.id = $1",
      {token_id}));
  if (!row) return OAuthGiven();
  return OAuthGiven{(*row)[0].text(), (*row)[1].is_null() ? std::vector<int64_t>() : numbers_of((*row)[1].text())};
}

}  // namespace hearth::hub
