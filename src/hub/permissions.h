// What a fine-grained token may do: permissions by name, each for an entity (a repository, or all that a user or an
// organisation owns) or everywhere.
//
// 1. A permission narrows: a token never does what its user may not.
// 2. `X.write` includes `X.read`; `repo.write` includes the content, the settings, the access requests and the
//    discussions of the same repositories.
// Source: the names of the Hub's settings/tokens page; the shape of `auth.accessToken.fineGrained` in the answer of
// /api/whoami-v2.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"
#include "base/result.h"

namespace hearth::hub {

/// Every permission that a token can be given.
std::span<const std::string_view> all_permissions();

/// Permissions on one thing.
struct TokenScope {
  std::string type;  ///< user, org, model, dataset, space, bucket, collection, resource-group
  int64_t id = 0;    ///< of the owner's, the repository's or the group's row
  std::vector<std::string> permissions;
};

struct TokenScopes {
  bool can_read_gated_repos = false;  ///< files of gated repositories that its user was let into
  std::vector<std::string> global;    ///< permissions that are for no thing in particular
  std::vector<TokenScope> scoped;
};

/// What a permission is asked for.
struct Subject {
  int64_t owner_id = 0;        ///< the user or organisation it belongs to
  std::string_view type = {};  ///< of a repository or collection: "model", ...; empty: the owner itself
  int64_t id = 0;              ///< of that repository or collection
  int64_t group_id = 0;        ///< its resource group; 0: none
};

/// Does the token hold the permission there?
bool allows(const TokenScopes& scopes, std::string_view permission, const Subject& subject);

/// As stored. bad_input that names what is wrong: an unknown permission, type, more than 500 scopes.
Result<TokenScopes> parse_scopes(std::string_view json);
std::string format_scopes(const TokenScopes& scopes);
/// bad_input unless the list has the name.
Status check_permission_name(std::string_view name);

}  // namespace hearth::hub
