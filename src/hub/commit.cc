#include "hub/commit.h"

#include "base/clock.h"
#include "base/files.h"
#include "base/log.h"
#include "base/text.h"
#include "hub/attributes.h"
#include "hub/card.h"
#include "hub/content.h"
#include "hub/events.h"
#include "hub/git/durable.h"
#include "hub/git/objects.h"
#include "hub/git/reference_lock.h"
#include "hub/git/snapshot.h"
#include "hub/index.h"
#include "hub/lock.h"
#include "hub/owners.h"
#include "hub/protection.h"
#include "hub/push.h"

namespace hearth::hub {
namespace {

constexpr size_t kOperationsMax = 50'000;
constexpr size_t kMessageMax = 64 * 1024;
constexpr int kRetryDepth = 16;  // commits that may have followed the one whose answer was lost
constexpr std::string_view kAttributesPath = ".gitattributes";

Result<std::string> branch_ref(std::string_view branch) {
  if (branch.starts_with("refs/pr/") || branch.starts_with("refs/heads/")) return std::string(branch);
  TRY(check_ref_name(branch));
  return cat("refs/heads/", branch);
}

// One commit in the making: the operations change a tree in memory, and new objects wait in a batch.
class Draft {
 public:
  Draft(const Hub& hub, const Repo& repo, const Caller& author, std::string ref, git_repository* repository,
        git_odb* odb, const git_oid& root)
      : hub_(hub),
        repo_(repo),
        author_(author),
        ref_(std::move(ref)),
        repository_(repository),
        odb_(odb),
        tree_(repository, &root) {}

  /// The root tree after all operations.
  Result<git_oid> build(const std::vector<Operation>& operations) {
    for (const auto& operation : operations) TRY(apply(operation));
    TRY(name_big_files());
    return tree_.write(batch_);
  }

  git::ObjectBatch& batch() { return batch_; }
  const std::vector<StoredFilePlace>& objects() const { return objects_; }

 private:
  Status apply(const Operation& operation) {
    return std::visit([this](const auto& o) { return apply(o); }, operation);
  }

  // Big files that .gitattributes does not name get a line there, else a clone would hold pointers.
  Status name_big_files() {
    if (big_paths_.empty()) return {};
    std::string text;
    if (const auto found = TRY(tree_.find(kAttributesPath)); found && !found->is_folder()) {
      if (const auto* added = find_added(found->id))
        text = *added;
      else
        text = TRY(git::read_blob(odb_, found->id, kRegularLimit));
    }
    const Attributes attributes(text);
    std::string lines;
    for (const auto& path : big_paths_)
      if (!attributes.is_lfs(path)) lines += lfs_attribute_line(path);
    if (lines.empty()) return {};
    if (!text.empty() && !text.ends_with('\n')) text += '\n';
    return put(std::string(kAttributesPath), text + lines);
  }

