// The index of repositories: what a revision's files say of it (card, config, weights), kept for main in the database,
// and the lists and searches over it.
// Source: huggingface_hub 2.4.0 HfApi.list_models, ModelInfo.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"
#include "base/result.h"
#include "hub/hub.h"

namespace hearth::hub {

/// What a revision's files say.
struct RepoIndex {
  std::string head;          ///< the commit
  std::string pipeline_tag;  ///< "text-generation"; empty when nothing says
  std::string library_name;  ///< "transformers"; empty when nothing says
  std::vector<std::string> tags;
  Json card;         ///< the README's metadata: an object or null
  Json config;       ///< the known part of config.json and tokenizer_config.json, or null
  Json safetensors;  ///< {"parameters": {dtype: n}, "total": n}, or null
  Json gguf;         ///< {"total", "architecture", "context_length", ...}, or null
  Json facts;        ///< what else they say, by its name in the API: "mask_token", "evalResults", "description", ...
  std::vector<std::string> links;        ///< see CatalogEntry
  int64_t parameters = 0;                ///< of safetensors or GGUF; 0: not known
  std::map<std::string, int64_t> words;  ///< with their weights (hub/full_text.h); of read_index alone
  int64_t used_storage_bytes = 0;
};

/// Reads a revision's files; what cannot be read (a broken card, a cut weight file) is left out.
Result<RepoIndex> read_index(const Hub& hub, const Repo& repo, std::string_view revision);
/// The stored index of main, made again first when main has moved.
Result<RepoIndex> main_index(Hub& hub, const Repo& repo);
/// Makes the stored index again and sets the row's time to the head's.
Status refresh_index(Hub& hub, const Repo& repo);

/// The Auto class, task and processor for a model's architectures: {"auto_model", "pipeline_tag", "processor"} or null.
Json transformers_info(const Json& config);

enum class SortKey { trending, last_modified, created_at, downloads, likes };
/// "trendingScore", "lastModified", "createdAt", "downloads", "likes"; bad_input otherwise.
Result<SortKey> parse_sort(std::string_view text);

/// What is asked of a kind's repositories; letter case does not matter.
struct RepoQuery {
  RepoKind kind = RepoKind::model;
  std::vector<std::string> search;  ///< each word must be part of `owner/name`
  std::string author;
  std::vector<std::string> tags;                    ///< all of them
  std::vector<std::vector<std::string>> any_of;     ///< of each group at least one tag
  std::vector<std::string> links;                   ///< all of them: see CatalogEntry
  std::vector<std::vector<std::string>> any_links;  ///< of each group at least one link
  std::string pipeline_tag;
  std::string library;
  std::optional<bool> gated;
  std::optional<int64_t> parameters_min, parameters_max;
  SortKey sort = SortKey::trending;
  bool ascending = false;
  int64_t limit = 1000;
  std::string cursor;
  bool details = true;  ///< with card, config, safetensors, gguf and facts, which are read from the database
};

struct RepoItem {
  Repo repo;
  RepoIndex index;
};
struct RepoPage {
  std::vector<RepoItem> items;
  std::string next;  ///< cursor of the next page, empty on the last
};
/// One page of what the caller may know of.
Result<RepoPage> list_repos(const Hub& hub, const Caller& caller, const RepoQuery& query);

/// How many of a kind the caller may know of.
Result<int64_t> count_repos(const Hub& hub, const Caller& caller, RepoKind kind);

struct TagCount {
  std::string tag;
  int64_t count = 0;
};
/// The tags in use on public repositories of a kind, most used first.
Result<std::vector<TagCount>> list_tags(const Hub& hub, RepoKind kind);

}  // namespace hearth::hub
