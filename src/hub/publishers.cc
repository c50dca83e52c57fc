#include "hub/publishers.h"

#include <algorithm>

#include "base/clock.h"
#include "base/text.h"

namespace hearth::hub {
namespace {

constexpr size_t kPublishersMax = 20, kClaimsMax = 20, kTextMax = 1000;
constexpr int64_t kTokenS = 3600;
constexpr std::string_view kSelect =
    "SELECT id, repo_id, user_id, issuer, claims, read_only, created_ms, used_ms FROM trusted_publishers WHERE ";

Result<Publisher> publisher_of(const store::Row& row) {
  Publisher out{.id = row[0].integer(),
                .repo_id = row[1].is_null() ? 0 : row[1].integer(),
                .user_id = row[2].integer(),
                .issuer = row[3].text(),
                .claims = TRY(Json::parse(row[4].text())),
                .read_only = row[5].boolean(),
                .created_ms = row[6].integer()};
  if (!row[7].is_null()) out.used_ms = row[7].integer();
  return out;
}

// Its owner as a condition with $1.
std::string place_of(const Repo* repo) {
  return repo ? "repo_id = $1" : "repo_id IS NULL AND user_id = $1";
}
int64_t number_of(const User& user, const Repo* repo) {
  return repo ? repo->id : user.id;
}

Status check(const NewPublisher& wanted) {
  const auto& issuer = wanted.issuer;
  if ((!issuer.starts_with("https://") && !issuer.starts_with("http://")) || issuer.size() > kTextMax ||
      issuer.find_first_of(" ?#") != std::string::npos || !is_utf8(issuer))
    return Status(Code::bad_input,
                  "\"issuer\" is the provider's address, as https://token.actions.githubusercontent.com");
  if (!wanted.claims.is_object() || wanted.claims.size() == 0 || wanted.claims.size() > kClaimsMax)
    return Status(Code::bad_input,
                  cat("\"claims\" has 1 to ", kClaimsMax,
                      " texts that the identity token must hold, as {\"repository\": \"acme/training\", \"ref\": "
                      "\"refs/heads/main\"}: without any, every job at that provider could publish here"));
  for (const auto& [name, value] : wanted.claims.object()) {
    if (!value.is_string() || value.as_string().empty() || value.as_string().size() > kTextMax)
      return Status(Code::bad_input, cat("the claim \"", printable(name.substr(0, 60)), "\" is not a text"));
    if (name == "iss" || name == "aud" || name == "exp")
      return Status(Code::bad_input, cat("\"", name, "\" is checked anyhow; name claims of the job"));
  }
  return {};
}

}  // namespace

Result<Publisher> add_publisher(Hub& hub, const User& user, const Repo* repo, const NewPublisher& wanted) {
  TRY(check(wanted));
  auto transaction = TRY(hub.db().begin());
  const auto count = TRY(transaction.query_one(cat("SELECT count(*) FROM trusted_publishers WHERE ", place_of(repo)),
                                               {number_of(user, repo)}));
  if ((*count)[0].integer() >= static_cast<int64_t>(kPublishersMax))
    return Status(Code::bad_input, cat("there are ", kPublishersMax, " trusted publishers already: remove one first"));
  const auto row = TRY(transaction.query_one(
      "INSERT INTO trusted_publishers (repo_id, user_id, issuer, claims, read_only, created_ms) VALUES ($1, $2, $3, "
      "$4, $5, $6) RETURNING id",
      {repo ? store::Value(repo->id) : store::Value(), user.id, wanted.issuer, wanted.claims.dump(),
       wanted.read_only || !repo, now_ms()}));
  TRY(transaction.commit());
  const auto made = TRY(hub.db().query_one(cat(kSelect, "id = $1"), {(*row)[0]}));
  return publisher_of(*made);
}

Result<std::vector<Publisher>> list_publishers(const Hub& hub, const User& user, const Repo* repo) {
  std::vector<Publisher> out;
  for (const auto& row : TRY(hub.db().query(cat(kSelect, place_of(repo), " ORDER BY id"), {number_of(user, repo)})))
    out.push_back(TRY(publisher_of(row)));
  return out;
}

Status remove_publisher(Hub& hub, const User& user, const Repo* repo, int64_t id) {
  if (TRY(hub.db().execute(cat("DELETE FROM trusted_publishers WHERE ", place_of(repo), " AND id = $2"),
                           {number_of(user, repo), id})) == 0)
    return Status(Code::not_found, cat("there is no trusted publisher ", id, " here"));
  return {};
}

Result<std::vector<Publisher>> publishers_of(const Hub& hub, std::string_view resource, std::string_view issuer) {
  std::optional<Repo> repo;
  User user;
  if (contains(resource, "/")) {
    auto kind = RepoKind::model;
    for (const auto candidate : {RepoKind::dataset, RepoKind::space, RepoKind::kernel})
      if (const auto prefix = kind_prefix(candidate);
          std::count(resource.begin(), resource.end(), '/') == 2 && resource.starts_with(prefix)) {
        kind = candidate;
        resource.remove_prefix(prefix.size());
      }
    auto found = hub.repo(TRY(parse_repo_id(kind, resource)));
    if (!found.ok() && found.status().code() != Code::repo_not_found) return std::move(found).status();
    if (!found.ok()) return std::vector<Publisher>();
    repo = *std::move(found);
  } else {
    TRY(check_name(resource));
    auto found = hub.accounts().user(resource);
    if (!found.ok() && found.status().code() != Code::not_found) return std::move(found).status();
    if (!found.ok()) return std::vector<Publisher>();
    user = *std::move(found);
  }
  auto out = TRY(list_publishers(hub, user, repo ? &*repo : nullptr));
  std::erase_if(out, [&](const Publisher& publisher) { return publisher.issuer != issuer; });
  return out;
}

bool claims_match(const Publisher& publisher, const Json& token_claims) {
  if (publisher.claims.size() == 0) return false;
  for (const auto& [name, value] : publisher.claims.object())
    if (!token_claims[name].is_string() || token_claims[name].as_string() != value.as_string()) return false;
  return true;
}

Result<PublisherToken> give_publisher_token(Hub& hub, const Publisher& publisher, std::string_view subject) {
  const auto name = TRY(hub.db().query_one("SELECT name FROM owners WHERE id = $1", {publisher.user_id}));
  if (!name) return Status(Code::not_found, "whoever set the publisher up is gone");
  PublisherToken out{.token = {}, .expires_s = kTokenS, .user = TRY(hub.accounts().user((*name)[0].text()))};
  TokenScopes scopes{.can_read_gated_repos = true, .global = {}, .scoped = {}};
  if (publisher.repo_id != 0) {
    const auto repo = TRY(hub.repo_by_number(publisher.repo_id));
    scopes.can_read_gated_repos = false;
    scopes.scoped.push_back({.type = std::string(kind_name(repo.kind)),
                             .id = repo.id,
                             .permissions = {publisher.read_only ? "repo.content.read" : "repo.write"}});
  }
  const auto now = now_ms();
  out.token = TRY(hub.accounts().create_token(
      out.user, TokenRole::fine_grained,
      cat("publisher ", printable(subject.substr(0, 120)), " (", publisher.issuer.substr(0, 60), ")"),
      {.scopes = std::move(scopes), .expires_ms = now + kTokenS * 1000, .publisher_id = publisher.id}));
  TRY(hub.db().execute("DELETE FROM tokens WHERE publisher_id = $1 AND expires_ms < $2", {publisher.id, now}));
  TRY(hub.db().execute("UPDATE trusted_publishers SET used_ms = $2 WHERE id = $1", {publisher.id, now}));
  return out;
}

}  // namespace hearth::hub
