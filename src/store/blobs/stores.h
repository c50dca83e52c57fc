// The object stores behind store/blobs.h.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "store/blobs.h"

namespace hearth::store {

/// Files in `folder`.
Result<std::unique_ptr<Blobs>> open_disk(std::string folder);
/// `s3://bucket/prefix?...`, see open_blobs.
Result<std::unique_ptr<Blobs>> open_s3(std::string folder, std::string_view where);

}  // namespace hearth::store
