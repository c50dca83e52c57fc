// Reading rows of `oauth_apps`: shared by the files of oauth.h.
#pragma once

#include <span>
#include <string_view>

#include "hub/oauth.h"
#include "store/db.h"

namespace hearth::hub {

/// For a SELECT from or joined with oauth_apps.
std::string_view app_columns();
inline constexpr size_t kAppColumnCount = 10;
/// Row numbers as a JSON list, as grants store them.
std::vector<int64_t> numbers_of(std::string_view json);
std::string json_of(const std::vector<int64_t>& numbers);
/// The columns in the order above.
OAuthApp app_of(std::span<const store::Value> row);

}  // namespace hearth::hub
