// What users say of themselves beside their name, and the list of all users: for those who administrate the hub.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "hub/hub.h"

namespace hearth::hub {

/// What is given replaces what was there.
struct Profile {
  std::optional<std::string> fullname = {}, email = {};
};

/// bad_input for a full name of over 200 bytes, what is no email address, and characters that a commit's header cannot
/// carry.
Status check_profile(const Profile& profile);
Status set_profile(Hub& hub, const User& user, const Profile& profile);
/// By name.
Result<std::vector<User>> list_users(const Hub& hub);

}  // namespace hearth::hub
