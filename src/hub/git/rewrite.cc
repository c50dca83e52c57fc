#include "hub/git/rewrite.h"

#include <algorithm>
#include <cstring>
#include <map>
#include <optional>

#include "base/clock.h"
#include "base/text.h"
#include "hub/git/durable.h"
#include "hub/git/objects.h"
#include "hub/git/reference_lock.h"

namespace hearth::hub::git {
namespace {

constexpr size_t kBatchMax = 5000;  // objects held in memory before they are written

struct OidLess {
  bool operator()(const git_oid& a, const git_oid& b) const { return git_oid_cmp(&a, &b) < 0; }
};
using OidMap = std::map<git_oid, git_oid, OidLess>;

class Rewriter {
 public:
  Rewriter(git_repository* repository, const std::function<Result<bool>(const git_oid&)>& drop)
      : repository_(repository), drop_(drop) {}

  /// The id of `id` (a commit, or a tag that leads to one) after the rewrite.
  Result<git_oid> moved(const git_oid& id) {
    git_object* found = nullptr;
    if (const int r = git_object_lookup(&found, repository_, &id, GIT_OBJECT_ANY); r != 0) return failure(r, hex(id));
    const ObjectPtr object(found);
    if (git_object_type(found) == GIT_OBJECT_COMMIT) return history(id);
    if (git_object_type(found) != GIT_OBJECT_TAG) return id;
    const auto* tag = reinterpret_cast<git_tag*>(found);
    const auto target = TRY(moved(*git_tag_target_id(tag)));
    if (git_oid_equal(&target, git_tag_target_id(tag))) return id;
    // The tag's text with its first line changed: "object <id>".
    auto text = TRY(read(id));
    const auto end = text.find("\n-----BEGIN ");
    if (end != std::string::npos) text.resize(end + 1);  // a signature of the old text
    return add(GIT_OBJECT_TAG, cat("object ", hex(target), text.substr(7 + GIT_OID_HEXSZ)));
  }

  Status flush() {
    TRY(batch_.write(repository_));
    batch_ = {};
    return {};
  }

 private:
  Result<git_oid> add(git_object_t type, std::string text) {
    if (batch_.size() >= kBatchMax) TRY(flush());
    return batch_.add(type, std::move(text));
  }

  Result<std::string> read(const git_oid& id) {
    const auto database = TRY(odb(repository_));
    git_odb_object* found = nullptr;
    if (const int r = git_odb_read(&found, database.get(), &id); r != 0) return failure(r, hex(id));
    const OdbObjectPtr object(found);
    return std::string(static_cast<const char*>(git_odb_object_data(found)), git_odb_object_size(found));
  }

  // Parents before children, each commit once.
  Result<git_oid> history(const git_oid& head) {
    if (const auto done = commits_.find(head); done != commits_.end()) return done->second;
    git_revwalk* made = nullptr;
    if (const int r = git_revwalk_new(&made, repository_); r != 0) return failure(r, "history");
    const RevwalkPtr walk(made);
    git_revwalk_sorting(walk.get(), GIT_SORT_TOPOLOGICAL | GIT_SORT_REVERSE);
    if (const int r = git_revwalk_push(walk.get(), &head); r != 0) return failure(r, "history");
    git_oid id;
    while (git_revwalk_next(&id, walk.get()) == 0)
      if (!commits_.count(id)) commits_[id] = TRY(rewrite(id));
    return commits_.at(head);
  }

