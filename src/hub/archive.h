// Repositories as one file for machines without internet: a tar with a manifest, a git bundle a repository, and every
// large file once.
//
//   manifest.json      {"hearth_archive": 1, "repos": [{"type", "name", "private", "gated", "sdk", "bundle", "sha256",
//                       "refs": {ref: commit}, "objects": [sha256]}]}
//   repos/N.bundle     git bundle of all refs
//   objects/<sha256>   large files, whole, however the hub stores them
//
// 1. The archive appears under its name when it is complete.
// 2. An import stores nothing whose SHA-256 is not what the manifest says. One that was interrupted goes on: what is
//    here already is not unpacked again.
// 3. A repository appears when all of it is here; one that is here with other commits stays as it is unless told.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "base/result.h"
#include "hub/hub.h"

namespace hearth::hub {

struct ArchiveDone {
  int64_t repos = 0, unchanged = 0, objects = 0;
  std::vector<std::string> warnings;  ///< what was left out, and why
};
using ArchiveTold = std::function<void(const std::string&)>;

Result<ArchiveDone> export_archive(Hub& hub, const std::vector<Repo>& repos, const std::string& file,
                                   const ArchiveTold& told);

/// `overwrite`: repositories that are here get the archive's commits. Owners that are not here are made, as
/// organisations of the hub's first administrator. bad_input for what is no archive or is damaged.
Result<ArchiveDone> import_archive(Hub& hub, const std::string& file, bool overwrite, const ArchiveTold& told);

}  // namespace hearth::hub
