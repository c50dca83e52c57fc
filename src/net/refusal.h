// What a Unix socket answers a relay (http.h) in place of the server that should be there.
#pragma once

#include <string_view>

namespace hearth::net {

/// Its value is the message of an `unavailable` failure, which the front words as its route does.
inline constexpr std::string_view kRefusalField = "X-Hearth-Refusal";

}  // namespace hearth::net
