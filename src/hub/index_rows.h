// Reading rows of `repo_index`.
#pragma once

#include <span>
#include <string_view>

#include "hub/index.h"
#include "store/db.h"

namespace hearth::hub {

inline constexpr std::string_view kIndexColumns =
    "repo_index.head, repo_index.pipeline_tag, repo_index.library_name, repo_index.tags, repo_index.card, "
    "repo_index.config, repo_index.safetensors, repo_index.gguf, repo_index.used_storage";

/// The columns in the order above.
RepoIndex index_of(std::span<const store::Value> row);

}  // namespace hearth::hub
