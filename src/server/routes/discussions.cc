// /api/{kind}/{repo}/discussions: discussions and pull requests of a repository, and what is said and done in them.
// Every row asks for the right to know of the repository; who may speak and who may merge is hub/discussions.h's.
// Source: huggingface_hub 2.4.0 HfApi.get_repo_discussions .. hide_discussion_comment.
#include <algorithm>

#include "base/text.h"
#include "hub/pull_requests.h"
#include "server/api_json.h"
#include "server/discussion_json.h"
#include "server/route.h"

namespace hearth::server::routes {
namespace {

constexpr int64_t kPage = 50, kPageMax = 100, kPagesMax = 1'000'000;

Result<int64_t> number(const Request& rq) {
  const auto num = parse_int(rq.arg("num"));
  if (!num || *num < 1)
    return Status(Code::not_found, cat("'", rq.arg("num").substr(0, 40), "' is no discussion's number"));
  return *num;
}

// One of "all", `yes`, `no`, or nothing at all.
Result<std::optional<bool>> choice(const Request& rq, std::string_view name, std::string_view yes,
                                   std::string_view no) {
  const auto text = rq.query(name, "all");
  if (text == yes) return std::optional(true);
  if (text == no) return std::optional(false);
  if (text == "all") return std::optional<bool>();
  return Status(Code::bad_input, cat(name, " '", text.substr(0, 40), "' is not known (all, ", yes, ", ", no, ")"));
}

Result<Response> list(Request& rq) {
  const auto* repo = TRY(rq.repo());
  hub::DiscussionQuery query;
  query.is_pull_request = TRY(choice(rq, "type", "pull_request", "discussion"));
  query.open = TRY(choice(rq, "status", "open", "closed"));
  query.author = rq.query("author");
  query.search = rq.query("search");
  query.limit = std::max<int64_t>(TRY(rq.query_int("limit", kPage, kPageMax)), 1);
  query.skip = TRY(rq.query_int("p", 0, kPagesMax)) * query.limit;
  const auto page = TRY(hub::list_discussions(rq.hub(), *repo, query));
  Json::Array items;
  for (const auto& discussion : page.discussions) items.push_back(discussion_json(*repo, discussion));
  return json_response(Json(Json::Object{{"discussions", std::move(items)},
                                         {"count", page.total},
                                         {"start", query.skip},
                                         {"numClosedDiscussions", page.closed}}));
}

// What a pull request would change: for those who may read the files alone.
Status add_changes(const Request& rq, const hub::Repo& repo, const hub::Discussion& discussion, Json& out) {
  Json changes = Json::Object{{"base", discussion.base}};
  if (!discussion.merge_commit.empty()) changes.set("mergeCommitId", discussion.merge_commit);
  out.set("changes", std::move(changes));
  Json::Array conflicts;
  const bool undecided =
      discussion.status == hub::DiscussionStatus::open || discussion.status == hub::DiscussionStatus::draft;
  if (undecided)
    for (const auto& path : TRY(hub::merge_conflicts(rq.hub(), repo, discussion))) conflicts.emplace_back(path);
  out.set("filesWithConflicts", std::move(conflicts));
  if (rq.query_flag("diff") && hub::check_access(rq.caller(), repo, hub::Right::content).ok())
    out.set("diff", TRY(hub::pull_request_diff(rq.hub(), repo, discussion)));
  return {};
}

Result<Response> details(Request& rq) {
  const auto* repo = TRY(rq.repo());
  auto discussion = TRY(hub::get_discussion(rq.hub(), *repo, TRY(number(rq))));
  TRY(hub::follow_pull_request(rq.hub(), *repo, discussion));
  auto out = discussion_json(*repo, discussion);
  Json::Array events;
  for (const auto& event : TRY(hub::discussion_events(rq.hub(), discussion)))
    events.push_back(discussion_event_json(*repo, event));
  out.set("events", std::move(events));
  if (discussion.is_pull_request) TRY(add_changes(rq, *repo, discussion, out));
  return json_response(out);
}

Result<Response> open(Request& rq) {
  const auto* repo = TRY(rq.repo());
  TRY(hub::check_discuss(rq.caller(), *repo));
  const auto body = TRY(rq.json());
  hub::NewDiscussion wanted;
  wanted.title = body["title"].as_string();
  wanted.description = body["description"].as_string();
  wanted.is_pull_request = body["pullRequest"].as_bool();
  const auto made = TRY(hub::open_discussion(rq.hub(), *repo, rq.caller(), wanted));
  return json_response(Json(Json::Object{
      {"num", made.num}, {"url", discussion_url(rq, *repo, made.num)}, {"pullRequest", made.is_pull_request}}));
}

Response changed(const hub::Repo& repo, std::string_view key, const hub::DiscussionEvent& event) {
  return json_response(Json(Json::Object{{std::string(key), discussion_event_json(repo, event)}}));
}

Result<Response> comment(Request& rq) {
  const auto* repo = TRY(rq.repo());
  TRY(hub::check_discuss(rq.caller(), *repo));
  const auto body = TRY(rq.json());
  return changed(*repo, "newMessage",
                 TRY(hub::add_comment(rq.hub(), *repo, rq.caller(), TRY(number(rq)), body["comment"].as_string())));
}

Result<Response> rename(Request& rq) {
  const auto* repo = TRY(rq.repo());
  TRY(hub::check_discuss(rq.caller(), *repo));
  const auto body = TRY(rq.json());
  return changed(*repo, "newTitle",
                 TRY(hub::rename_discussion(rq.hub(), *repo, rq.caller(), TRY(number(rq)), body["title"].as_string())));
}

Result<Response> set_status(Request& rq) {
  const auto* repo = TRY(rq.repo());
  TRY(hub::check_discuss(rq.caller(), *repo));
  const auto body = TRY(rq.json());
  const auto status = TRY(hub::parse_discussion_status(body["status"].as_string()));
  return changed(*repo, "newStatus",
                 TRY(hub::set_discussion_status(rq.hub(), *repo, rq.caller(), TRY(number(rq)), status,
                                                body["comment"].as_string())));
}

Result<Response> merge(Request& rq) {
  const auto* repo = TRY(rq.repo());
  TRY(hub::check_discuss(rq.caller(), *repo));
  const auto body = TRY(rq.json());
  const auto merged =
      TRY(hub::merge_pull_request(rq.hub(), *repo, rq.caller(), TRY(number(rq)), body["comment"].as_string()));
  return json_response(
      Json(Json::Object{{"status", hub::status_name(merged.status)}, {"mergeCommitId", merged.merge_commit}}));
}

Result<Response> edit(Request& rq) {
  const auto* repo = TRY(rq.repo());
  TRY(hub::check_discuss(rq.caller(), *repo));
  const auto body = TRY(rq.json());
  return changed(*repo, "updatedComment",
                 TRY(hub::edit_comment(rq.hub(), *repo, rq.caller(), TRY(number(rq)), rq.arg("comment"),
                                       body["content"].as_string())));
}

Result<Response> hide(Request& rq) {
  const auto* repo = TRY(rq.repo());
  return changed(*repo, "updatedComment",
                 TRY(hub::hide_comment(rq.hub(), *repo, rq.caller(), TRY(number(rq)), rq.arg("comment"))));
}

Result<Response> react(Request& rq, bool on) {
  const auto* repo = TRY(rq.repo());
  TRY(hub::check_discuss(rq.caller(), *repo));
  const auto body = TRY(rq.json());
  return changed(*repo, "updatedComment",
                 TRY(hub::react(rq.hub(), *repo, rq.caller(), TRY(number(rq)), rq.arg("comment"),
                                body["reaction"].as_string(), on)));
}
Result<Response> add_reaction(Request& rq) {
  return react(rq, /*on=*/true);
}
Result<Response> remove_reaction(Request& rq) {
  return react(rq, /*on=*/false);
}

Result<Response> pin(Request& rq) {
  const auto* repo = TRY(rq.repo());
  const bool on = TRY(rq.json())["pinned"].as_bool(true);
  return changed(*repo, "newEvent", TRY(hub::set_pinned(rq.hub(), *repo, rq.caller(), TRY(number(rq)), on)));
}

Result<Response> lock(Request& rq) {
  const auto* repo = TRY(rq.repo());
  const bool on = TRY(rq.json())["locked"].as_bool(true);
  return changed(*repo, "newEvent", TRY(hub::set_locked(rq.hub(), *repo, rq.caller(), TRY(number(rq)), on)));
}

Result<Response> remove(Request& rq) {
  TRY(hub::delete_discussion(rq.hub(), *TRY(rq.repo()), rq.caller(), TRY(number(rq))));
  return json_response(Json(Json::Object()));
}

constexpr Route kRoutes[] = {
    {"GET", "/api/{kind}/{repo}/discussions", Access::metadata, list},
    {"POST", "/api/{kind}/{repo}/discussions", {Access::metadata, "discussion.write"}, open},
    {"GET", "/api/{kind}/{repo}/discussions/{num}", Access::metadata, details},
    {"DELETE", "/api/{kind}/{repo}/discussions/{num}", Access::write, remove},
    {"POST", "/api/{kind}/{repo}/discussions/{num}/comment", {Access::metadata, "discussion.write"}, comment},
    {"POST", "/api/{kind}/{repo}/discussions/{num}/title", {Access::metadata, "discussion.write"}, rename},
    {"POST", "/api/{kind}/{repo}/discussions/{num}/status", {Access::metadata, "discussion.write"}, set_status},
    {"POST", "/api/{kind}/{repo}/discussions/{num}/merge", Access::write, merge},
    {"POST", "/api/{kind}/{repo}/discussions/{num}/pin", Access::write, pin},
    {"POST", "/api/{kind}/{repo}/discussions/{num}/lock", Access::write, lock},
    {"POST",
     "/api/{kind}/{repo}/discussions/{num}/comment/{comment}/edit",
     {Access::metadata, "discussion.write"},
     edit},
    {"POST",
     "/api/{kind}/{repo}/discussions/{num}/comment/{comment}/hide",
     {Access::metadata, "discussion.write"},
     hide},
    {"POST",
     "/api/{kind}/{repo}/discussions/{num}/comment/{comment}/reaction",
     {Access::metadata, "discussion.write"},
     add_reaction},
    {"DELETE",
     "/api/{kind}/{repo}/discussions/{num}/comment/{comment}/reaction",
     {Access::metadata, "discussion.write"},
     remove_reaction},
};

}  // namespace
extern constinit const Routes discussions_entry{kRoutes};
}  // namespace hearth::server::routes
