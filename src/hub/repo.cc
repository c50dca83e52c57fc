#include "hub/repo.h"

#include "base/text.h"

namespace hearth::hub {
namespace {

// The same words for a repository that is absent and one that the caller may not know of.
Status unknown() {
  return Status(Code::repo_not_found, "Repository not found");
}

}  // namespace

Status check_access(const Caller& caller, const Repo& repo, Right right) {
  const bool holder = caller.user && (caller.user->id == repo.owner_id || caller.user->is_admin);
  if (repo.is_private && !holder) return unknown();
  if (right == Right::metadata) return {};
  if (right == Right::content) {
    if (repo.gated.empty() || holder) return {};
    return Status(Code::gated, cat("Access to ", kind_name(repo.kind), " ", repo.full_name(),
                                   " is restricted. You must have access to it and be authenticated to access it."));
  }
  if (caller.anonymous())
    return Status(Code::unauthenticated,
                  cat("log in, or send a token with the write role, to change ", repo.full_name()));
  if (!holder)
    return Status(Code::forbidden,
                  cat(caller.name(), " may not change ", repo.full_name(), ", which belongs to ", repo.owner));
  if (caller.role != TokenRole::write)
    return Status(Code::forbidden, "this token may only read; use one with the write role");
  return {};
}

Status check_create(const Caller& caller, std::string_view owner) {
  if (caller.anonymous())
    return Status(Code::unauthenticated, "log in, or send a token with the write role, to create a repository");
  if (!equals_ignore_case(caller.name(), owner) && !caller.user->is_admin)
    return Status(Code::forbidden,
                  cat("You don't have the rights to create a repository under the namespace \"", owner, "\""));
  if (caller.role != TokenRole::write)
    return Status(Code::forbidden, "this token may only read; use one with the write role");
  return {};
}

}  // namespace hearth::hub
