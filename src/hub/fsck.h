// Is everything there that the hub names? Reads the whole hub and changes nothing.
//
// Looked at: each git repository (`git fsck --strict`), the large files that its commits name, files of buckets, the
// Xet form of files and the xorbs of it, rows without folders and folders without rows, and the bytes of what is stored
// against their hashes. Of a mirror whose large files come at their first read, those that have come.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "base/json.h"
#include "base/result.h"
#include "hub/hub.h"

namespace hearth::hub {

struct FsckOptions {
  bool quick = false;  ///< bytes are not read: what is stored under a name is believed to be it
  std::function<void(const std::string& what)> progress = {};
};

struct FsckProblem {
  std::string what;    ///< "git", "content", "damaged", "xorb", "bucket file", "folder", "row"
  std::string where;   ///< "model alice/m", "sha256/ab12...", "models/7.git"
  std::string detail;  ///< a sentence
};

struct FsckReport {
  int64_t repos = 0, contents = 0, objects = 0;  ///< looked at
  std::vector<FsckProblem> problems;

  Json json() const;
};

/// May run beside the server.
Result<FsckReport> check_hub(Hub& hub, const FsckOptions& options);

}  // namespace hearth::hub
