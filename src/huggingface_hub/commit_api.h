// Commits from a client: asked which files are large (preupload), those sent through LFS, then one commit, or several
// for many files. upload_file and upload_folder are built on it. Source: huggingface_hub 2.4.0 _commit_api.py, lfs.py
// (basic transfer), hf_api.py (upload_folder).
#pragma once

#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include "huggingface_hub/file_download.h"
#include "huggingface_hub/hf_api.h"

namespace hearth {

/// One change: a local file put at a path, or a path removed (a folder when it ends with a slash).
struct CommitOperation {
  std::string path_in_repo;
  std::string local_file;  ///< empty: removed
};

struct CommitOptions {
  std::string revision = "main";
  std::string summary;
  std::string description;
  bool create_pr = false;
  TransferObserver* observer = nullptr;
};

struct CommitInfo {
  std::string oid;  ///< of the last commit; the head when nothing had changed
  std::string commit_url;
  std::string pull_request_url;  ///< with create_pr
  int64_t files_committed = 0;
  int64_t files_unchanged = 0;
  int64_t files_ignored = 0;  ///< by the repository's .gitignore
};

/// Errors: those of HubHttp; bad_input for bad paths; conflict or precondition when somebody committed meanwhile.
Result<CommitInfo> create_commit(const HfApi& api, const RepoName& repo, const std::vector<CommitOperation>& operations,
                                 const CommitOptions& options, std::stop_token stop = {});

struct UploadFolderOptions {
  CommitOptions commit;
  std::string path_in_repo;  ///< "" or ".": the top
  std::optional<std::vector<std::string>> allow_patterns;
  std::vector<std::string> ignore_patterns;
  std::vector<std::string> delete_patterns;  ///< files of the repository that go in the same commit
};
/// All files below the folder but `.git` and `.cache/huggingface`; patterns are of paths below the folder.
Result<CommitInfo> upload_folder(const HfApi& api, const RepoName& repo, const std::string& folder,
                                 const UploadFolderOptions& options, std::stop_token stop = {});

/// The paths below `folder` that upload_folder would send.
Result<std::vector<std::string>> list_upload(const std::string& folder, const UploadFolderOptions& options);

}  // namespace hearth
