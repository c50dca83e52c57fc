// The JSON of the Hub's API: repositories, files, commits, with the keys that huggingface_hub reads.
// Source: huggingface_hub 2.4.0 hf_api.py (ModelInfo, DatasetInfo, SpaceInfo, RepoFile, RepoFolder, GitCommitInfo).
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"
#include "hub/index.h"
#include "hub/tree.h"
#include "server/request.h"

namespace hearth::server {

/// The number of an id that hub::object_id_of made; nothing for any other text.
std::optional<int64_t> parse_object_id(std::string_view text);

/// "http://127.0.0.1:8686/datasets/owner/name"
std::string repo_url(const Request& rq, const hub::Repo& repo);
/// {url, name, id}: the answer to creating or moving; also part of a conflict's answer.
Json created_json(const Request& rq, const hub::Repo& repo);

/// 409 for a repository that is there already, with the same keys besides: `exist_ok=True` reads `url`.
Response exists_response(const Request& rq, const hub::Repo& repo);

/// One item of `tree` and `paths-info`.
Json tree_entry_json(const hub::TreeEntry& entry);
/// The files of a repository as `siblings`; with `blobs` also sizes and hashes.
Json siblings_json(const std::vector<hub::TreeEntry>& files, bool blobs);

/// What a page of the site says of a repository; the API chooses among more (server/repo_properties.h).
Json repo_json(const hub::Repo& repo, const hub::RepoIndex& index);

/// This request's address with another `cursor` (or other parameter): the `next` of a page. Empty for an empty value.
std::string next_address(const Request& rq, std::string_view value, std::string_view parameter = "cursor");

/// Who a repository is for, as hub::NewRepo and hub::RepoSettings hold it.
struct Visibility {
  bool is_private = false;
  bool is_protected = false;
};

/// `visibility` (public, private; of a Space also protected) or the older `private` of a body; nothing when neither is
/// there. Source: huggingface_hub 2.4.0 hf_api.py _resolve_repo_visibility.
Result<std::optional<Visibility>> read_visibility(const Json& body, hub::RepoKind kind);

}  // namespace hearth::server
