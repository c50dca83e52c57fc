// GET|HEAD /{repo}/resolve/{rev}/{path}: a file's bytes; /raw/ the bytes that git holds (of a big file: its pointer).
// Source: huggingface_hub 2.4.0 file_download.py: get_hf_file_metadata reads X-Repo-Commit, ETag or X-Linked-ETag, and
// Content-Length or X-Linked-Size; a missing file must name the commit too (its absence is cached under it).
#include "base/files.h"
#include "base/text.h"
#include "hub/tree.h"
#include "server/file_response.h"
#include "server/pull_through.h"
#include "server/routes_registry.h"
#include "server/services.h"
#include "server/xet_urls.h"

namespace hearth::server::routes {
namespace {

constexpr std::string_view kXetInfo = "application/vnd.xet-fileinfo+json";

Response missing(const Request& rq, const Status& status, std::string_view commit) {
  auto out = error_response(status, rq.caller().anonymous());
  out.headers.set("X-Repo-Commit", commit);
  return out;
}

// @huggingface/hub 2.17.5 (utils/XetBlob, file-download-info) says so when it can fetch by Xet; it reads the headers.
bool wants_xet(const Request& rq) {
  return contains(rq.header("accept"), kXetInfo);
}

Response xet_info(const Request& rq, const hub::TreeEntry& entry) {
  const auto& hash = entry.lfs->xet_hash;
  auto out = json_response(Json(Json::Object{{"hash", hash},
                                             {"size", entry.size_bytes},
                                             {"etag", entry.etag()},
                                             {"reconstructionUrl", cat(xet_url(rq), "/v1/reconstructions/", hash)}}));
  out.headers.set("Content-Type", kXetInfo);
  out.headers.set("ETag", cat("\"", entry.etag(), "\""));
  return out;
}

Result<Response> answer(Request& rq, bool raw) {
  const auto& repo = *TRY(rq.repo());
  const auto commit = TRY(hub::resolve_revision(rq.hub(), repo, rq.arg("rev")));
  auto found = hub::find_file(rq.hub(), repo, commit, rq.arg("path"));
  if (!found.ok()) return missing(rq, found.status(), commit);
  const auto& entry = found->entry;

  FileAnswer file;
  file.name = path_name(entry.path);
  file.attachment = rq.query_flag("download");
  if (entry.lfs && !raw) {
    file.etag = entry.lfs->sha256;
    file.size_bytes = entry.lfs->size_bytes;
    auto content = TRY(find_content(rq, repo, entry.lfs->sha256));
    if (!content)
      return missing(
          rq,
          Status(
              Code::entry_not_found,
              cat(entry.path, " is only a pointer here: its file was never uploaded to this hub, or deleted for good")),
          commit);
    file.content = *std::move(content);
  } else {
    file.etag = entry.oid;
    auto bytes = TRY(hub::read_blob(rq.hub(), repo, entry.oid));
    file.size_bytes = bytes.size();
    file.content = std::move(bytes);
  }
  const auto size_bytes = file.size_bytes;
  const bool by_xet = entry.lfs && !raw && !entry.lfs->xet_hash.empty();
  auto out = by_xet && wants_xet(rq) ? xet_info(rq, entry) : file_response(rq, std::move(file));
  if (by_xet) add_xet_headers(out, rq, repo, commit, entry.lfs->xet_hash);
  out.headers.set("X-Repo-Commit", commit);
  if (entry.lfs && !raw) {
    out.headers.set("X-Linked-ETag", cat("\"", entry.lfs->sha256, "\""));
    out.headers.set("X-Linked-Size", cat(size_bytes));
  }
  TRY(rq.hub().count_download(repo, entry.path, rq.client_address()));
  return out;
}

Result<Response> resolve(Request& rq) {
  return answer(rq, false);
}
Result<Response> raw(Request& rq) {
  return answer(rq, true);
}

constexpr Route kRoutes[] = {
    {"GET", "/{kind?}/{repo}/resolve/{rev}/{path*}", Access::content, resolve},
    {"GET", "/{kind?}/{repo}/raw/{rev}/{path*}", Access::content, raw},
};

}  // namespace
extern constinit const Routes resolve_entry{kRoutes};
}  // namespace hearth::server::routes
