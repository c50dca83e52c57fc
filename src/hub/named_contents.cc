#include "hub/named_contents.h"

#include <unordered_set>

#include "hub/git/snapshot.h"

namespace hearth::hub {
namespace {

constexpr size_t kPointerMin = 100, kPointerMax = 1024;  // as in git/snapshot.cc: the sizes a pointer can have

/// The big files that a repository's history names.
class History {
 public:
  History(git_repository* repository, git_odb* odb, std::set<std::string>& out)
      : repository_(repository), odb_(odb), out_(out) {}

  Status walk_refs() {
    git_revwalk* made = nullptr;
    if (const int r = git_revwalk_new(&made, repository_); r != 0) return git::failure(r, "history");
    const git::RevwalkPtr walk(made);
    if (const int r = git_revwalk_push_glob(walk.get(), "refs/*"); r != 0) return git::failure(r, "history");
    git_oid id;
    for (;;) {
      const int r = git_revwalk_next(&id, walk.get());
      if (r == GIT_ITEROVER) return {};
      if (r != 0) return git::failure(r, "history");
      const auto commit = TRY(git::commit(repository_, id));
      TRY(walk_tree(*git_commit_tree_id(commit.get())));
    }
  }

 private:
  bool first_time(const git_oid& id) {
    return seen_.insert(std::string(reinterpret_cast<const char*>(id.id), sizeof id.id)).second;
  }
  Status walk_tree(const git_oid& id) {
    if (!first_time(id)) return {};
    const auto tree = TRY(git::tree(repository_, id));
    for (size_t i = 0; i < git_tree_entrycount(tree.get()); ++i) {
      const auto* entry = git_tree_entry_byindex(tree.get(), i);
      const auto& child = *git_tree_entry_id(entry);
      const auto mode = git_tree_entry_filemode(entry);
      if (mode == GIT_FILEMODE_TREE)
        TRY(walk_tree(child));
      else if (mode != GIT_FILEMODE_COMMIT && first_time(child))
        TRY(look(child));
    }
    return {};
  }
  Status look(const git_oid& id) {
    size_t size = 0;
    git_object_t type = GIT_OBJECT_INVALID;
    if (const int r = git_odb_read_header(&size, &type, odb_, &id); r != 0) return git::failure(r, git::hex(id));
    if (type != GIT_OBJECT_BLOB || size < kPointerMin || size > kPointerMax) return {};
    if (const auto pointer = parse_pointer(TRY(git::read_blob(odb_, id, kPointerMax)))) out_.insert(pointer->sha256);
    return {};
  }

  git_repository* repository_;
  git_odb* odb_;
  std::set<std::string>& out_;
  std::unordered_set<std::string> seen_;
};

}  // namespace

Status add_named_contents(const Hub& hub, const Repo& repo, std::set<std::string>& out) {
  if (has_git(repo.kind)) {
    const auto repository = TRY(git::open(hub, repo));
    const auto odb = TRY(git::odb(repository.get()));
    return History(repository.get(), odb.get(), out).walk_refs();
  }
  for (const auto& object :
       TRY(hub.db().query("SELECT DISTINCT sha256 FROM bucket_files WHERE repo_id = $1 AND size_bytes > 0", {repo.id})))
    out.insert(object[0].text());
  return {};
}

}  // namespace hearth::hub
