#include "hub/organisations.h"
#include "hub/owners.h"

#include "base/clock.h"
#include "base/text.h"

namespace hearth::hub {
namespace {

constexpr size_t kTextMax = 2000;

constexpr std::string_view kOrgQuery =
    "SELECT owners.id, owners.name, owners.fullname, orgs.details, orgs.default_private, owners.created_ms, "
    "orgs.require_totp FROM orgs "
    "JOIN owners ON owners.id = orgs.owner_id";

Org org_of(const store::Row& row) {
  return {.id = row[0].integer(),
          .name = row[1].text(),
          .fullname = row[2].text(),
          .details = row[3].text(),
          .default_private = row[4].boolean(),
          .created_ms = row[5].integer(),
          .require_totp = row[6].boolean()};
}

Status check_text(std::string_view what, std::string_view text) {
  if (text.size() <= kTextMax && is_utf8(text)) return {};
  return Status(Code::bad_input, cat(what, " is UTF-8 of at most ", kTextMax, " bytes"));
}

// Keeps rule 1 inside a transaction that is about to take the role from the user.
Status check_other_admin(store::Transaction& transaction, const Org& org, const User& user) {
  if (TRY(transaction.query_one("SELECT 1 FROM memberships WHERE org_id = $1 AND user_id <> $2 AND role = 'admin'",
                                {org.id, user.id})))
    return {};
  return Status(Code::conflict,
                cat(user.name, " is the only administrator of ", org.name, ": give another member that role first"));
}

}  // namespace

Result<Org> create_org(Hub& hub, const NewOrg& wanted, const User& owner) {
  TRY(check_owner_name(wanted.name));
  TRY(check_text("the full name", wanted.fullname));
  TRY(check_text("the description", wanted.details));
  const auto now = now_ms();
  auto transaction = TRY(hub.db().begin());
  TRY(check_name_free(transaction, wanted.name));
  const auto made = TRY(transaction.query_one(
      "INSERT INTO owners (kind, name, fullname, created_ms) VALUES ('org', $1, $2, $3) RETURNING id",
      {wanted.name, wanted.fullname, now}));
  const auto id = (*made)[0].integer();
  TRY(transaction.execute("INSERT INTO orgs (owner_id, default_private, details) VALUES ($1, $2, $3)",
                          {id, wanted.default_private, wanted.details}));
  TRY(transaction.execute("INSERT INTO memberships (org_id, user_id, role, created_ms) VALUES ($1, $2, 'admin', $3)",
                          {id, owner.id, now}));
  TRY(transaction.commit());
  return find_org(hub, wanted.name);
}

Result<Org> find_org(const Hub& hub, std::string_view name) {
  const auto row = TRY(hub.db().query_one(cat(kOrgQuery, " WHERE owners.name = $1"), {name}));
  if (!row) return Status(Code::not_found, cat("there is no organisation '", name.substr(0, 100), "'"));
  return org_of(*row);
}

Result<std::vector<Org>> list_orgs(const Hub& hub) {
  std::vector<Org> out;
  for (const auto& row : TRY(hub.db().query(cat(kOrgQuery, " ORDER BY owners.name")))) out.push_back(org_of(row));
  return out;
}

Status update_org(Hub& hub, const Org& org, const OrgChange& change) {
  TRY(check_text("the full name", change.fullname.value_or("")));
  TRY(check_text("the description", change.details.value_or("")));
  auto transaction = TRY(hub.db().begin());
  TRY(transaction.execute("UPDATE owners SET fullname = coalesce($2, fullname) WHERE id = $1",
                          {org.id, change.fullname}));
  TRY(
      transaction.execute("UPDATE orgs SET details = coalesce($2, details), default_private = coalesce($3, "
                          "default_private), require_totp = coalesce($4, require_totp) WHERE owner_id = $1",
                          {org.id, change.details, change.default_private, change.require_totp}));
  return transaction.commit();
}

Result<std::vector<Member>> list_members(const Hub& hub, const Org& org, int64_t after, int64_t limit) {
  std::vector<Member> out;
  for (const auto& row : TRY(hub.db().query(
           "SELECT owners.id, owners.name, owners.fullname, users.email, users.is_admin, owners.created_ms, "
           "memberships.role, memberships.created_ms FROM memberships JOIN users ON users.owner_id = "
           "memberships.user_id JOIN owners ON owners.id = users.owner_id WHERE memberships.org_id = $1 AND owners.id "
           "> $2 ORDER BY owners.id LIMIT $3",
           {org.id, after, limit})))
    out.push_back({.user = {.id = row[0].integer(),
                            .name = row[1].text(),
                            .fullname = row[2].text(),
                            .email = row[3].text(),
                            .is_admin = row[4].boolean(),
                            .created_ms = row[5].integer()},
                   .role = TRY(parse_org_role(row[6].text())),
                   .since_ms = row[7].integer()});
  return out;
}

Result<int64_t> count_members(const Hub& hub, const Org& org) {
  const auto row = TRY(hub.db().query_one("SELECT count(*) FROM memberships WHERE org_id = $1", {org.id}));
  return (*row)[0].integer();
}

Status set_member(Hub& hub, const Org& org, const User& user, OrgRole role) {
  auto transaction = TRY(hub.db().begin());
  if (role != OrgRole::admin) {
    const auto row = TRY(
        transaction.query_one("SELECT role FROM memberships WHERE org_id = $1 AND user_id = $2", {org.id, user.id}));
    if (row && (*row)[0].text() == role_name(OrgRole::admin)) TRY(check_other_admin(transaction, org, user));
  }
  TRY(
      transaction.execute("INSERT INTO memberships (org_id, user_id, role, created_ms) VALUES ($1, $2, $3, $4) "
                          "ON CONFLICT (org_id, user_id) DO UPDATE SET role = excluded.role",
                          {org.id, user.id, role_name(role), now_ms()}));
  return transaction.commit();
}

Status remove_member(Hub& hub, const Org& org, const User& user) {
  auto transaction = TRY(hub.db().begin());
  const auto row =
      TRY(transaction.query_one("SELECT role FROM memberships WHERE org_id = $1 AND user_id = $2", {org.id, user.id}));
  if (!row) return Status(Code::not_found, cat(user.name, " is no member of ", org.name));
  if ((*row)[0].text() == role_name(OrgRole::admin)) TRY(check_other_admin(transaction, org, user));
  TRY(transaction.execute("DELETE FROM memberships WHERE org_id = $1 AND user_id = $2", {org.id, user.id}));
  TRY(
      transaction.execute("DELETE FROM resource_group_members WHERE user_id = $2 AND group_id IN (SELECT id FROM "
                          "resource_groups WHERE org_id = $1)",
                          {org.id, user.id}));
  return transaction.commit();
}

Result<std::vector<OrgOfUser>> orgs_of(const Hub& hub, const User& user) {
  std::vector<OrgOfUser> out;
  for (const auto& row : TRY(hub.db().query(
           "SELECT owners.id, owners.name, owners.fullname, orgs.details, orgs.default_private, owners.created_ms, "
           "orgs.require_totp, memberships.role FROM memberships JOIN orgs ON orgs.owner_id = memberships.org_id JOIN "
           "owners ON owners.id "
           "= orgs.owner_id WHERE memberships.user_id = $1 ORDER BY owners.name",
           {user.id})))
    out.push_back({org_of(row), TRY(parse_org_role(row[7].text()))});
  return out;
}

Result<bool> default_private(const Hub& hub, std::string_view owner) {
  const auto row = TRY(hub.db().query_one(
      "SELECT orgs.default_private FROM orgs JOIN owners ON owners.id = orgs.owner_id WHERE owners.name = $1",
      {owner}));
  return row && (*row)[0].boolean();
}

}  // namespace hearth::hub
