// Collects stored objects that nothing names any more.
//
// 1. What a file of any repository names, at any commit that a ref leads to (branches, tags, pull requests,
// conversions),
//    stays; so do the files that a bucket lists. A xorb stays with every file that has a range of
//    it, a whole stored file with every xorb whose chunks lie in it.
// 2. What is younger than `min_age_ms` stays, whoever names it: an upload on its way to its commit, and the xorbs that
//    clients remember for three weeks and then name without sending. Age counts from the last upload or shard that
//    named the object.
// 3. Candidates are listed first, names are read after, ages are looked at again before anything goes: what a commit
//    or an upload names meanwhile was made young by it.
// 4. A row goes before its object, in one transaction that ends after the object went: a crash between leaves an object
//    without a row, which the next collection takes.
#pragma once

#include <cstdint>

#include "base/json.h"
#include "base/result.h"
#include "hub/hub.h"

namespace hearth::hub {

/// Three weeks in clients' caches and a week besides.
inline constexpr int64_t kGarbageAge_ms = int64_t{28} * 24 * 3600 * 1000;

struct GarbageOptions {
  bool dry_run = false;  ///< only counts
  int64_t min_age_ms = kGarbageAge_ms;
};

struct GarbageReport {
  int64_t files = 0, xorbs = 0;  ///< removed: whole files, xorbs
  uint64_t file_bytes = 0, xorb_bytes = 0;
  int64_t forms = 0;  ///< Xet forms of contents that went with them
  int64_t kept = 0;   ///< objects that stay

  Json json() const;
};

/// May run beside the server.
Result<GarbageReport> collect_garbage(const Hub& hub, const GarbageOptions& options);

}  // namespace hearth::hub
