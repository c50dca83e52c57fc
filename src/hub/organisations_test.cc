#include "hub/organisations.h"

#include <doctest/doctest.h>

#include "base/clock.h"
#include "base/text.h"
#include "hub/index.h"
#include "hub/testing.h"

namespace hearth::hub {
namespace {

template <class T>
T ok(Result<T> result) {
  REQUIRE_MESSAGE(result.ok(), result.status().message());
  return std::move(result).value();
}
void ok(const Status& status) {
  REQUIRE_MESSAGE(status.ok(), status.message());
}

// acme, with a member of each role, a private repository of its administrator's and one of its contributor's; eve is in
// another organisation.
struct Acme {
  TestFolder temp;
  std::unique_ptr<Hub> hub = ok(Hub::open(temp.path()));
  User boss = user("boss"), writer = user("writer"), helper = user("helper"), reader = user("reader"),
       ghost = user("ghost"), eve = user("eve");
  Org acme = ok(create_org(*hub, {.name = "acme", .fullname = "Acme Corp.", .default_private = true}, boss));
  Org other = ok(create_org(*hub, {.name = "other"}, eve));
  Repo secret = repo("secret", true, boss), seen = repo("seen", false, boss), own = repo("own", true, helper);

  Acme() {
    ok(set_member(*hub, acme, writer, OrgRole::write));
    ok(set_member(*hub, acme, helper, OrgRole::contributor));
    ok(set_member(*hub, acme, reader, OrgRole::read));
    ok(set_member(*hub, acme, ghost, OrgRole::no_access));
  }
  User user(std::string_view name) { return ok(hub->accounts().create_user(name, "a long password")); }
  Repo repo(std::string name, bool is_private, const User& creator, int64_t group = 0) {
    return ok(hub->create_repo({.id = {RepoKind::model, "acme", std::move(name)},
                                .is_private = is_private,
                                .creator_id = creator.id,
                                .resource_group_id = group}));
  }
  Caller as(const User& who) { return ok(hub->accounts().caller_of(who)); }
  Caller with_scopes(const User& who, TokenScopes scopes) {
    const auto token =
        ok(hub->accounts().create_token(who, TokenRole::fine_grained, "t", {.scopes = std::move(scopes)}));
    return ok(hub->accounts().caller_by_token(token));
  }
  // One letter a right: m(etadata) c(ontent) w(rite) a(dmin), those that the caller has.
  std::string rights(const Caller& caller, const Repo& on) {
    std::string out;
    for (const auto& [right, letter] : {std::pair(Right::metadata, 'm'), std::pair(Right::content, 'c'),
                                        std::pair(Right::write, 'w'), std::pair(Right::admin, 'a')})
      if (check_access(caller, on, right).ok()) out.push_back(letter);
    return out;
  }
  std::string listed(const Caller& caller) {
    std::string out;
    for (const auto& item :
         ok(list_repos(*hub, caller, {.kind = RepoKind::model, .sort = SortKey::created_at, .ascending = true})).items)
      out += cat(out.empty() ? "" : " ", item.repo.name);
    return out;
  }
};

}  // namespace

TEST_CASE_FIXTURE(Acme, "organisations: what each role may do") {
  CHECK(rights(as(boss), secret) == "mcwa");
  CHECK(rights(as(writer), secret) == "mcwa");
  CHECK(rights(as(helper), secret) == "mc");
  CHECK(rights(as(helper), own) == "mcwa");
  CHECK(rights(as(reader), secret) == "mc");
  CHECK(rights(as(reader), own) == "mc");
  CHECK(rights(as(ghost), secret) == "");
  CHECK(rights(as(ghost), seen) == "mc");
  CHECK(rights(as(eve), secret) == "");
  CHECK(rights(as(eve), seen) == "mc");
  CHECK(rights({}, seen) == "mc");
  CHECK(check_access(as(eve), secret, Right::write).code() == Code::repo_not_found);
  CHECK(check_access(as(eve), seen, Right::write).code() == Code::forbidden);
  CHECK(check_access({}, seen, Right::write).code() == Code::unauthenticated);
  for (const auto& [who, may] : {std::pair(&boss, true), std::pair(&writer, true), std::pair(&helper, true),
                                 std::pair(&reader, false), std::pair(&ghost, false), std::pair(&eve, false)}) {
    INFO(who->name);
    CHECK(check_create(as(*who), "ACME").ok() == may);
    CHECK(check_create(as(*who), who->name).ok());
  }
}

TEST_CASE_FIXTURE(Acme, "organisations: lists show what the rule shows") {
  CHECK(listed(as(boss)) == "secret seen own");
  CHECK(listed(as(reader)) == "secret seen own");
  CHECK(listed(as(ghost)) == "seen");
  CHECK(listed(as(eve)) == "seen");
  CHECK(listed({}) == "seen");
  auto site_admin = as(eve);
  site_admin.user->is_admin = true;
  CHECK(listed(site_admin) == "secret seen own");
}

TEST_CASE_FIXTURE(Acme, "organisations: names are shared with users; the last administrator stays") {
  CHECK(create_org(*hub, {.name = "Boss"}, boss).status().code() == Code::conflict);
  CHECK(hub->accounts().create_user("ACME", "a long password").status().code() == Code::conflict);
  CHECK(create_org(*hub, {.name = "api"}, boss).status().code() == Code::bad_input);
  CHECK(set_member(*hub, acme, boss, OrgRole::read).code() == Code::conflict);
  CHECK(remove_member(*hub, acme, boss).code() == Code::conflict);
  ok(set_member(*hub, acme, writer, OrgRole::admin));
  ok(remove_member(*hub, acme, boss));
  CHECK(remove_member(*hub, acme, boss).code() == Code::not_found);
  CHECK(rights(as(boss), secret) == "");
  CHECK(ok(count_members(*hub, acme)) == 4);
  CHECK(ok(find_org(*hub, "Acme")).fullname == "Acme Corp.");
  CHECK(find_org(*hub, "boss").status().code() == Code::not_found);
  CHECK(ok(default_private(*hub, "ACME")));
  CHECK_FALSE(ok(default_private(*hub, "other")));
  CHECK_FALSE(ok(default_private(*hub, "boss")));
}

TEST_CASE_FIXTURE(Acme, "tokens: fine-grained ones do what their scopes say and no more than their user") {
  const auto on = [](std::string type, int64_t id, std::vector<std::string> permissions) {
    return TokenScopes{.scoped = {{std::move(type), id, std::move(permissions)}}};
  };
  const auto none = with_scopes(boss, {});
  CHECK(rights(none, secret) == "");
  CHECK(rights(none, seen) == "mc");
  CHECK(listed(none) == "seen");
  CHECK(check_create(none, "acme").code() == Code::forbidden);

  const auto read_one = with_scopes(boss, on("model", secret.id, {"repo.content.read"}));
  CHECK(rights(read_one, secret) == "mc");
  CHECK(rights(read_one, own) == "");
  CHECK(listed(read_one) == "secret seen");
  // The same number of another kind of thing is not the repository.
  for (const std::string other_type : {"dataset", "collection", "bucket", "org", "resource-group"}) {
    const auto elsewhere = with_scopes(boss, on(other_type, secret.id, {"repo.write"}));
    INFO(other_type);
    CHECK(rights(elsewhere, secret) == "");
    CHECK(listed(elsewhere) == "seen");
  }

  const auto write_org = with_scopes(boss, on("org", acme.id, {"repo.write"}));
  CHECK(rights(write_org, secret) == "mcwa");
  CHECK(check_create(write_org, "acme").ok());
  CHECK(check_create(write_org, "boss").code() == Code::forbidden);
  CHECK(listed(write_org) == "secret seen own");
  CHECK(rights(with_scopes(reader, on("org", acme.id, {"repo.write"})), secret) == "mc");
  CHECK(rights(with_scopes(eve, on("org", acme.id, {"repo.write"})), secret) == "");

  const auto talker = with_scopes(boss, {.global = {"discussion.write"}});
  CHECK(check_access(talker, seen, Right::metadata, "discussion.write").ok());
  CHECK(check_access(talker, seen, Right::write).code() == Code::forbidden);
  CHECK(check_access(none, seen, Right::metadata, "discussion.write").code() == Code::forbidden);
  CHECK(check_access({}, seen, Right::metadata, "discussion.write").code() == Code::unauthenticated);
}

TEST_CASE_FIXTURE(Acme, "tokens: gated files need the content scope or canReadGatedRepos") {
  ok(hub->update_settings(seen, {.gated = "auto"}));
  const auto gated = ok(hub->repo_by_number(seen.id));
  CHECK(check_access(as(reader), gated, Right::content).ok());
  CHECK(check_access(as(eve), gated, Right::content).code() == Code::gated);
  CHECK(check_access(with_scopes(reader, {}), gated, Right::content).code() == Code::gated);
  CHECK(check_access(with_scopes(reader, {.can_read_gated_repos = true}), gated, Right::content).ok());
  CHECK(check_access(with_scopes(eve, {.can_read_gated_repos = true}), gated, Right::content).code() == Code::gated);
}

TEST_CASE_FIXTURE(Acme, "tokens: expiry, scopes that are none, what lists show") {
  auto& accounts = hub->accounts();
  const auto soon = ok(accounts.create_token(boss, TokenRole::write, "soon", {.expires_ms = now_ms() + 60'000}));
  CHECK(ok(accounts.caller_by_token(soon)).token_expires_ms.has_value());
  ok(hub->db().execute("UPDATE tokens SET expires_ms = $1", {now_ms() - 1}));
  CHECK(accounts.caller_by_token(soon).status().code() == Code::unauthenticated);
  CHECK(accounts.create_token(boss, TokenRole::write, "t", {.expires_ms = 1}).status().code() == Code::bad_input);
  CHECK(accounts.create_token(boss, TokenRole::fine_grained, "t").status().code() == Code::bad_input);
  CHECK(accounts.create_token(boss, TokenRole::read, "t", {.scopes = TokenScopes()}).status().code() ==
        Code::bad_input);
  CHECK(accounts.create_token(boss, TokenRole::fine_grained, "t", {.scopes = TokenScopes{.global = {"all"}}})
            .status()
            .code() == Code::bad_input);
  const auto listed_tokens = ok(accounts.tokens(boss));
  REQUIRE(listed_tokens.size() == 1);
  CHECK(listed_tokens[0].hint == soon.substr(soon.size() - 4));
}

TEST_CASE_FIXTURE(Acme, "sessions: listed, ended one by one and all but one") {
  auto& accounts = hub->accounts();
  const auto here = ok(accounts.create_session(boss, {.address = "192.0.2.1", .agent = "Firefox"}));
  const auto there = ok(accounts.create_session(boss)), third = ok(accounts.create_session(boss));
  const auto mine = ok(accounts.caller_by_session(here)).session_id;
  CHECK(ok(accounts.sessions(boss)).size() == 3);
  CHECK(accounts.revoke_session(eve, mine).code() == Code::not_found);
  ok(accounts.revoke_session(boss, ok(accounts.caller_by_session(there)).session_id));
  CHECK(accounts.caller_by_session(there).status().code() == Code::unauthenticated);
  ok(accounts.revoke_sessions(boss, mine));
  CHECK(accounts.caller_by_session(third).status().code() == Code::unauthenticated);
  const auto left = ok(accounts.sessions(boss));
  REQUIRE(left.size() == 1);
  CHECK(left[0].id == mine);
  CHECK(left[0].origin.address == "192.0.2.1");
  CHECK(left[0].origin.agent == "Firefox");
}

}  // namespace hearth::hub
