// GET /api/notifications: the caller's discussions with something new; POST /api/discussions/mark-as-read.
// Source: the Hub's notifications API (huggingface.co/docs/hub/notifications): count{view, unread, all}, start,
// notifications[{type, read, updatedAt, repo{name, type}, discussion{id, num, title, status, isPullRequest}}].
#include <algorithm>

#include "base/clock.h"
#include "base/text.h"
#include "hub/notifications.h"
#include "server/route.h"

namespace hearth::server::routes {
namespace {

constexpr int64_t kPage = 50, kPagesMax = 1'000'000;
constexpr size_t kIdsMax = 1000;

Result<Response> list(Request& rq) {
  const auto status = rq.query("readStatus", "all");
  if (status != "all" && status != "read" && status != "unread")
    return Status(Code::bad_input, cat("readStatus '", status.substr(0, 40), "' is not known (all, read, unread)"));
  const auto start = TRY(rq.query_int("p", 0, kPagesMax)) * kPage;
  const auto page = TRY(hub::list_notifications(
      rq.hub(), rq.caller(), status == "all" ? std::nullopt : std::optional(status == "read"), start, kPage));
  Json::Array items;
  for (const auto& [discussion, repo, mentioned, is_read, updated_ms] : page.notifications)
    items.push_back(
        Json::Object{{"type", "repo"},
                     {"read", is_read},
                     {"mentioned", mentioned},
                     {"updatedAt", iso_time(updated_ms)},
                     {"repo", Json::Object{{"name", repo.full_name()}, {"type", hub::kind_name(repo.kind)}}},
                     {"discussion", Json::Object{{"id", discussion.object_id},
                                                 {"num", discussion.num},
                                                 {"title", discussion.title},
                                                 {"status", hub::status_name(discussion.status)},
                                                 {"isPullRequest", discussion.is_pull_request}}}});
  const auto view = status == "all" ? page.all : status == "unread" ? page.unread : page.all - page.unread;
  return json_response(
      Json(Json::Object{{"count", Json::Object{{"view", view}, {"unread", page.unread}, {"all", page.all}}},
                        {"start", start},
                        {"notifications", std::move(items)}}));
}

// {discussionIds: [...], read: true}; without ids everything.
Result<Response> mark(Request& rq) {
  TRY(hub::check_token(rq.caller(), "user.social.write", {.owner_id = rq.user()->id}));
  const auto body = TRY(rq.json());
  std::vector<std::string> ids;
  for (const auto& id : body["discussionIds"].array()) ids.emplace_back(id.as_string());
  if (ids.size() > kIdsMax) return Status(Code::too_large, cat("at most ", kIdsMax, " discussions at once"));
  TRY(hub::mark_notifications(rq.hub(), rq.caller(), ids, body["read"].as_bool(true)));
  return json_response(Json(Json::Object()));
}

constexpr Route kRoutes[] = {{"GET", "/api/notifications", Access::signed_in, list},
                             {"POST", "/api/discussions/mark-as-read", Access::signed_in, mark}};

}  // namespace
extern constinit const Routes notifications_entry{kRoutes};
}  // namespace hearth::server::routes
