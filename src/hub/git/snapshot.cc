#include "hub/git/snapshot.h"

#include <algorithm>
#include <map>
#include <set>

#include "base/files.h"
#include "base/text.h"
#include "hub/repo_id.h"

namespace hearth::hub::git {
namespace {

// Pointers have 120 to 140 bytes; the specification allows up to 1024.
constexpr size_t kPointerMin = 100, kPointerMax = 1024;
constexpr size_t kShortIdMin = 7;
// How far back the last change of a path is looked for.
constexpr int kHistoryMax = 5000;

Status unknown_revision(std::string_view revision) {
  return Status(Code::revision_not_found, cat("Invalid rev id: ", revision.substr(0, 200)));
}

Result<git_oid> peel(git_object* object, std::string_view revision) {
  git_object* commit = nullptr;
  if (git_object_peel(&commit, object, GIT_OBJECT_COMMIT) != 0) return unknown_revision(revision);
  return *git_object_id(ObjectPtr(commit).get());
}

bool is_hex(std::string_view text) {
  return std::all_of(text.begin(), text.end(),
                     [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F'); });
}

// The tree at a path below another; null when there is none.
Result<TreePtr> folder_at(git_repository* repository, git_tree* root, const std::string& path) {
  if (path.empty()) return tree(repository, *git_tree_id(root));
  git_tree_entry* found = nullptr;
  if (git_tree_entry_bypath(&found, root, path.c_str()) != 0) return TreePtr();
  const TreeEntryPtr entry(found);
  if (git_tree_entry_type(entry.get()) != GIT_OBJECT_TREE) return TreePtr();
  return tree(repository, *git_tree_entry_id(entry.get()));
}

// Of the entries of a folder, those to which `summary`'s commit gave their present content get it and leave the list.
Status find_changed(git_repository* repository, git_tree* root, const std::vector<TreePtr>& parents,
                    const std::string& folder, const CommitSummary& summary, std::vector<TreeEntry*>& waiting) {
  const auto now = TRY(folder_at(repository, root, folder));
  if (!now) return {};
  std::vector<TreePtr> before;
  for (const auto& parent : parents) {
    before.push_back(TRY(folder_at(repository, parent.get(), folder)));
    if (before.back() && git_oid_equal(git_tree_id(before.back().get()), git_tree_id(now.get()))) return {};
  }
  std::erase_if(waiting, [&](TreeEntry* entry) {
    const std::string name(path_name(entry->path));
    const auto* here = git_tree_entry_byname(now.get(), name.c_str());
    if (!here || hex(*git_tree_entry_id(here)) != entry->oid) return false;
    for (const auto& parent : before) {
      const auto* there = parent ? git_tree_entry_byname(parent.get(), name.c_str()) : nullptr;
      if (there && git_oid_equal(git_tree_entry_id(there), git_tree_entry_id(here))) return false;
    }
    entry->last_commit = summary;
    return true;
  });
  return {};
}

/// The search for last commits: entries wait, by their folder, for the commit that gave them their content. A commit
/// that left a folder as it was costs one comparison for all that lies in it.
class LastCommitSearch {
 public:
  LastCommitSearch(git_repository* repository, std::vector<TreeEntry>& entries, const KnownCommits& known)
      : repository_(repository), known_(known) {
    for (auto& entry : entries) waiting_[std::string(path_parent(entry.path))].push_back(&entry);
    for (const auto& [path, one] : known) seen_.insert(one.seen);
  }

  bool is_done() const { return waiting_.empty() || result_.looked_at >= kHistoryMax; }

  /// The ids of its parents.
  Result<std::vector<git_oid>> look_at(const git_oid& id) {
    const auto here = TRY(commit(repository_, id));
    const auto here_tree = TRY(tree(repository_, *git_commit_tree_id(here.get())));
    std::vector<git_oid> ids;
    std::vector<TreePtr> parents;
    for (unsigned i = 0; i < git_commit_parentcount(here.get()); ++i) {
      ids.push_back(*git_commit_parent_id(here.get(), i));
      const auto parent = TRY(commit(repository_, ids.back()));
      parents.push_back(TRY(tree(repository_, *git_commit_tree_id(parent.get()))));
    }
    const char* title = git_commit_summary(here.get());
    oldest_ = {hex(id), title ? title : "", git_commit_time(here.get()) * 1000};
    ++result_.looked_at;
    for (auto group = waiting_.begin(); group != waiting_.end();) {
      auto& [folder, entries] = *group;
      TRY(find_changed(repository_, here_tree.get(), parents, folder, oldest_, entries));
      group = entries.empty() ? waiting_.erase(group) : std::next(group);
    }
    return ids;
  }

  /// Before a commit that a straight line leads to: those that wait have the same content there, so what is known of
  /// it there holds.
  void take_known(const git_oid& id) {
    const auto here = hex(id);
    if (seen_.count(here) == 0) return;
    for (auto group = waiting_.begin(); group != waiting_.end();) {
      std::erase_if(group->second, [&](TreeEntry* entry) {
        const auto found = known_.find(entry->path);
        if (found == known_.end() || found->second.seen != here || found->second.content != entry->oid) return false;
        entry->last_commit = found->second.commit;
        return true;
      });
      group = group->second.empty() ? waiting_.erase(group) : std::next(group);
    }
  }

  CommitSearch finish() {
    for (auto& [folder, entries] : waiting_)
      for (auto* entry : entries) {
        entry->last_commit = oldest_;  // older than the search goes
        result_.is_exact = false;
      }
    return result_;
  }

 private:
  git_repository* repository_;
  const KnownCommits& known_;
  std::set<std::string> seen_;
  std::map<std::string, std::vector<TreeEntry*>> waiting_;
  CommitSummary oldest_;
  CommitSearch result_;
};

Status collect_files(const Snapshot& at, git_tree* folder, const std::string& prefix, size_t limit,
                     std::vector<TreeEntry>& out) {
  for (size_t i = 0; i < git_tree_entrycount(folder) && out.size() < limit; ++i) {
    const auto* entry = git_tree_entry_byindex(folder, i);
    const auto path = path_join(prefix, git_tree_entry_name(entry));
    const auto mode = git_tree_entry_filemode(entry);
    if (mode == GIT_FILEMODE_TREE) {
      const auto below = TRY(tree(at.repository.get(), *git_tree_entry_id(entry)));
      TRY(collect_files(at, below.get(), path, limit, out));
    } else if (mode != GIT_FILEMODE_COMMIT) {
      out.push_back(TRY(describe(at.odb.get(), path, mode, *git_tree_entry_id(entry))));
    }
  }
  return {};
}

}  // namespace

Result<git_oid> resolve(git_repository* repository, std::string_view revision) {
  if (revision.empty() || revision.size() > 300 || revision.find('\0') != std::string_view::npos)
    return unknown_revision(revision);
  const auto by_ref = [&](const std::string& name) -> Result<git_oid> {
    git_object* object = nullptr;
    git_reference* found = nullptr;
    if (git_reference_lookup(&found, repository, name.c_str()) != 0) return unknown_revision(revision);
    const ReferencePtr reference(found);
    if (git_reference_peel(&object, reference.get(), GIT_OBJECT_COMMIT) != 0) return unknown_revision(revision);
    return *git_object_id(ObjectPtr(object).get());
  };
  const auto by_id = [&](std::string_view begin) -> Result<git_oid> {
    git_oid prefix;
    git_object* object = nullptr;
    if (git_oid_fromstrn(&prefix, begin.data(), begin.size()) != 0 ||
        git_object_lookup_prefix(&object, repository, &prefix, begin.size(), GIT_OBJECT_COMMIT) != 0)
      return unknown_revision(revision);
    return peel(ObjectPtr(object).get(), revision);
  };
  if (revision == "HEAD") revision = "main";
  if (revision.starts_with("refs/")) return by_ref(std::string(revision));
  // A whole id is that commit whatever a branch may be called: who pins a revision gets what was pinned.
  if (is_whole_id(revision)) return by_id(revision);
  for (const std::string_view folder : {"refs/heads/", "refs/tags/"})
    if (auto found = by_ref(cat(folder, revision)); found.ok()) return found;
  if (!is_hex(revision) || revision.size() < kShortIdMin || revision.size() > GIT_OID_HEXSZ)
    return unknown_revision(revision);
  return by_id(revision);
}

Result<RepositoryPtr> open(const Hub& hub, const Repo& repo) {
  auto opened = open(hub.git_folder(repo));
  if (!opened.ok() && opened.status().code() == Code::not_found)
    return Status(Code::repo_not_found, cat("repository ", repo.full_name(), " was deleted"));
  return opened;
}

Result<Snapshot> snapshot(const Hub& hub, const Repo& repo, std::string_view revision) {
  Snapshot out;
  out.repository = TRY(open(hub, repo));
  out.odb = TRY(odb(out.repository.get()));
  const auto id = TRY(resolve(out.repository.get(), revision));
  out.commit = TRY(commit(out.repository.get(), id));
  out.root = TRY(tree(out.repository.get(), *git_commit_tree_id(out.commit.get())));
  out.commit_id = hex(id);
  return out;
}

Result<TreeEntry> describe(git_odb* odb, std::string path, git_filemode_t mode, const git_oid& id) {
  TreeEntry out;
  out.is_folder = mode == GIT_FILEMODE_TREE;
  out.path = std::move(path);
  out.oid = hex(id);
  if (out.is_folder || mode == GIT_FILEMODE_COMMIT) return out;
  size_t size = 0;
  git_object_t type = GIT_OBJECT_INVALID;
  if (const int r = git_odb_read_header(&size, &type, odb, &id); r != 0) return failure(r, out.path);
  out.size_bytes = size;
  if (size < kPointerMin || size > kPointerMax) return out;
  out.lfs = parse_pointer(TRY(read_blob(odb, id, kPointerMax)));
  if (out.lfs) out.size_bytes = out.lfs->size_bytes;
  return out;
}

Result<TreeEntry> entry_at(const Snapshot& snapshot, std::string_view path) {
  const auto clean = TRY(check_path(path));
  git_tree_entry* found = nullptr;
  const int r = git_tree_entry_bypath(&found, snapshot.root.get(), clean.c_str());
  if (r == GIT_ENOTFOUND)
    return Status(Code::entry_not_found, cat("there is no ", clean, " at revision ", snapshot.commit_id));
  if (r != 0) return failure(r, clean);
  const TreeEntryPtr entry(found);
  return describe(snapshot.odb.get(), clean, git_tree_entry_filemode(entry.get()), *git_tree_entry_id(entry.get()));
}

Result<std::vector<TreeEntry>> all_files(const Snapshot& snapshot, size_t limit) {
  std::vector<TreeEntry> out;
  TRY(collect_files(snapshot, snapshot.root.get(), "", limit, out));
  return out;
}

Result<std::string> read_blob(git_odb* odb, const git_oid& id, uint64_t max_bytes) {
  size_t size = 0;
  git_object_t type = GIT_OBJECT_INVALID;
  if (const int r = git_odb_read_header(&size, &type, odb, &id); r != 0) return failure(r, cat("object ", hex(id)));
  if (type != GIT_OBJECT_BLOB) return Status(Code::bad_input, cat("object ", hex(id), " is not a file"));
  if (size > max_bytes)
    return Status(Code::too_large, cat("object ", hex(id), " has ", size, " bytes, the limit is ", max_bytes));
  git_odb_object* found = nullptr;
  if (const int r = git_odb_read(&found, odb, &id); r != 0) return failure(r, cat("object ", hex(id)));
  const OdbObjectPtr object(found);
  return std::string(static_cast<const char*>(git_odb_object_data(object.get())), git_odb_object_size(object.get()));
}

Result<CommitSearch> find_last_commits(const Snapshot& snapshot, std::vector<TreeEntry>& entries,
                                       const KnownCommits& known) {
  LastCommitSearch search(snapshot.repository.get(), entries, known);
  auto id = *git_commit_id(snapshot.commit.get());
  // A straight history is followed as it is: sorting would read all of it first.
  for (;;) {
    search.take_known(id);
    if (search.is_done()) return search.finish();
    const auto parents = TRY(search.look_at(id));
    if (parents.empty()) return search.finish();
    if (parents.size() > 1) break;
    id = parents[0];
  }
  git_revwalk* made = nullptr;
  if (const int r = git_revwalk_new(&made, snapshot.repository.get()); r != 0) return failure(r, "history");
  const RevwalkPtr walk(made);
  git_revwalk_sorting(walk.get(), GIT_SORT_TOPOLOGICAL | GIT_SORT_TIME);
  if (const int r = git_revwalk_push(walk.get(), &id); r != 0) return failure(r, "history");
  for (git_oid next; !search.is_done() && git_revwalk_next(&next, walk.get()) == 0;)
    if (!git_oid_equal(&next, &id)) TRY(search.look_at(next));
  return search.finish();
}

}  // namespace hearth::hub::git
