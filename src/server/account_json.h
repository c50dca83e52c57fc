// The JSON of users, organisations and tokens, with the keys that the clients read.
// Source: huggingface_hub 2.4.0 hf_api.py (User, Organization, whoami); @huggingface/hub 2.17.5 whoAmI.
#pragma once

#include <string>
#include <string_view>

#include "base/json.h"
#include "hub/organisations.h"
#include "server/request.h"

namespace hearth::server {

/// The address of an account's picture.
std::string avatar_url(const Request& rq, std::string_view name);
/// The full name, else the name.
std::string shown_name(const hub::User& user);
std::string shown_name(const hub::Org& org);

/// A user as others see them: {user, fullname, avatarUrl, isPro, type}.
Json user_json(const Request& rq, const hub::User& user);
/// An organisation in a list: {name, fullname, avatarUrl, ...}.
Json org_json(const Request& rq, const hub::Org& org);

/// `fineGrained`: {canReadGatedRepos, global, scoped[{entity{_id, type, name}, permissions}]}. Things that are gone are
/// left out.
Result<Json> scopes_json(const hub::Hub& hub, const hub::TokenScopes& scopes);
/// The inverse, with entities by `name` or `_id`: not_found for one that is not there or that the caller may not know
/// of.
Result<hub::TokenScopes> read_scopes(const hub::Hub& hub, const hub::Caller& caller, const Json& fine_grained);

}  // namespace hearth::server
