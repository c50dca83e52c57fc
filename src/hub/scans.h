// Scans of repositories' files: pickle imports, secrets, known bad content, and an outside scanner.
//
// 1. A result belongs to a content (SHA-256 of a big file, git's blob id of a small one) and to the rules it was made
//    by; when the rules change, files are scanned again.
// 2. Nothing is run or unpickled. The outside scanner is the administrator's own command, given the path of the file.
// 3. A scan follows each push as a job; until it ran, a file's status is `queued`.
//
// DATA/scan.json, which the administrator may write:
//   {"command": ["clamscan", "--no-summary", "{path}"], "timeout_s": 120, "bad_hashes": "bad.txt"}
// The command answers with its exit status: 0 clean, 1 infected (its output names with what: JSON {"names": [...]} or
// clamscan's "PATH: NAME FOUND"), anything else a failure. `bad_hashes` (relative to DATA) has lines "SHA256 NAME".
// Source: huggingface_hub 2.4.0 BlobSecurityInfo; the Hub's documentation, "Malware Scanning", "Pickle Scanning".
#pragma once

#include <map>
#include <memory>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"
#include "base/result.h"
#include "hub/hub.h"
#include "hub/tree.h"

namespace hearth::hub {

/// What an administrator has set up beside the built-in scans.
struct ScanSettings {
  std::vector<std::string> command;
  int64_t timeout_s = 120;
  std::map<std::string, std::string> bad_hashes;  ///< by SHA-256: what it is
  std::string version() const;                    ///< changes with the rules
};
/// bad_input when scan.json is none; the built-in rules alone without it.
Result<ScanSettings> read_scan_settings(const Hub& hub);

struct FileScan {
  std::string status;  ///< "safe", "unsafe", "suspicious", "queued"
  Json found;          ///< {"avScan": {...}, "pickleImportScan": {...} or null, "secretsScan": {...} or null}
};

/// The stored results for these contents; what is not there is left out.
Result<std::map<std::string, FileScan>> stored_scans(const Hub& hub, const std::vector<TreeEntry>& files);
/// securityFileStatus of one file: {"status", "avScan", "pickleImportScan", ...}.
Json file_security(const TreeEntry& file, const std::map<std::string, FileScan>& scans);
/// securityRepoStatus at a revision: {"scansDone", "filesWithIssues": [{"path", "level"}]}.
Result<Json> repo_security(const Hub& hub, const Repo& repo, std::string_view revision);

/// Scans the files at main that were not scanned by the present rules.
Status scan_repo(Hub& hub, const Repo& repo, std::stop_token stop);

}  // namespace hearth::hub
