// /api/buckets: buckets come, go and change, and tell what is in them. Their files are in bucket_files.cc.
// Source: huggingface_hub 2.4.0 HfApi.create_bucket, bucket_info, list_buckets, delete_bucket, update_bucket_settings
// (a move is POST /api/repos/move), _buckets.py (BucketInfo).
#include <limits>

#include "base/clock.h"
#include "base/text.h"
#include "hub/buckets.h"
#include "hub/object_id.h"
#include "server/api_json.h"
#include "server/new_repo.h"
#include "server/route.h"

namespace hearth::server::routes {
namespace {

constexpr int64_t kPage = 100, kPageMax = 1000;

void concerns(Request& rq, const hub::Repo& bucket, Json::Object data = {}) {
  rq.audit() = {.target = cat("bucket ", bucket.full_name()), .owner_id = bucket.owner_id, .data = std::move(data)};
}

Result<Json> info_json(const Request& rq, const hub::Repo& bucket) {
  const auto size = TRY(hub::bucket_size(rq.hub(), bucket));
  return Json(Json::Object{{"_id", hub::object_id_of(bucket.id)},
                           {"id", bucket.full_name()},
                           {"author", bucket.owner},
                           {"private", bucket.is_private},
                           {"visibility", bucket.visibility()},
                           {"createdAt", iso_time(bucket.created_ms)},
                           {"updatedAt", iso_time(bucket.modified_ms)},
                           {"size", size.size_bytes},
                           {"totalFiles", size.files}});
}

/// "me" is the caller.
Result<std::string> owner_of(const Request& rq) {
  const auto& name = rq.arg("namespace");
  if (name != "me") return name;
  if (!rq.user()) return Status(Code::unauthenticated, "\"me\" needs a token: hf auth login, or HF_TOKEN");
  return rq.user()->name;
}

Result<Response> create(Request& rq) {
  const auto body = TRY(rq.json());
  const hub::RepoId id{hub::RepoKind::bucket, TRY(owner_of(rq)), rq.arg("name")};
  const auto wanted = TRY(read_new_repo(rq, id, body));
  if (const auto existing = rq.hub().repo(wanted.id);
      existing.ok() && hub::check_access(rq.caller(), *existing, hub::Right::metadata).ok())
    return exists_response(rq, *existing);
  TRY(hub::check_create(rq.caller(), wanted.id.owner, wanted.resource_group_id));
  const auto bucket = TRY(rq.hub().create_repo(wanted));
  concerns(rq, bucket, {{"private", bucket.is_private}});
  return json_response(created_json(rq, bucket));
}

Result<Response> list(Request& rq) {
  const auto owner = TRY(owner_of(rq));
  const auto limit = std::max<int64_t>(TRY(rq.query_int("limit", kPage, kPageMax)), 1);
  const auto before =
      TRY(rq.query_int("cursor", std::numeric_limits<int64_t>::max(), std::numeric_limits<int64_t>::max()));
  const auto page = TRY(hub::list_buckets(rq.hub(), rq.caller(), owner, rq.query("search"), before, limit));
  Json::Array items;
  for (const auto& bucket : page.buckets) items.push_back(TRY(info_json(rq, bucket)));
  return json_page(Json(std::move(items)).dump(), next_address(rq, page.next == 0 ? "" : cat(page.next)));
}

Result<Response> info(Request& rq) {
  return json_response(TRY(info_json(rq, *TRY(rq.repo()))));
}

Result<Response> remove(Request& rq) {
  const auto& bucket = *TRY(rq.repo());
  TRY(rq.hub().delete_repo(bucket, rq.caller().name()));
  concerns(rq, bucket);
  return json_response(Json(Json::Object()));
}

Result<Response> settings(Request& rq) {
  const auto& bucket = *TRY(rq.repo());
  hub::RepoSettings wanted;
  if (const auto visibility = TRY(read_visibility(TRY(rq.json()), bucket.kind)))
    wanted.is_private = visibility->is_private;
  TRY(rq.hub().update_settings(bucket, wanted, rq.caller().name()));
  const auto now = TRY(rq.hub().repo_by_number(bucket.id));
  concerns(rq, bucket, {{"private", now.is_private}});
  return json_response(Json(Json::Object{{"private", now.is_private}, {"visibility", now.visibility()}}));
}

constexpr Route kRoutes[] = {
    {"GET", "/api/buckets/{namespace}", Access::open, list},
    {"POST", "/api/buckets/{namespace}/{name}", Access::signed_in, create},
    {"GET", "/api/buckets/{repo}", Access::metadata, info},
    {"DELETE", "/api/buckets/{repo}", Access::admin, remove},
    {"PUT", "/api/buckets/{repo}/settings", Access::admin, settings},
};

}  // namespace
extern constinit const Routes buckets_entry{kRoutes};
}  // namespace hearth::server::routes