  Result<git_oid> rewrite(const git_oid& id) {
    const auto old = TRY(commit(repository_, id));
    const auto root = TRY(tree_without(*git_commit_tree_id(old.get())));
    const auto tree_id = root ? *root : batch_.add(GIT_OBJECT_TREE, "");
    bool same = git_oid_equal(&tree_id, git_commit_tree_id(old.get()));
    std::string text = cat("tree ", hex(tree_id), "\n");
    for (unsigned i = 0; i < git_commit_parentcount(old.get()); ++i) {
      const auto& parent = *git_commit_parent_id(old.get(), i);
      const auto& now = commits_.at(parent);
      same = same && git_oid_equal(&parent, &now);
      text += cat("parent ", hex(now), "\n");
    }
    if (same) return id;
    // author, committer and encoding as they are; gpgsig and other extra headers belong to the old id.
    const std::string_view header = git_commit_raw_header(old.get());
    for (const auto line : split(header, '\n'))
      if (line.starts_with("author ") || line.starts_with("committer ") || line.starts_with("encoding "))
        text += cat(line, "\n");
    return add(GIT_OBJECT_COMMIT, cat(text, "\n", git_commit_message_raw(old.get())));
  }

  // Nothing when the folder would be empty.
  Result<std::optional<git_oid>> tree_without(const git_oid& id) {
    if (const auto done = trees_.find(id); done != trees_.end()) return done->second;
    const auto old = TRY(tree(repository_, id));
    std::string text;
    bool same = true;
    for (size_t i = 0; i < git_tree_entrycount(old.get()); ++i) {
      const auto* entry = git_tree_entry_byindex(old.get(), i);
      const auto mode = git_tree_entry_filemode_raw(entry);
      git_oid now = *git_tree_entry_id(entry);
      if (mode == GIT_FILEMODE_TREE) {
        const auto below = TRY(tree_without(now));
        if (!below) {
          same = false;
          continue;
        }
        same = same && git_oid_equal(&now, &*below);
        now = *below;
      } else if (mode != GIT_FILEMODE_COMMIT && TRY(drop_(now))) {
        same = false;
        continue;
      }
      char octal[16];
      snprintf(octal, sizeof octal, "%o", static_cast<unsigned>(mode));
      text += cat(std::string_view(octal), " ", std::string_view(git_tree_entry_name(entry)), '\0');
      text.append(reinterpret_cast<const char*>(now.id), GIT_OID_RAWSZ);
    }
    std::optional<git_oid> out;
    if (same)
      out = id;
    else if (!text.empty())
      out = TRY(add(GIT_OBJECT_TREE, std::move(text)));
    return trees_[id] = out;
  }

  git_repository* repository_;
  const std::function<Result<bool>(const git_oid&)>& drop_;
  ObjectBatch batch_;
  OidMap commits_;
  std::map<git_oid, std::optional<git_oid>, OidLess> trees_;
};

}  // namespace

Result<std::vector<RefMove>> drop_blobs(git_repository* repository,
                                        const std::function<Result<bool>(const git_oid&)>& drop) {
  git_reference_iterator* made = nullptr;
  if (const int r = git_reference_iterator_new(&made, repository); r != 0) return failure(r, "references");
  const ReferenceIteratorPtr iterator(made);
  Rewriter rewriter(repository, drop);
  std::vector<RefMove> moves;
  git_reference* next = nullptr;
  while (git_reference_next(&next, iterator.get()) == 0) {
    const ReferencePtr reference(next);
    const auto* id = git_reference_target(next);
    if (!id) continue;
    const auto now = TRY(rewriter.moved(*id));
    if (!git_oid_equal(id, &now)) moves.push_back({git_reference_name(next), hex(*id), hex(now)});
  }
  const auto begun_ms = now_ms();
  TRY(rewriter.flush());
  for (const auto& move : moves) {
    const auto old_id = TRY(parse_oid(move.old_id)), new_id = TRY(parse_oid(move.new_id));
    git_reference* moved = nullptr;
    const int r = TRY(write_reference(git_repository_path(repository), move.ref, [&] {
      return git_reference_create_matching(&moved, repository, move.ref.c_str(), &new_id, /*force=*/1, &old_id,
                                           "remove files for good");
    }));
    if (r != 0) return failure(r, move.ref);
    git_reference_free(moved);
  }
  TRY(sync_names(git_repository_path(repository), begun_ms));
  return moves;
}

}  // namespace hearth::hub::git
