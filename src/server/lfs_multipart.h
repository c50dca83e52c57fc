// Multipart LFS uploads: which uploads go in parts, and the addresses of the parts.
// Source: huggingface_hub 2.4.0 lfs.py (_upload_multi_part, _get_sorted_parts_urls), its `lfs-multipart-upload` agent.
#pragma once

#include <cstdint>
#include <string_view>

#include "base/json.h"
#include "server/request.h"

namespace hearth::server {

/// The part size for a file of this size, or 0 when it goes in one piece: up to `multipart_over` bytes (0: 5 GiB).
int64_t lfs_part_size(int64_t size_bytes, int64_t multipart_over);

/// Writes the `upload` action: the address that completes the upload, and in its header `chunk_size` and the parts'
/// addresses under "1", "2", ...
void lfs_multipart_action(JsonWriter& out, const Request& rq, const hub::Repo& repo, std::string_view sha256,
                          int64_t size_bytes, int64_t part_bytes, int64_t lifetime_ms);

}  // namespace hearth::server