  Status apply(const PutFile& o) {
    const auto path = TRY(check_path(o.path));
    if (o.bytes.size() > kRegularLimit)
      return Status(Code::too_large, cat(path, " has ", o.bytes.size(), " bytes; files over ", kRegularLimit,
                                         " go through git-LFS (preupload says which)"));
    // A pointer sent as a file names a stored file all the same, with the same right needed.
    if (const auto pointer = parse_pointer(o.bytes))
      return apply(PutLfsFile{path, pointer->sha256, pointer->size_bytes});
    return put(path, o.bytes);
  }
  Status apply(const PutLfsFile& o) {
    const auto path = TRY(check_path(o.path));
    if (!store::is_sha256(o.sha256))
      return Status(Code::bad_input, cat(path, ": oid '", o.sha256.substr(0, 80), "' is no SHA-256"));
    if (!TRY(hub_.may_use_object(author_, repo_, o.sha256)))
      return Status(Code::bad_input, cat(path, ": LFS object ", o.sha256, " was not uploaded; upload it first"));
    TRY(touch_content(hub_, o.sha256));
    const auto size = TRY(content_size(hub_, o.sha256));
    if (o.size_bytes && *o.size_bytes != size)
      return Status(Code::bad_input,
                    cat(path, ": LFS object ", o.sha256, " has ", size, " bytes, not ", *o.size_bytes));
    TRY(put(path, format_pointer(o.sha256, size)));
    objects_.push_back({o.sha256, path, ref_, size});
    big_paths_.push_back(path);
    return {};
  }
  // A folder too: the Hub takes both in either operation's name.
  Status apply(const DeleteFile& o) { return tree_.remove(TRY(check_path(o.path))); }
  Status apply(const DeleteFolder& o) {
    const auto path = TRY(check_path(o.path));
    const auto found = TRY(tree_.find(path));
    if (found && !found->is_folder()) return Status(Code::bad_input, cat("'", path, "' is a file, not a folder"));
    return tree_.remove(path);
  }
  Status apply(const CopyPath& o) {
    const auto path = TRY(check_path(o.path));
    const auto from = TRY(git::snapshot(hub_, repo_, o.from_revision.empty() ? ref_ : o.from_revision));
    const auto entry = TRY(git::entry_at(from, o.from_path));
    const auto id = TRY(git::parse_oid(entry.oid));
    if (entry.lfs) big_paths_.push_back(path);
    return tree_.put(path, {entry.is_folder ? GIT_FILEMODE_TREE : GIT_FILEMODE_BLOB, id});
  }

  Status put(const std::string& path, std::string bytes) {
    const auto id = batch_.add(GIT_OBJECT_BLOB, bytes);
    if (path == kAttributesPath) attributes_ = {id, std::move(bytes)};
    return tree_.put(path, {GIT_FILEMODE_BLOB, id});
  }
  // .gitattributes as this commit puts it: not in the object database yet.
  const std::string* find_added(const git_oid& id) const {
    return attributes_ && git_oid_equal(&attributes_->first, &id) ? &attributes_->second : nullptr;
  }

