#include "hub/git/git.h"

#include <cstring>

#include "base/files.h"
#include "base/text.h"

namespace hearth::hub::git {

void start_library() {
  static const int started = [] {
    const int count = git_libgit2_init();
    git_libgit2_opts(GIT_OPT_ENABLE_FSYNC_GITDIR, 1);
    git_libgit2_opts(GIT_OPT_SET_OWNER_VALIDATION, 0);  // a data folder may be a mounted one
    for (const int level :
         {GIT_CONFIG_LEVEL_SYSTEM, GIT_CONFIG_LEVEL_XDG, GIT_CONFIG_LEVEL_GLOBAL, GIT_CONFIG_LEVEL_PROGRAMDATA})
      git_libgit2_opts(GIT_OPT_SET_SEARCH_PATH, level, "");
    return count;
  }();
  VERIFY(started > 0, "libgit2 starts");
}

Status failure(int code, std::string_view what) {
  const auto* error = git_error_last();
  const std::string_view text = error && error->message ? error->message : "unknown failure";
  for (const int number : {ENOSPC, EDQUOT, EFBIG})
    if (contains(text, strerrordesc_np(number))) return Status(Code::no_space, cat(what, ": ", text));
  Code kind = Code::io;
  if (code == GIT_ENOTFOUND) kind = Code::not_found;
  if (code == GIT_EEXISTS) kind = Code::conflict;
  if (code == GIT_EMODIFIED) kind = Code::precondition;
  if (code == GIT_ELOCKED) kind = Code::busy;
  if (code == GIT_EINVALIDSPEC || code == GIT_EAMBIGUOUS) kind = Code::bad_input;
  return Status(kind, cat(what, ": ", text));
}

Result<RepositoryPtr> open(const std::string& folder) {
  start_library();
  git_repository* out = nullptr;
  if (const int r = git_repository_open_bare(&out, folder.c_str()); r != 0)
    return failure(r, "cannot open the git repository");
  return RepositoryPtr(out);
}

Result<RepositoryPtr> create(const std::string& folder) {
  start_library();
  git_repository_init_options options = GIT_REPOSITORY_INIT_OPTIONS_INIT;
  options.flags = GIT_REPOSITORY_INIT_BARE | GIT_REPOSITORY_INIT_MKPATH | GIT_REPOSITORY_INIT_NO_REINIT;
  options.initial_head = "main";
  git_repository* out = nullptr;
  if (const int r = git_repository_init_ext(&out, folder.c_str(), &options); r != 0)
    return failure(r, "cannot create the git repository");
  RepositoryPtr made(out);
  // What only a person's own repository wants of libgit2's template: each would be one more thing to sync.
  for (const auto name : {"description", "hooks", "info"}) TRY(remove_all(path_join(folder, name)));
  return made;
}

std::string hex(const git_oid& oid) {
  char text[GIT_OID_HEXSZ + 1];
  git_oid_tostr(text, sizeof text, &oid);
  return text;
}

Result<git_oid> parse_oid(std::string_view hex) {
  git_oid oid;
  if (hex.size() != GIT_OID_HEXSZ || git_oid_fromstrn(&oid, hex.data(), hex.size()) != 0)
    return Status(Code::bad_input, cat("'", hex.substr(0, 80), "' is not a git object id"));
  return oid;
}

Result<CommitPtr> commit(git_repository* repository, const git_oid& id) {
  git_commit* out = nullptr;
  if (const int r = git_commit_lookup(&out, repository, &id); r != 0) return failure(r, cat("commit ", hex(id)));
  return CommitPtr(out);
}

Result<TreePtr> tree(git_repository* repository, const git_oid& id) {
  git_tree* out = nullptr;
  if (const int r = git_tree_lookup(&out, repository, &id); r != 0) return failure(r, cat("tree ", hex(id)));
  return TreePtr(out);
}

Result<OdbPtr> odb(git_repository* repository) {
  git_odb* out = nullptr;
  if (const int r = git_repository_odb(&out, repository); r != 0) return failure(r, "object database");
  return OdbPtr(out);
}

}  // namespace hearth::hub::git
