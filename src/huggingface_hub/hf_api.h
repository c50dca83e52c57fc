// The Hub's calls by their Python names: who am I, repositories, files.
// Source: huggingface_hub 2.4.0 hf_api.py.
#pragma once

#include <optional>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "base/encoding.h"
#include "base/json.h"
#include "base/result.h"
#include "huggingface_hub/cache.h"
#include "huggingface_hub/hub_http.h"
#include "huggingface_hub/repo.h"

namespace hearth {

/// What HEAD says of a file.
struct HfFileMetadata {
  std::string commit_hash;
  std::string etag;
  std::string location;  ///< where the bytes are
  std::optional<uint64_t> size;
};

struct CreateRepoOptions {
  std::optional<bool> is_private;
  bool exist_ok = false;
  std::string sdk;  ///< of a Space
};
struct RepoUrl {
  std::string url;
  std::string repo_id;
  bool existed = false;
};

class HfApi {
 public:
  explicit HfApi(HubHttp http = HubHttp()) : http_(std::move(http)) {}
  const HubHttp& http() const { return http_; }

  /// The account of the token; unauthenticated without one, or when the Hub does not know it.
  Result<Json> whoami(std::stop_token stop = {}) const;

  Result<RepoUrl> create_repo(const RepoName& repo, const CreateRepoOptions& options, std::stop_token stop = {}) const;
  /// repo_not_found unless `missing_ok`.
  Status delete_repo(const RepoName& repo, bool missing_ok = false, std::stop_token stop = {}) const;
  /// `revision` empty: the default one.
  Result<Json> repo_info(const RepoName& repo, std::string_view revision = {}, const Parameters& query = {},
                         std::stop_token stop = {}) const;
  /// Repositories that match the query, page after page, `limit` at most.
  Result<std::vector<Json>> list_repos(RepoType type, Parameters query, size_t limit, std::stop_token stop = {}) const;
  /// Every file of the revision (a commit, best).
  Result<TreeFiles> list_repo_files(const RepoName& repo, std::string_view revision, std::stop_token stop = {}) const;
  /// The entries of one folder ("" is the top), or of all below it.
  Result<std::vector<Json>> list_repo_tree(const RepoName& repo, std::string_view revision, std::string_view path,
                                           bool recursive, std::stop_token stop = {}) const;
  Status create_branch(const RepoName& repo, std::string_view branch, bool exist_ok, std::stop_token stop = {}) const;

  /// The answer to HEAD of a file, whatever its status (its headers tell of absent files too).
  Result<HubResponse> head_file(const RepoName& repo, std::string_view revision, std::string_view filename,
                                std::stop_token stop = {}) const;
  /// Reads a good answer to head_file; bad_input when it is not that of a Hub.
  Result<HfFileMetadata> file_metadata(const HubResponse& head) const;
  /// "ENDPOINT/datasets/ann/rows/resolve/REVISION/path"
  std::string hf_hub_url(const RepoName& repo, std::string_view revision, std::string_view filename) const;

 private:
  Result<std::vector<Json>> pages(std::string target, size_t limit, const Subject& subject, std::stop_token stop) const;
  HubHttp http_;
};

}  // namespace hearth
