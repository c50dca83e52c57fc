// The JSON data blocks of the pages, as web/src/lib/data.ts types them.
#pragma once

#include <string_view>

#include "base/json.h"
#include "hub/index.h"
#include "server/request.h"
#include "server/shell.h"

namespace hearth::server {

/// What every page has: its name, the hub's address, who is signed in.
Json page_data(const Request& rq, std::string_view page);
/// RepoSummary, one row of a list: of the API's properties those that a row shows.
Result<Json> summary_json(const hub::RepoItem& item);

/// Can one of this hub's engines run the model? Decided on what its files say; whether the weights load shows when they
/// do.
bool runs_here(const Request& rq, const hub::RepoIndex& index);

/// The address of a repository's page: "/owner/name", "/datasets/owner/name".
std::string repo_path(const hub::Repo& repo);

/// A shell with the reader's theme.
Response page_response(const Request& rq, Shell shell);

}  // namespace hearth::server
