// From where a token was used: whoever finds one is told apart from its owner by the network that it comes from.
#pragma once

#include <cstdint>
#include <string_view>

#include "base/result.h"
#include "hub/hub.h"

namespace hearth::hub {

enum class TokenPlace {
  known,  ///< seen before
  first,  ///< the token's first one: there is nothing to compare it with
  added,  ///< another than before
};

/// Remembers the network (an address, or an IPv6 /64) for the token. Of each token the latest thousand are kept.
Result<TokenPlace> note_token_place(const Hub& hub, int64_t token_id, std::string_view network);

}  // namespace hearth::hub
