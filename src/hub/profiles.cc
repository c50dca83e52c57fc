#include "hub/profiles.h"

#include <algorithm>

#include "base/text.h"

namespace hearth::hub {
namespace {

constexpr size_t kProfileMax = 200;

// Both go into the headers of commits, where the angle brackets and line ends mean something.
bool is_plain(std::string_view text) {
  return is_utf8(text) && std::none_of(text.begin(), text.end(),
                                       [](unsigned char c) { return c < ' ' || c == 0x7f || c == '<' || c == '>'; });
}

bool is_address(std::string_view email) {
  const auto at = email.find('@');
  return email.size() <= kProfileMax && is_plain(email) && email.find(' ') == std::string_view::npos && at != 0 &&
         at != std::string_view::npos && at + 1 < email.size() && email.find('@', at + 1) == std::string_view::npos;
}

}  // namespace

Status check_profile(const Profile& profile) {
  if (profile.fullname && (profile.fullname->size() > kProfileMax || !is_plain(*profile.fullname)))
    return Status(Code::bad_input, cat("a full name has up to ", kProfileMax, " bytes, on one line, without < and >"));
  if (profile.email && !is_address(*profile.email))
    return Status(Code::bad_input,
                  cat("'", printable(profile.email->substr(0, 100)), "' is no email address (ann@example.org)"));
  return {};
}

Status set_profile(Hub& hub, const User& user, const Profile& profile) {
  TRY(check_profile(profile));
  auto transaction = TRY(hub.db().begin());
  TRY(transaction.execute("UPDATE owners SET fullname = coalesce($2, fullname) WHERE id = $1",
                          {user.id, profile.fullname}));
  TRY(transaction.execute("UPDATE users SET email = coalesce($2, email) WHERE owner_id = $1",
                          {user.id, profile.email}));
  return transaction.commit();
}

Result<std::vector<User>> list_users(const Hub& hub) {
  std::vector<User> out;
  for (const auto& row : TRY(hub.db().query(
           "SELECT owners.id, owners.name, owners.fullname, users.email, users.is_admin, owners.created_ms FROM owners "
           "JOIN users ON users.owner_id = owners.id ORDER BY owners.name")))
    out.push_back({.id = row[0].integer(),
                   .name = row[1].text(),
                   .fullname = row[2].text(),
                   .email = row[3].text(),
                   .is_admin = row[4].boolean(),
                   .created_ms = row[5].integer()});
  return out;
}

}  // namespace hearth::hub
