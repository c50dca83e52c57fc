// Trusted publishers: a job elsewhere (GitHub Actions, GitLab CI, any OpenID provider) shows the identity token that
// its provider gave it and gets a token of this hub for an hour, so that no secret is stored there.
//
// 1. A repository's publisher writes to (or, when so set up, reads) that repository alone; a user's reads the files of
//    the gated repositories that the user was let into.
// 2. Its tokens act for whoever set it up and do no more than they may at that moment; removing it ends them.
// 3. Claims are compared whole, and all of them; a publisher that names none would let in everybody at that provider,
//    so there is none.
// Source: hub-docs trusted-publishers.md; RFC 8693; huggingface_hub 2.4.0 _oidc.py.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"
#include "base/result.h"
#include "hub/hub.h"

namespace hearth::hub {

struct Publisher {
  int64_t id = 0;
  int64_t repo_id = 0;  ///< 0: the user's own
  int64_t user_id = 0;  ///< who set it up
  std::string issuer;
  Json claims = Json::Object();  ///< texts by name
  bool read_only = false;
  int64_t created_ms = 0;
  std::optional<int64_t> used_ms = {};
};

struct NewPublisher {
  std::string issuer;
  Json claims = Json::Object();
  bool read_only = false;
};
/// bad_input for an issuer that is no https or http address, claims that are none or no texts, the twenty-first one.
Result<Publisher> add_publisher(Hub& hub, const User& user, const Repo* repo, const NewPublisher& wanted);
/// Of the repository, else the user's own.
Result<std::vector<Publisher>> list_publishers(const Hub& hub, const User& user, const Repo* repo);
/// not_found unless it is one of those.
Status remove_publisher(Hub& hub, const User& user, const Repo* repo, int64_t id);

/// What an identity token is shown for: "owner/name", "datasets/owner/name", "spaces/...", "kernels/...", or a user's
/// name.
/// Its publishers with this issuer; empty when there is none, or no such thing. bad_input for a text that is neither.
Result<std::vector<Publisher>> publishers_of(const Hub& hub, std::string_view resource, std::string_view issuer);
/// Are the publisher's claims all among the token's?
bool claims_match(const Publisher& publisher, const Json& token_claims);

struct PublisherToken {
  std::string token;
  int64_t expires_s = 0;
  User user;  ///< for whom it acts
};
/// A token for the publisher, whose identity token was checked. `subject` names the job in the token's name.
Result<PublisherToken> give_publisher_token(Hub& hub, const Publisher& publisher, std::string_view subject);

}  // namespace hearth::hub
