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
/// The columns in the order above.
OAuthApp app_of(std::span<const store::Value> row);

}  // namespace hearth::hub