  const Hub& hub_;
  const Repo& repo_;
  const Caller& author_;
  const std::string ref_;
  git_repository* repository_;
  git_odb* odb_;
  git::TreeEditor tree_;
  git::ObjectBatch batch_;
  std::vector<std::string> big_paths_;
  std::vector<StoredFilePlace> objects_;
  std::optional<std::pair<git_oid, std::string>> attributes_;
};

Status moved() {
  return Status(Code::precondition, "The branch was updated since you opened this page. Please refresh and try again.");
}

// A client that lost the answer (a 5xx on the way) sends its payload again, with the parent of before: the commit that
// this payload made then, among the latest since that parent.
Result<std::optional<CommitDone>> made_before(const Hub& hub, const Repo& repo, const Caller& author,
                                              const NewCommit& wanted, const std::string& ref,
                                              const std::string& message, const git::Snapshot& at) {
  auto commit = TRY(git::commit(at.repository.get(), *git_commit_id(at.commit.get())));
  for (int back = 0; back < kRetryDepth && git_commit_parentcount(commit.get()) == 1; ++back) {
    auto parent = TRY(git::commit(at.repository.get(), *git_commit_parent_id(commit.get(), 0)));
    if (!git::hex(*git_commit_id(parent.get())).starts_with(to_lower_ascii(wanted.parent))) {
      commit = std::move(parent);
      continue;
    }
    if (trim(git_commit_message(commit.get())) != trim(message) ||
        git_commit_author(commit.get())->name != author.user->name)
      break;
    Draft draft(hub, repo, author, ref, at.repository.get(), at.odb.get(), *git_commit_tree_id(parent.get()));
    const auto root = draft.build(wanted.operations);
    if (!root.ok() || !git_oid_equal(&*root, git_commit_tree_id(commit.get()))) break;
    return std::optional(CommitDone{git::hex(*git_commit_id(commit.get())), ref, /*changed=*/true});
  }
  return std::optional<CommitDone>();
}

// A pushed or committed card must be readable, or the model page could not show it.
Status check_cards(const NewCommit& commit, RepoKind kind) {
  for (const auto& operation : commit.operations) {
    const auto* file = std::get_if<PutFile>(&operation);
    if (!file || file->path != "README.md") continue;
    const auto check = validate_card(file->bytes, kind);
    if (!check.errors.empty()) return Status(Code::bad_input, cat("README.md: ", join(check.errors, "; ")));
  }
  return {};
}

}  // namespace

Result<CommitDone> create_commit(Hub& hub, const Repo& repo, const Caller& author, const NewCommit& wanted) {
  VERIFY(author.user.has_value(), "write access was checked");
  if (wanted.operations.size() > kOperationsMax)
    return Status(Code::too_large, cat("a commit has at most ", kOperationsMax, " operations"));
  auto message = wanted.description.empty() ? wanted.summary : cat(wanted.summary, "\n\n", wanted.description);
  if (trim(wanted.summary).empty()) return Status(Code::bad_input, "a commit needs a summary");
  if (message.size() > kMessageMax)
    return Status(Code::too_large, cat("a commit message has at most ", kMessageMax, " bytes"));
  if (!is_utf8(message) || message.find('\0') != std::string::npos)
    return Status(Code::bad_input, "the commit message is not UTF-8 text");
  const auto ref = TRY(branch_ref(wanted.branch));
  TRY(check_ref_change(TRY(protected_branches(hub, repo)), author, repo, {.ref = ref}));
  TRY(check_cards(wanted, repo.kind));

  const auto lock = TRY(lock_repository(hub, repo));
  const auto at = TRY(git::snapshot(hub, repo, ref));
  if (!wanted.parent.empty() &&
      (wanted.parent.size() < 7 || !at.commit_id.starts_with(to_lower_ascii(wanted.parent)))) {
    if (auto earlier = TRY(made_before(hub, repo, author, wanted, ref, message, at))) return *std::move(earlier);
    return moved();
  }

  Draft draft(hub, repo, author, ref, at.repository.get(), at.odb.get(), *git_tree_id(at.root.get()));
  uint64_t git_bytes = 0;
  for (const auto& operation : wanted.operations)
    if (const auto* file = std::get_if<PutFile>(&operation)) git_bytes += file->bytes.size();
  const auto root = TRY(draft.build(wanted.operations));
  // Who is over the quota may still delete.
  if (git_bytes > 0 || !draft.objects().empty()) TRY(check_quota(hub, repo, git_bytes, draft.objects()));
  if (git_oid_equal(&root, git_tree_id(at.root.get()))) return CommitDone{at.commit_id, ref, /*changed=*/false};

  const auto& parent = *git_commit_id(at.commit.get());
  const auto id = draft.batch().add(
      GIT_OBJECT_COMMIT,
      git::commit_text(root, &parent, author.user->name, author_email(*author.user), now_ms() / 1000, message));
  TRY(hub.link_objects(repo, draft.objects()));
  TRY(draft.batch().write(at.repository.get()));
  const auto folder = hub.git_folder(repo);
  const bool new_folder = !exists(path_join(folder, path_parent(ref)));  // of a reference that was packed
  git_reference* made = nullptr;
  const int r = TRY(git::write_reference(folder, ref, [&] {
    return git_reference_create_matching(&made, at.repository.get(), ref.c_str(), &id, /*force=*/1, &parent, "commit");
  }));
  if (r == GIT_EMODIFIED || r == GIT_ELOCKED) return moved();
  if (r != 0) return git::failure(r, ref);
  git_reference_free(made);
  if (new_folder) TRY(git::sync_names(folder, now_ms()));

  const RefUpdate update{git::hex(parent), git::hex(id), ref};
  note_moved_refs(hub, repo, author.user->name, std::span(&update, 1));
  // The commit stands; an index that could not be written is made again at the next look.
  if (ref == "refs/heads/main")
    if (const auto refreshed = refresh_index(hub, repo); !refreshed.ok())
      log(LogLevel::warning, "hub", cat("index of ", repo.full_name(), ": ", refreshed.message()));
  return CommitDone{git::hex(id), ref, /*changed=*/true};
}

}  // namespace hearth::hub
