// A file of a repository or of the store as an answer: ranges, ETag, names. Handlers that send files share it.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>

#include "hub/xet.h"
#include "server/request.h"
#include "store/blobs.h"

namespace hearth::server {

/// A large file of a mirror that has not come from its remote yet: it comes while it is sent.
struct RemoteObject {
  int64_t repo_id = 0;
  std::string sha256;
};

/// The bytes, the stored file that has them, the Xet file that they are put together from on the way, or one to fetch.
using FileContent = std::variant<std::string, store::ObjectName, hub::XetFile, RemoteObject>;

struct FileAnswer {
  std::string name;  ///< shown to whoever saves it
  std::string etag;  ///< without quotes; empty: none
  uint64_t size_bytes = 0;
  FileContent content;
  bool attachment = false;  ///< saved rather than shown
};

/// Where a big file's bytes are: stored here, or with the hub that the repository comes from; nothing
/// otherwise, nor when the repository's owners deleted it for good (hub/maintenance.h).
Result<std::optional<FileContent>> find_content(const Request& rq, const hub::Repo& repo, const std::string& sha256);

/// 200, 206 with Content-Range, 304 for a known ETag, 416; 302 where the object store gives out addresses. Never a
/// script of this origin: what a browser would run is text, in a sandbox.
Response file_response(const Request& rq, FileAnswer file);

}  // namespace hearth::server
