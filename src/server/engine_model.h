// Which weights a request for a model means, and where an engine finds them as files.
#pragma once

#include <string>
#include <string_view>

#include "hub/index.h"
#include "server/request.h"

namespace hearth::server {

/// What a model is asked for. `judgement`: labels and ranks of texts.
enum class EngineUse { generation, embedding, judgement, any };
/// Is the repository one for this? Told by its task; `any`: every one.
bool serves(const hub::RepoIndex& index, EngineUse use);

struct EngineModel {
  hub::Repo repo;
  std::string id;    ///< "owner/name", or "owner/name:FILE"
  std::string path;  ///< a folder or a GGUF file for the engine to read
};

/// `model` is "owner/name" or "owner/name:FILE.gguf"; empty, "dummy", "tgi" and an address mean the hub's only model
/// for that use.
/// repo_not_found as for any reader; bad_input when no engine runs it, and with the list of the weight files when
/// there are several.
Result<EngineModel> find_engine_model(const Request& rq, std::string_view model, EngineUse use);

}  // namespace hearth::server
