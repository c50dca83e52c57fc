// Reading rows of `repo_index`.
#pragma once

#include <span>
#include <string_view>

#include "hub/index.h"
#include "store/db.h"

namespace hearth::hub {

inline constexpr std::string_view kIndexColumns =
    "repo_index.head, repo_index.pipeline_tag, repo_index.library_name, repo_index.tags, repo_index.card, "
    "repo_index.config, repo_index.safetensors, repo_index.gguf, repo_index.used_storage, repo_index.facts, "
    "repo_index.links, "
    "repo_index.parameters, repo_index.version";

/// Raised when read_index finds more than before: what was stored by an older number is made again.
inline constexpr int64_t kIndexVersion = 2;

/// The columns in the order above.
RepoIndex index_of(std::span<const store::Value> row);

}  // namespace hearth::hub
