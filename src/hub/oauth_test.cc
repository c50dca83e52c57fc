#include "hub/oauth.h"

#include <doctest/doctest.h>

#include "base/files.h"
#include "hub/commit.h"

namespace hearth::hub {

TEST_CASE("oauth: redirect addresses are exact, but for the port of this machine and a Space's own host") {
  OAuthApp app{.redirect_uris = {"https://wiki.example.org/back", "http://localhost:1/cb"}};
  const auto may = [&](std::string_view uri, std::string_view label = "") {
    return may_redirect(app, uri, "hub.example.org:8686", label);
  };
  CHECK(may("https://wiki.example.org/back"));
  CHECK(may("http://localhost:5555/cb"));
  for (const auto uri :
       {"https://wiki.example.org/back/", "https://wiki.example.org/back?x=1", "http://wiki.example.org/back",
        "https://wiki.example.org:444/back", "http://localhost:5555/other", "http://127.0.0.1:1/cb",
        "http://localhost:1@evil.example/cb", "javascript:alert(1)", "data:text/html,x", "//evil.example",
        "https://wiki.example.org/back#x", "https:\\\\evil.example"})
    CHECK_FALSE_MESSAGE(may(uri), uri);
  CHECK_FALSE(may("https://alice-demo.hub.example.org/login/callback", "alice-demo"));  // no Space's app
  app.space_id = 1;
  CHECK(may("https://alice-demo.hub.example.org/login/callback", "alice-demo"));
  CHECK(may("http://alice-demo.hub.example.org:7860/any", "alice-demo"));
  for (const auto uri : {"https://alice-demo.evil.example/login", "https://bob-demo.hub.example.org/login",
                         "https://alice-demo.hub.example.org.evil.example/", "https://x.alice-demo.hub.example.org/"})
    CHECK_FALSE_MESSAGE(may(uri, "alice-demo"), uri);
}

TEST_CASE("oauth: scopes are the app's, whatever is asked") {
  const OAuthApp app{.scopes = "openid profile read-repos"};
  CHECK(allowed_scopes(app, "") == "openid profile read-repos");
  CHECK(allowed_scopes(app, "read-repos write-repos openid") == "openid read-repos");
  CHECK(allowed_scopes(app, "write-repos").empty());
  CHECK_FALSE(has_scope("read-repos", "read"));
}

TEST_CASE("oauth: a Space with hf_oauth in its card has an application, and keeps id and secret") {
  const TempFolder folder;
  auto opened = Hub::open(folder.path());
  REQUIRE(opened.ok());
  auto& hub = **opened;
  const auto alice = hub.accounts().create_user("alice", "a long password");
  REQUIRE(alice.ok());
  const auto space = hub.create_repo({.id = {RepoKind::space, "alice", "demo"}, .sdk = "gradio"});
  REQUIRE(space.ok());
  const auto key = SigningKey::open(folder.path() + "/oauth.pem");
  REQUIRE(key.ok());
  const auto none = space_oauth(hub, *key, *space);
  REQUIRE(none.ok());
  CHECK_FALSE(none->has_value());
  const auto write = [&](std::string card) {
    NewCommit commit{.branch = "main", .summary = "card"};
    commit.operations.emplace_back(PutFile{"README.md", std::move(card)});
    const auto done = create_commit(hub, *space, Caller{.user = *alice}, commit);
    REQUIRE_MESSAGE(done.ok(), done.status().message());
  };
  write(
      "---\nsdk: gradio\nhf_oauth: true\nhf_oauth_scopes: [read-repos, nonsense]\nhf_oauth_expiration_minutes: "
      "60\n---\n");
  const auto made = space_oauth(hub, *key, *space);
  REQUIRE(made.ok());
  REQUIRE(made->has_value());
  CHECK((*made)->app.scopes == "openid profile read-repos");
  CHECK((*made)->app.token_minutes == 60);
  CHECK(check_oauth_secret(hub, (*made)->app, (*made)->secret).ok());
  CHECK_FALSE(check_oauth_secret(hub, (*made)->app, "").ok());
  write("---\nsdk: gradio\nhf_oauth: true\nhf_oauth_authorized_org: acme\n---\n");
  const auto again = space_oauth(hub, *key, *space);
  REQUIRE(again.ok());
  REQUIRE(again->has_value());
  CHECK((*again)->app.client_id == (*made)->app.client_id);
  CHECK((*again)->secret == (*made)->secret);
  CHECK((*again)->app.scopes == "openid profile");
  const auto stranger = approve_code(hub, (*again)->app, Caller{.user = *alice}, {.scopes = "openid"});
  CHECK(stranger.status().code() == Code::forbidden);  // alice is no member of acme
}

}  // namespace hearth::hub
