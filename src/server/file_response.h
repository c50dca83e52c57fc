// A file of a repository or of the store as an answer: ranges, ETag, names. Handlers that send files share it.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <variant>

#include "server/request.h"
#include "store/blobs.h"

namespace hearth::server {

struct FileAnswer {
  std::string name;  ///< shown to whoever saves it
  std::string etag;  ///< without quotes; empty: none
  uint64_t size_bytes = 0;
  std::variant<std::string, store::ObjectName> content;  ///< the bytes, or where they are stored
  bool attachment = false;                               ///< saved rather than shown
};

/// 200, 206 with Content-Range, 304 for a known ETag, 416; 302 where the object store gives out addresses. Never a
/// script of this origin: what a browser would run is text, in a sandbox.
Response file_response(const Request& rq, FileAnswer file);

}  // namespace hearth::server
