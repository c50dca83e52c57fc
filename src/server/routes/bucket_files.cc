// /api/buckets/{repo}/tree, paths-info, batch: the files of a bucket. Their bytes come and go by Xet; a plain download
// is /buckets/{repo}/resolve/{path}.
// Source: huggingface_hub 2.4.0 HfApi.list_bucket_tree, get_bucket_paths_info, batch_bucket_files,
// get_bucket_file_metadata; _buckets.py (BucketFile, BucketFolder). Without `recursive` the client expects every file,
// with recursive=false the level below the prefix.
#include "base/clock.h"
#include "base/files.h"
#include "base/text.h"
#include "hub/buckets.h"
#include "server/api_json.h"
#include "server/route.h"

namespace hearth::server::routes {
namespace {

constexpr int64_t kPage = 1000;
constexpr size_t kPathsMax = 10'000, kOperationsMax = 20'000, kLineMax = 64 << 10;
constexpr uint64_t kBatchMax = 64u << 20;

Json file_json(const hub::BucketFile& file) {
  Json out = Json::Object{{"type", "file"},
                          {"path", file.path},
                          {"size", file.size_bytes},
                          {"xetHash", file.xet_hash},
                          {"mtime", iso_time(file.mtime_ms)},
                          {"uploadedAt", iso_time(file.uploaded_ms)}};
  if (!file.content_type.empty()) out.set("contentType", file.content_type);
  return out;
}

Result<Response> tree(Request& rq) {
  const bool recursive = rq.query("recursive").empty() || rq.query_flag("recursive");
  const auto limit = std::max<int64_t>(TRY(rq.query_int("limit", kPage, kPage)), 1);
  const auto page =
      TRY(hub::list_bucket(rq.hub(), *TRY(rq.repo()), rq.arg("prefix"), recursive, rq.query("cursor"), limit));
  Json::Array items;
  for (const auto& entry : page.entries)
    items.push_back(entry.is_folder ? Json(Json::Object{{"type", "directory"},
                                                        {"path", entry.file.path},
                                                        {"uploadedAt", iso_time(entry.file.uploaded_ms)}})
                                    : file_json(entry.file));
  return json_page(Json(std::move(items)).dump(), next_address(rq, page.next));
}

Result<Response> paths_info(Request& rq) {
  const auto body = TRY(rq.json());
  std::vector<std::string> paths;
  for (const auto& path : body["paths"].array()) paths.emplace_back(path.as_string());
  if (paths.size() > kPathsMax) return Status(Code::too_large, cat("at most ", kPathsMax, " paths a call"));
  Json::Array items;
  for (const auto& file : TRY(hub::bucket_files(rq.hub(), *TRY(rq.repo()), paths))) items.push_back(file_json(file));
  return json_response(Json(std::move(items)));
}

Result<hub::BucketOperation> read_operation(const Json& line) {
  const auto text = [&](std::string_view key) { return std::string(line[key].as_string()); };
  const auto type = line["type"].as_string();
  if (type == "addFile")
    return hub::BucketOperation(
        hub::AddBucketFile{text("path"), text("xetHash"), text("contentType"), line["mtime"].as_int(now_ms())});
  if (type == "copyFile")
    return hub::BucketOperation(hub::CopyBucketFile{
        text("path"), text("xetHash"), text("contentType"), line["mtime"].as_int(now_ms()),
        TRY(hub::parse_repo_id(TRY(hub::parse_kind(line["sourceRepoType"].as_string())), text("sourceRepoId")))});
  if (type == "deleteFile") return hub::BucketOperation(hub::DeleteBucketFile{text("path")});
  return Status(Code::bad_input, cat("type '", type.substr(0, 40), "' is not known (addFile, copyFile, deleteFile)"));
}

Result<std::vector<hub::BucketOperation>> read_operations(std::string_view text) {
  std::vector<hub::BucketOperation> out;
  size_t number = 0;
  for (const auto line : split(text, '\n')) {
    ++number;
    if (trim(line).empty()) continue;
    if (line.size() > kLineMax) return Status(Code::too_large, cat("line ", number, " is over ", kLineMax, " bytes"));
    if (out.size() == kOperationsMax) return Status(Code::too_large, cat("at most ", kOperationsMax, " operations"));
    auto parsed = Json::parse(line);
    if (!parsed.ok()) return std::move(parsed).status().with(cat("line ", number));
    auto operation = read_operation(*parsed);
    if (!operation.ok()) return std::move(operation).status().with(cat("line ", number));
    out.push_back(*std::move(operation));
  }
  if (out.empty()) return Status(Code::bad_input, "a batch has at least one line of JSON");
  return out;
}

Result<Response> batch(Request& rq) {
  const auto& bucket = *TRY(rq.repo());
  const auto operations = TRY(read_operations(rq.body()));
  const auto failures = TRY(hub::change_bucket(rq.hub(), bucket, rq.caller(), operations));
  Json::Array failed;
  for (const auto& failure : failures)
    failed.emplace_back(Json::Object{{"path", failure.path}, {"error", failure.error}});
  const auto done = static_cast<int64_t>(operations.size() - failures.size());
  return json_response(Json(Json::Object{{"success", failures.empty()}, {"processed", done}, {"failed", failed}}),
                       done == 0 ? 422 : 200);
}

constexpr Route kRoutes[] = {
    {"GET", "/api/buckets/{repo}/tree", Access::content, tree},
    {"GET", "/api/buckets/{repo}/tree/{prefix*}", Access::content, tree},
    {"POST", "/api/buckets/{repo}/paths-info", Access::content, paths_info, BodyMode::memory, 16 << 20},
    {"POST", "/api/buckets/{repo}/batch", Access::write, batch, BodyMode::memory, kBatchMax},
};

}  // namespace
extern constinit const Routes bucket_files_entry{kRoutes};
}  // namespace hearth::server::routes
