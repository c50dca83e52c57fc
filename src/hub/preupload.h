// How each file of an upload should travel: inside the commit, or through the store.
// Source: huggingface_hub 2.4.0 _commit_api.py (_fetch_upload_modes).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "hub/hub.h"

namespace hearth::hub {

struct UploadFile {
  std::string path;
  uint64_t size_bytes = 0;
  std::string sample;  ///< the first bytes
};
struct UploadMode {
  std::string path;
  bool is_lfs = false;
  bool ignored = false;            ///< by .gitignore
  std::optional<std::string> oid;  ///< of the file now there: git's id, or the SHA-256 of a big one
};

/// LFS when .gitattributes says so, the sample is binary, or the file is over 10 MB. The texts are those of the files
/// that the same upload brings, else the revision's own count.
Result<std::vector<UploadMode>> preupload(const Hub& hub, const Repo& repo, std::string_view revision,
                                          const std::vector<UploadFile>& files,
                                          const std::optional<std::string>& attributes,
                                          const std::optional<std::string>& ignore);

}  // namespace hearth::hub
