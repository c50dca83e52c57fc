// What the page of a gated repository shows above its card: `Gate` of web/src/lib/data.ts.
#pragma once

#include "base/json.h"
#include "server/request.h"

namespace hearth::server {

/// The form of the card, the licence, and how the reader stands: what became of their request, or what they may decide.
Result<Json> gate_json(const Request& rq, const hub::Repo& repo, const Json& card);

}  // namespace hearth::server
