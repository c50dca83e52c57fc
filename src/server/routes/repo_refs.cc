// GET .../refs, GET .../commits/{rev}, POST and DELETE of branches and tags.
// Source: huggingface_hub 2.4.0 HfApi.list_repo_refs, list_repo_commits, create_branch, create_tag.
#include <algorithm>

#include "base/clock.h"
#include "base/encoding.h"
#include "base/text.h"
#include "hub/history.h"
#include "server/api_json.h"
#include "server/route.h"

namespace hearth::server::routes {
namespace {

constexpr int64_t kCommitsPage = 50, kCommitsPageMax = 1000, kPagesMax = 1'000'000;

Json refs_json(const std::vector<hub::RefInfo>& refs) {
  Json::Array out;
  for (const auto& ref : refs)
    out.push_back(Json::Object{{"name", ref.name}, {"ref", ref.ref}, {"targetCommit", ref.target}});
  return out;
}

Result<Response> refs(Request& rq) {
  const auto found = TRY(hub::list_refs(rq.hub(), *TRY(rq.repo())));
  Json out = Json::Object{{"branches", refs_json(found.branches)},
                          {"converts", refs_json(found.converts)},
                          {"tags", refs_json(found.tags)}};
  if (rq.query_flag("include_prs")) out.set("pullRequests", refs_json(found.pull_requests));
  return json_response(out);
}

Result<Response> commits(Request& rq) {
  const auto limit = std::max<int64_t>(TRY(rq.query_int("limit", kCommitsPage, kCommitsPageMax)), 1);
  const auto page = TRY(rq.query_int("p", 0, kPagesMax));
  const auto expand = rq.query_all("expand");
  const bool formatted = std::find(expand.begin(), expand.end(), "formatted") != expand.end();
  const auto found = TRY(hub::list_commits(rq.hub(), *TRY(rq.repo()), rq.arg("rev"), page * limit, limit));
  JsonWriter out;
  out.begin_array();
  for (const auto& commit : found.commits) {
    Json item = Json::Object{{"id", commit.id},
                             {"title", commit.title},
                             {"message", commit.message},
                             {"authors", Json::Array{Json::Object{{"user", commit.author}}}},
                             {"date", iso_time(commit.date_ms)}};
    if (formatted)
      item.set("formatted",
               Json::Object{{"title", html_escape(commit.title)}, {"message", html_escape(commit.message)}});
    out.value(item);
  }
  const bool last = (page + 1) * limit >= found.total;
  auto response = json_page(out.end().take(), last ? "" : next_address(rq, cat(page + 1), "p"));
  response.headers.set("X-Total-Count", cat(found.total));
  return response;
}

Result<Response> create_branch(Request& rq) {
  const auto body = TRY(rq.json());
  TRY(hub::create_branch(rq.hub(), *TRY(rq.repo()), rq.caller(), rq.arg("rev"),
                         {.start = std::string(body["startingPoint"].as_string()),
                          .empty = body["emptyBranch"].as_bool(),
                          .overwrite = body["overwrite"].as_bool()}));
  return json_response(Json(Json::Object()));
}

Result<Response> delete_branch(Request& rq) {
  TRY(hub::delete_branch(rq.hub(), *TRY(rq.repo()), rq.caller(), rq.arg("rev")));
  return json_response(Json(Json::Object()));
}

Result<Response> create_tag(Request& rq) {
  const auto body = TRY(rq.json());
  TRY(hub::create_tag(rq.hub(), *TRY(rq.repo()), *rq.user(), body["tag"].as_string(), rq.arg("rev"),
                      body["message"].as_string()));
  return json_response(Json(Json::Object()));
}

Result<Response> delete_tag(Request& rq) {
  TRY(hub::delete_tag(rq.hub(), *TRY(rq.repo()), *rq.user(), rq.arg("rev")));
  return json_response(Json(Json::Object()));
}

constexpr Route kRoutes[] = {
    {"GET", "/api/{kind}/{repo}/refs", Access::metadata, refs},
    {"GET", "/api/{kind}/{repo}/commits/{rev}", Access::metadata, commits},
    {"POST", "/api/{kind}/{repo}/branch/{rev}", Access::write, create_branch},
    {"DELETE", "/api/{kind}/{repo}/branch/{rev}", Access::write, delete_branch},
    {"POST", "/api/{kind}/{repo}/tag/{rev}", Access::write, create_tag},
    {"DELETE", "/api/{kind}/{repo}/tag/{rev}", Access::write, delete_tag},
};

}  // namespace
extern constinit const Routes repo_refs_entry{kRoutes};
}  // namespace hearth::server::routes
