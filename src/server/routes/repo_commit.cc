// POST .../preupload/{rev}: how each file should travel; POST .../commit/{rev}: newline-separated JSON, one operation a
// line after the header. The body lies in a file, so that a commit of 100 MB takes no more memory than its files.
// Source: huggingface_hub 2.4.0 _commit_api.py (_fetch_upload_modes, _prepare_commit_payload), HfApi.create_commit.
#include "base/encoding.h"
#include "base/text.h"
#include "hub/commit.h"
#include "hub/preupload.h"
#include "server/api_json.h"
#include "server/route.h"

namespace hearth::server::routes {
namespace {

constexpr size_t kPreuploadFilesMax = 1000;
constexpr uint64_t kCommitBodyMax = 1u << 30;
constexpr uint64_t kContentMax = 512u << 20;  // of all regular files of a commit

std::optional<std::string> optional_text(const Json& body, std::string_view key) {
  if (!body[key].is_string()) return std::nullopt;
  return std::string(body[key].as_string());
}

Result<Response> preupload(Request& rq) {
  const auto body = TRY(rq.json());
  const auto& wanted = body["files"].array();
  if (wanted.size() > kPreuploadFilesMax)
    return Status(Code::too_large, cat(wanted.size(), " files asked, the limit is ", kPreuploadFilesMax));
  std::vector<hub::UploadFile> files;
  for (const auto& file : wanted) {
    const auto size = file["size"].as_int(-1);
    if (size < 0) return Status(Code::bad_input, "every file needs a \"size\"");
    files.push_back({.path = std::string(file["path"].as_string()),
                     .size_bytes = static_cast<uint64_t>(size),
                     .sample = TRY(from_base64(file["sample"].as_string()))});
  }
  const auto modes = TRY(hub::preupload(rq.hub(), *TRY(rq.repo()), rq.arg("rev"), files,
                                        optional_text(body, "gitAttributes"), optional_text(body, "gitIgnore")));
  JsonWriter out;
  out.begin_object().key("files").begin_array();
  for (const auto& mode : modes) {
    out.begin_object()
        .field("path", mode.path)
        .field("uploadMode", mode.is_lfs ? "lfs" : "regular")
        .field("shouldIgnore", mode.ignored)
        .field("oid", mode.oid ? Json(*mode.oid) : Json())
        .end();
  }
  return json_response(out.end().end().take());
}

Result<hub::Operation> read_operation(std::string_view key, const Json& value) {
  const auto text = [&](std::string_view name) { return std::string(value[name].as_string()); };
  if (key == "file") {
    const auto encoding = value["encoding"].as_string("utf-8");
    if (encoding == "base64")
      return hub::Operation(hub::PutFile{text("path"), TRY(from_base64(value["content"].as_string()))});
    if (encoding == "utf-8") return hub::Operation(hub::PutFile{text("path"), text("content")});
    return Status(Code::bad_input, cat("encoding '", encoding.substr(0, 40), "' is not known (base64, utf-8)"));
  }
  if (key == "lfsFile") {
    if (const auto algo = value["algo"].as_string("sha256"); algo != "sha256")
      return Status(Code::bad_input, cat("algo '", algo.substr(0, 40), "' is not known (sha256)"));
    std::optional<uint64_t> size;
    if (value["size"].as_int(-1) >= 0) size = static_cast<uint64_t>(value["size"].as_int());
    return hub::Operation(hub::PutLfsFile{text("path"), text("oid"), size});
  }
  if (key == "deletedFile") return hub::Operation(hub::DeleteFile{text("path")});
  if (key == "deletedFolder") return hub::Operation(hub::DeleteFolder{text("path")});
  return Status(Code::bad_input,
                cat("'", key.substr(0, 40), "' is not known (header, file, lfsFile, deletedFile, deletedFolder)"));
}

Result<hub::NewCommit> read_commit(std::string_view text) {
  hub::NewCommit out;
  bool header = false;
  uint64_t content = 0;
  int64_t number = 0;
  while (!text.empty()) {
    const auto end = text.find('\n');
    const auto line = trim(text.substr(0, end));
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
    ++number;
    if (line.empty()) continue;
    auto parsed = Json::parse(line);
    if (!parsed.ok()) return std::move(parsed).status().with(cat("line ", number));
    const auto& value = (*parsed)["value"];
    const auto key = (*parsed)["key"].as_string();
    if (key == "header") {
      out.summary = value["summary"].as_string();
      out.description = value["description"].as_string();
      out.parent = value["parentCommit"].as_string();
      header = true;
      continue;
    }
    auto operation = read_operation(key, value);
    if (!operation.ok()) return std::move(operation).status().with(cat("line ", number));
    if (const auto* file = std::get_if<hub::PutFile>(&*operation)) content += file->bytes.size();
    if (content > kContentMax)
      return Status(Code::too_large, "the regular files of one commit are over 512 MB together; split it or use LFS");
    out.operations.push_back(*std::move(operation));
  }
  if (!header)
    return Status(Code::bad_input, "a commit begins with a line {\"key\": \"header\", \"value\": {\"summary\": ...}}");
  return out;
}

Result<Response> commit(Request& rq) {
  if (rq.query_flag("create_pr"))
    return Status(Code::unsupported,
                  "this hub has no pull requests yet: commit to a branch instead (create_branch, revision=)");
  hub::NewCommit wanted;
  {
    const auto body = TRY(MappedFile::open(rq.spooled().path()));
    wanted = TRY(read_commit(body.text()));
  }
  wanted.branch = rq.arg("rev");
  const auto* repo = TRY(rq.repo());
  const auto done = TRY(hub::create_commit(rq.hub(), *repo, rq.caller(), wanted));
  return json_response(Json(Json::Object{{"success", true},
                                         {"commitOid", done.id},
                                         {"commitUrl", cat(repo_url(rq, *repo), "/commit/", done.id)},
                                         {"hookOutput", ""}}));
}

constexpr Route kRoutes[] = {
    {"POST", "/api/{kind}/{repo}/preupload/{rev}", Access::write, preupload, BodyMode::memory, 8u << 20},
    {"POST", "/api/{kind}/{repo}/commit/{rev}", Access::write, commit, BodyMode::spool, kCommitBodyMax},
};

}  // namespace
extern constinit const Routes repo_commit_entry{kRoutes};
}  // namespace hearth::server::routes
