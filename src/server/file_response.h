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

/// The bytes, the stored file that has them, or the Xet file that they are put together from on the way.
using FileContent = std::variant<std::string, store::ObjectName, hub::XetFile>;

struct FileAnswer {
  std::string name;  ///< shown to whoever saves it
  std::string etag;  ///< without quotes; empty: none
  uint64_t size_bytes = 0;
  FileContent content;
  bool attachment = false;  ///< saved rather than shown
};

/// Where a big file's bytes are; nothing when they are not stored here.
Result<std::optional<FileContent>> find_content(const hub::Hub& hub, const std::string& sha256);

/// 200, 206 with Content-Range, 304 for a known ETag, 416; 302 where the object store gives out addresses. Never a
/// script of this origin: what a browser would run is text, in a sandbox.
Response file_response(const Request& rq, FileAnswer file);

}  // namespace hearth::server
