// The query of a list of repositories as the Hub's clients spell it.
// Source: huggingface_hub 2.4.0 and 0.36 HfApi.list_models, list_datasets, list_spaces; @huggingface/hub 2.17
// listModels.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "hub/index.h"
#include "server/request.h"

namespace hearth::server {

/// bad_input when a value is not one of those that the parameter takes.
Result<hub::RepoQuery> read_list_query(const Request& rq);

/// "min:6B,max:128B", either alone: counts of parameters.
Result<std::pair<std::optional<int64_t>, std::optional<int64_t>>> parse_parameter_range(std::string_view text);

}  // namespace hearth::server
