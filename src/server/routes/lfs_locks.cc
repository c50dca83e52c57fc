// Git LFS file locking.
// Source: git-lfs docs/api/locking.md, docs/api/schemas/http-lock-*.json.
#include <algorithm>

#include "base/clock.h"
#include "base/text.h"
#include "hub/lfs_locks.h"
#include "server/route.h"

namespace hearth::server::routes {
namespace {

Response lfs_json(const Json& json, int status = 200) {
  return text_response(json.dump(), "application/vnd.git-lfs+json", status);
}

Json lock_json(const hub::LfsLock& lock) {
  return Json::Object{{"id", cat(lock.id)},
                      {"path", lock.path},
                      {"locked_at", iso_time(lock.locked_ms)},
                      {"owner", Json::Object{{"name", lock.owner}}}};
}

Result<Response> create(Request& rq) {
  const auto body = TRY(rq.json());
  const auto made = TRY(
      hub::lock_path(rq.hub(), *TRY(rq.repo()), *rq.user(), body["path"].as_string(), body["ref"]["name"].as_string()));
  Json answer = Json::Object{{"lock", lock_json(made.lock)}};
  if (made.taken) answer.set("message", cat("already locked by ", made.lock.owner));
  return lfs_json(answer, made.taken ? 409 : 201);
}

Result<int64_t> read_cursor(std::string_view text) {
  if (text.empty()) return 0;
  const auto number = parse_int(text);
  if (!number || *number < 0) return Status(Code::bad_input, "the cursor is not one of this listing");
  return *number;
}

Result<Response> list(Request& rq) {
  hub::LfsLockQuery query;
  query.path = rq.query("path");
  if (const auto id = rq.query("id"); !id.empty()) query.id = parse_int(id).value_or(-1);
  query.after = TRY(read_cursor(rq.query("cursor")));
  query.limit = TRY(rq.query_int("limit", 100, 1000));
  const auto page = TRY(hub::list_locks(rq.hub(), *TRY(rq.repo()), query));
  Json::Array locks;
  for (const auto& lock : page.locks) locks.push_back(lock_json(lock));
  Json answer = Json::Object{{"locks", std::move(locks)}};
  if (page.next) answer.set("next_cursor", cat(page.next));
  return lfs_json(answer);
}

// Asked before every push: whose locks are mine, whose stand in the way.
Result<Response> verify(Request& rq) {
  const auto body = TRY(rq.json());
  hub::LfsLockQuery query;
  query.after = TRY(read_cursor(body["cursor"].as_string()));
  query.limit = std::clamp<int64_t>(body["limit"].as_int(100), 1, 1000);
  const auto page = TRY(hub::list_locks(rq.hub(), *TRY(rq.repo()), query));
  Json::Array ours, theirs;
  for (const auto& lock : page.locks) (lock.owner_id == rq.user()->id ? ours : theirs).push_back(lock_json(lock));
  Json answer = Json::Object{{"ours", std::move(ours)}, {"theirs", std::move(theirs)}};
  if (page.next) answer.set("next_cursor", cat(page.next));
  return lfs_json(answer);
}

Result<Response> unlock(Request& rq) {
  const auto body = TRY(rq.json());
  const auto id = parse_int(rq.arg("id"));
  if (!id) return Status(Code::not_found, cat("there is no lock '", rq.arg("id"), "'"));
  const auto lock = TRY(hub::unlock(rq.hub(), *TRY(rq.repo()), rq.caller(), *id, body["force"].as_bool()));
  return lfs_json(Json::Object{{"lock", lock_json(lock)}});
}

constexpr Route kRoutes[] = {
    {"POST", "/{kind?}/{repo}/info/lfs/locks", Access::write, create},
    {"GET", "/{kind?}/{repo}/info/lfs/locks", Access::content, list},
    {"POST", "/{kind?}/{repo}/info/lfs/locks/verify", Decision{Access::content, "discussion.write"}, verify},
    {"POST", "/{kind?}/{repo}/info/lfs/locks/{id}/unlock", Access::write, unlock},
};

}  // namespace
extern constinit const Routes lfs_locks_entry{kRoutes};
}  // namespace hearth::server::routes
