// A whole hub copied into a folder while it serves, and made again from it in an empty place, on either database.
//
//   DIR/manifest.json            which state is the backup's; written last, in one step
//   DIR/states/TIME/             what changes: database.ndjson (hub/database_dump.h), repos.ndjson (refs), files/
//   DIR/objects/                 stored objects, as in the hub's own folder (store/blobs.h)
//   DIR/repos/models/7.git/      git objects, loose and packed
//
// 1. The order of copying makes every name resolvable in the copy: the database's rows at one moment; then each
//    repository's refs and, after them, its git objects, which hold all that these rows and refs name; then the rows
//    that say where contents lie, which a later ref may name; then the stored objects, which come before such rows.
//    What was acknowledged before the backup began is in it.
// 2. Refs may be newer than the rows of (1): the restored hub catches up as after a crash. Pull requests without a row
//    are left out, and so is a repository that was deleted meanwhile.
// 3. Nothing is collected meanwhile (lock_collection), no packs go while they are copied (lock_packs).
// 4. Objects and packs never change, so what DIR has from an earlier backup is not copied again. What no state needs
//    goes only after the new manifest is on the disk: an interrupted backup leaves the earlier one whole.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "base/json.h"
#include "base/result.h"
#include "hub/configuration.h"
#include "hub/hub.h"

namespace hearth::hub {

using BackupProgress = std::function<void(const std::string& what)>;

struct BackupOptions {
  bool link = true;  ///< hard links where the file system allows them; else bytes
  BackupProgress progress = {};
};
struct BackupReport {
  int64_t repos = 0, rows = 0;
  int64_t objects = 0, objects_new = 0;  ///< all, and those that were not there from an earlier backup
  uint64_t bytes_new = 0;
};
/// bad_input for a folder that holds something else.
Result<BackupReport> back_up(const Hub& hub, const std::string& folder, const BackupOptions& options);

struct RestoreReport {
  int64_t repos = 0, rows = 0, objects = 0;
  int64_t begun_ms = 0;              ///< the moment that the backup shows
  std::vector<std::string> damaged;  ///< objects of the backup whose bytes are not those of their name: left out
};
/// Makes the hub `folder` of a backup. conflict unless `folder`, the database and the folder of repositories are
/// empty; bad_input for a folder without a finished backup; unsupported for one of a newer version.
Result<RestoreReport> restore_backup(const std::string& backup, const std::string& folder, const Configuration& where,
                                     const BackupProgress& progress);

}  // namespace hearth::hub
