// A request sent on to the engine of a model.
#pragma once

#include <string_view>

#include "server/engine_model.h"
#include "server/request.h"

namespace hearth::server {

/// Visitors may use engines of public models where the hub says so; members those of what they may read, with a token
/// that has the permission for it.
Status check_inference(const Request& rq);

/// The answer of the model's engine at `target`, which is started first when there is none: the request waits for it.
/// `model` as find_engine_model takes it. `broken_tail`: what a stream that breaks off ends with.
Result<Response> relay_to_engine(const Request& rq, std::string_view model, EngineUse use, std::string_view target,
                                 std::string broken_tail);

/// "owner/name" of the path where the pattern names the model; not_found unless it is one.
Result<std::string> model_of_path(const Request& rq);

/// What a stream's client reads when the engine has died.
Status engine_stopped();

}  // namespace hearth::server
