// The JSON of discussions and pull requests, with the keys that huggingface_hub reads.
// Source: huggingface_hub 2.4.0 community.py, HfApi.get_repo_discussions, get_discussion_details.
#pragma once

#include <string_view>

#include "base/json.h"
#include "hub/discussions.h"
#include "server/request.h"

namespace hearth::server {

/// {_id, name, fullname, type, avatarUrl, isPro}; null once the account is gone: the key is then left out.
Json person_json(const hub::Person& person);

/// "http://127.0.0.1:8686/owner/name/discussions/3"
std::string discussion_url(const Request& rq, const hub::Repo& repo, int64_t num);

/// One item of the list; also the beginning of the details.
Json discussion_json(const hub::Repo& repo, const hub::Discussion& discussion);

/// A hidden comment says that it is, and nothing else.
Json discussion_event_json(const hub::Repo& repo, const hub::DiscussionEvent& event);

}  // namespace hearth::server
