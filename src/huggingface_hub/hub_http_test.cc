#include "huggingface_hub/hub_http.h"

#include <doctest/doctest.h>

#include "base/clock.h"
#include "base/text.h"
#include "huggingface_hub/hf_api.h"

using namespace hearth;

namespace {

const RepoName kRepo{RepoType::dataset, "ann/rows"};  // NOLINT

HubResponse answer(int status, std::vector<std::pair<std::string, std::string>> headers, std::string body = "") {
  return {status, std::move(headers), std::move(body), "http://hub.lan/x"};
}

}  // namespace

TEST_CASE("hub errors: X-Error-Code decides, and the message says what to do") {
  const HubHttp http("http://hub.lan", std::nullopt);
  const auto status = [&](int code, const char* name) {
    return http.to_status(answer(code, {{"x-error-code", name}}), {&kRepo, "v1", "a.txt"});
  };
  const auto repo = status(401, "RepoNotFound");
  CHECK(repo.code() == Code::repo_not_found);
  CHECK(contains(repo.message(), "dataset 'ann/rows'"));
  CHECK(contains(repo.message(), "hearth auth login"));
  CHECK(status(404, "RevisionNotFound").code() == Code::revision_not_found);
  CHECK(contains(status(404, "RevisionNotFound").message(), "'v1'"));
  CHECK(status(404, "EntryNotFound").code() == Code::entry_not_found);
  CHECK(contains(status(404, "EntryNotFound").message(), "'a.txt'"));
  CHECK(status(403, "GatedRepo").code() == Code::gated);
  // With a token the advice is another one.
  const HubHttp known("http://hub.lan", "hf_x");
  CHECK(contains(known.to_status(answer(404, {{"X-Error-Code", "RepoNotFound"}}), {&kRepo}).message(),
                 "hearth repos create ann/rows --repo-type dataset"));
}

TEST_CASE("hub errors: a wrong token is told from a missing one") {
  const HubHttp http("http://hub.lan", "hf_x");
  const auto wrong =
      http.to_status(answer(401, {{"X-Error-Message", "Invalid credentials in Authorization header"}}), {&kRepo});
  CHECK(wrong.code() == Code::unauthenticated);
  CHECK(contains(wrong.message(), "does not accept the token"));
  const HubHttp anonymous("http://hub.lan", std::nullopt);
  CHECK(contains(anonymous.to_status(answer(401, {}), {}).message(), "needs an account"));
}

TEST_CASE("hub errors: the server's own words are kept, on one line") {
  const HubHttp http("http://hub.lan", std::nullopt);
  const auto status =
      http.to_status(answer(400, {}, R"({"error": "bad\nname", "errors": [{"message": "line 3"}]})"), {});
  CHECK(status.code() == Code::bad_input);
  CHECK(status.message() == "bad name; line 3");
  CHECK(http.to_status(answer(412, {}), {&kRepo}).code() == Code::precondition);
  CHECK(http.to_status(answer(429, {}), {}).code() == Code::busy);
  CHECK(http.to_status(answer(507, {}), {}).code() == Code::no_space);
  CHECK(http.to_status(answer(502, {}, "<html>"), {}).code() == Code::unavailable);
}

TEST_CASE("hub: what is the Hub's own address") {
  const HubHttp http("http://hub.lan:80", std::nullopt);
  CHECK(http.is_own("http://HUB.lan/x"));
  CHECK(http.is_own("/api/models"));
  CHECK_FALSE(http.is_own("https://hub.lan/x"));
  CHECK_FALSE(http.is_own("http://hub.lan:8080/x"));
  CHECK_FALSE(http.is_own("http://hub.lan.evil/x"));
}

TEST_CASE("hub: a file's metadata comes from its headers, linked ones first") {
  const HfApi api(HubHttp("http://hub.lan", std::nullopt));
  const std::string commit(40, 'a');
  const auto plain =
      api.file_metadata(answer(200, {{"X-Repo-Commit", commit}, {"ETag", "W/\"abc\""}, {"Content-Length", "7"}}));
  REQUIRE(plain.ok());
  CHECK(plain->etag == "abc");
  CHECK(plain->size == 7u);
  const auto linked = api.file_metadata(answer(302, {{"X-Repo-Commit", commit},
                                                     {"ETag", "\"x\""},
                                                     {"X-Linked-ETag", "\"deadbeef\""},
                                                     {"X-Linked-Size", "12"},
                                                     {"Content-Length", "5"},
                                                     {"Location", "https://cdn/y"}}));
  REQUIRE(linked.ok());
  CHECK(linked->etag == "deadbeef");
  CHECK(linked->size == 12u);
  CHECK(linked->location == "https://cdn/y");
  // The etag becomes a file's name, the commit a folder's.
  for (const char* etag : {"\"../../x\"", "\"\"", "\".hidden\""})
    CHECK_FALSE(api.file_metadata(answer(200, {{"X-Repo-Commit", commit}, {"ETag", etag}})).ok());
  CHECK_FALSE(api.file_metadata(answer(200, {{"X-Repo-Commit", "../x"}, {"ETag", "\"a\""}})).ok());
  CHECK(api.hf_hub_url(kRepo, "refs/pr/1", "a b/c.txt") ==
        "http://hub.lan/datasets/ann/rows/resolve/refs%2Fpr%2F1/a%20b/c.txt");
}

TEST_CASE("hub: a wait ends at a stop, and nobody listening is unavailable") {
  std::stop_source source;
  source.request_stop();
  const auto begin = monotonic_ms();
  CHECK_FALSE(wait_for(10, source.get_token()));
  CHECK(monotonic_ms() - begin < 5000);
  const HubHttp http("http://127.0.0.1:1", std::nullopt);
  const auto answer_of_none = http.send({.target = "/api/models"});
  CHECK(answer_of_none.status().code() == Code::unavailable);
  CHECK(contains(answer_of_none.status().message(), "hearth serve"));
}
