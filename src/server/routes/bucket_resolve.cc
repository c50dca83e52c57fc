// GET|HEAD /buckets/{repo}/resolve/{path}: a bucket's file by plain HTTP, with ranges; the headers lead to Xet.
// Source: huggingface_hub 2.4.0 HfApi.get_bucket_file_metadata (X-Xet-Hash, the Link to a token, X-Linked-Size),
// hf_file_system.py (ranges).
#include "base/files.h"
#include "base/text.h"
#include "hub/buckets.h"
#include "server/file_response.h"
#include "server/routes_registry.h"
#include "server/xet_urls.h"

namespace hearth::server::routes {
namespace {

Result<Response> resolve(Request& rq) {
  const auto& bucket = *TRY(rq.repo());
  const auto found = TRY(hub::bucket_file(rq.hub(), bucket, rq.arg("path")));
  FileAnswer file{.name = std::string(path_name(found.path)),
                  .etag = found.sha256,
                  .size_bytes = static_cast<uint64_t>(found.size_bytes),
                  .attachment = rq.query_flag("download")};
  if (found.size_bytes > 0) {
    auto content = TRY(find_content(rq, bucket, found.sha256));
    if (!content) return Status(Code::io, cat("the content of ", found.path, " is not in the store"));
    file.content = *std::move(content);
  }
  auto out = file_response(rq, std::move(file));
  add_xet_headers(out, rq, bucket, {}, found.xet_hash);
  out.headers.set("X-Linked-ETag", cat("\"", found.sha256, "\""));
  out.headers.set("X-Linked-Size", cat(found.size_bytes));
  if (rq.method() == "GET" && rq.header("x-hf-download-counter") == "1")
    TRY(rq.hub().count_download(bucket, found.path, rq.client_address()));
  return out;
}

constexpr Route kRoutes[] = {{"GET", "/buckets/{repo}/resolve/{path*}", Access::content, resolve}};

}  // namespace
extern constinit const Routes bucket_resolve_entry{kRoutes};
}  // namespace hearth::server::routes
