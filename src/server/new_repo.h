// What every request that creates a repository or a bucket says in the same words.
// Source: huggingface_hub 2.4.0 HfApi.create_repo, create_bucket.
#pragma once

#include "base/json.h"
#include "base/result.h"
#include "hub/hub.h"
#include "server/request.h"

namespace hearth::server {

/// The new repository `id` by the caller, with the visibility (the owner's default when there is none) and the
/// resource group of the body. bad_input names the field.
Result<hub::NewRepo> read_new_repo(Request& rq, hub::RepoId id, const Json& body);

}  // namespace hearth::server
