// What changes a repository's past, and what guards it: POST .../super-squash/{branch}, GET .../lfs-files,
// POST .../lfs-files/batch and .../lfs-files/duplicate, GET and PUT .../protected-branches.
// Source: huggingface_hub 2.4.0 HfApi.super_squash_history, list_lfs_files, permanently_delete_lfs_files,
// _duplicate_lfs_files. Protected branches are this hub's own.
#include <algorithm>

#include "base/clock.h"
#include "base/text.h"
#include "hub/maintenance.h"
#include "hub/protection.h"
#include "server/api_json.h"
#include "server/route.h"

namespace hearth::server::routes {
namespace {

constexpr int64_t kPageMax = 1000;
constexpr size_t kDuplicatesMax = 10'000;

Result<Response> super_squash(Request& rq) {
  const auto body = TRY(rq.json());
  const auto id =
      TRY(hub::super_squash(rq.hub(), *TRY(rq.repo()), rq.caller(), rq.arg("rev"), body["message"].as_string()));
  return json_response(Json(Json::Object{{"success", true}, {"commitOid", id}}));
}

Result<Response> lfs_files(Request& rq) {
  const auto limit = std::max<int64_t>(TRY(rq.query_int("limit", kPageMax, kPageMax)), 1);
  const auto page = TRY(hub::list_stored_files(rq.hub(), *TRY(rq.repo()), std::string(rq.query("cursor")), limit));
  JsonWriter out;
  out.begin_array();
  for (const auto& file : page.files) {
    out.begin_object().field("fileOid", file.sha256).field("oid", file.sha256).field("filename", file.path);
    out.field("pushedAt", iso_time(file.pushed_ms)).field("size", file.size_bytes);
    if (file.ref.empty())
      out.key("ref").null();
    else
      out.field("ref", file.ref);
    out.end();
  }
  return json_page(out.end().take(), next_address(rq, page.next));
}

Result<Response> delete_lfs_files(Request& rq) {
  const auto body = TRY(rq.json());
  const auto& deletions = body["deletions"];
  std::vector<std::string> sha256s;
  for (const auto& sha256 : deletions["sha"].array()) sha256s.emplace_back(sha256.as_string());
  if (sha256s.empty())
    return Status(Code::bad_input, "send {\"deletions\": {\"sha\": [...], \"rewriteHistory\": true}}");
  TRY(hub::delete_stored_files(rq.hub(), *TRY(rq.repo()), rq.caller(), sha256s,
                               deletions["rewriteHistory"].as_bool(true)));
  return json_response(Json(Json::Object{{"success", true}}));
}

// Lets another repository use files of this one, as if they had been uploaded there.
Result<Response> duplicate_lfs_files(Request& rq) {
  const auto body = TRY(rq.json());
  const auto& source = *TRY(rq.repo());
  const auto kind = TRY(hub::parse_kind(body["target"]["type"].as_string("model")));
  auto target = TRY(rq.hub().repo(TRY(hub::parse_repo_id(kind, body["target"]["name"].as_string()))));
  TRY(hub::check_access(rq.caller(), target, hub::Right::write));
  const auto& files = body["files"].array();
  if (files.size() > kDuplicatesMax)
    return Status(Code::too_large, cat(files.size(), " files asked, the limit is ", kDuplicatesMax));
  std::vector<hub::StoredFilePlace> places;
  Json::Array done, failed;
  for (const auto& file : files) {
    const std::string sha256(file["sha256"].as_string());
    if (TRY(rq.hub().may_use_object(rq.caller(), source, sha256))) {
      places.push_back({sha256});
      done.push_back(Json::Object{{"sha256", sha256}});
    } else {
      failed.push_back(Json::Object{{"sha256", sha256}, {"error", cat("not a file of ", source.full_name())}});
    }
  }
  TRY(rq.hub().link_objects(target, places));
  return json_response(Json(Json::Object{{"success", std::move(done)}, {"failed", std::move(failed)}}));
}

Result<Response> protected_branches(Request& rq) {
  Json::Array out;
  for (const auto& rule : TRY(hub::protected_branches(rq.hub(), *TRY(rq.repo()))))
    out.push_back(Json::Object{{"pattern", rule.pattern}, {"push", rule.admin_only ? "admin" : "write"}});
  return json_response(Json(Json::Object{{"protectedBranches", std::move(out)}}));
}

Result<Response> set_protected_branches(Request& rq) {
  const auto body = TRY(rq.json());
  const auto* list = body.find("protectedBranches");
  if (!list || !list->is_array())
    return Status(Code::bad_input,
                  "send {\"protectedBranches\": [{\"pattern\": \"main\", \"push\": \"write\" or \"admin\"}, ...]}");
  std::vector<hub::ProtectedBranch> rules;
  for (const auto& rule : list->array()) {
    const auto push = rule["push"].as_string("write");
    if (push != "write" && push != "admin")
      return Status(Code::bad_input, cat("push '", push.substr(0, 40), "' is not known (write, admin)"));
    rules.push_back({std::string(rule["pattern"].as_string()), push == "admin"});
  }
  TRY(hub::set_protected_branches(rq.hub(), *TRY(rq.repo()), rules));
  return protected_branches(rq);
}

constexpr Route kRoutes[] = {
    {"POST", "/api/{kind}/{repo}/super-squash/{rev}", Access::write, super_squash},
    {"GET", "/api/{kind}/{repo}/lfs-files", Access::write, lfs_files},
    {"POST", "/api/{kind}/{repo}/lfs-files/batch", Access::write, delete_lfs_files},
    {"POST", "/api/{kind}/{repo}/lfs-files/duplicate", Access::content, duplicate_lfs_files, BodyMode::memory,
     8u << 20},
    {"GET", "/api/{kind}/{repo}/protected-branches", Access::metadata, protected_branches},
    {"PUT", "/api/{kind}/{repo}/protected-branches", Access::govern, set_protected_branches},
};

}  // namespace
extern constinit const Routes repo_maintenance_entry{kRoutes};
}  // namespace hearth::server::routes
