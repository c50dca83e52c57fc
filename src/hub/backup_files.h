// What backup and restore share: the names in a backup's folder, and the copying of stored objects.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "store/blobs.h"

namespace hearth::hub {

inline constexpr int64_t kBackupVersion = 1;
inline constexpr std::string_view kObjectKinds[] = {"sha256", "xorbs", "xorbtables"};
/// Keys and settings in a data folder, beside what hub/hub.h names: "oauth.pem", "trust/authority.pem".
Result<std::vector<std::string>> setting_files(const std::string& folder);
/// Copies them.
Status copy_settings(const std::string& from, const std::string& to);

/// Gives `to` an object of `from`, which is there already. `check`: a whole file whose bytes have another SHA-256 is
/// bad_input.
Status copy_object(const store::Blobs& from, const store::Blobs& to, const store::ObjectInfo& object, bool link,
                   bool check);

}  // namespace hearth::hub
