#include "hub/push.h"

#include <algorithm>
#include <map>
#include <set>

#include "base/text.h"
#include "hub/card.h"
#include "hub/commit.h"
#include "hub/discussions.h"
#include "hub/events.h"
#include "hub/git/durable.h"
#include "hub/git/reference_lock.h"
#include "hub/git/snapshot.h"
#include "hub/index.h"
#include "hub/lock.h"
#include "hub/owners.h"
#include "hub/protection.h"

namespace hearth::hub {
namespace {

constexpr std::string_view kNoId = "0000000000000000000000000000000000000000";
constexpr size_t kPointerMin = 100, kPointerMax = 1024;
constexpr size_t kBinaryLook = 8000;  // git's own test for a binary file: a NUL among the first bytes
constexpr std::string_view kBinaryAdvice = "is a binary file; binary files go through git-LFS (git lfs track) or Xet";
// git 2.39's own, but for what this hub does not take: push certificates and push options.
constexpr std::string_view kCapabilities =
    "report-status report-status-v2 delete-refs side-band-64k quiet atomic ofs-delta object-format=sha1 "
    "agent=hearth/" HEARTH_VERSION;
constexpr size_t kOffendersShown = 10;
constexpr uint64_t kCardMax = 4u << 20;
constexpr size_t kUpdatesMax = 10'000;

struct Offender {
  std::string oid, why;
};

// Looks at every object of the quarantine: whatever the push brought, by whichever path it is reached.
struct Inspection {
  const Hub& hub;
  const Repo& repo;
  const Caller& caller;
  git_odb* odb;
  std::vector<Offender> offenders;
  std::vector<std::pair<std::string, std::string>> objects;  // pointer blobs and the stored files that they name
  Status failed;
  uint64_t git_bytes = 0;  // of all files that git itself is to hold

  static int visit(const git_oid* id, void* self) { return static_cast<Inspection*>(self)->look(*id) ? 0 : GIT_EUSER; }

  bool look(const git_oid& id) {
    size_t size = 0;
    git_object_t type = GIT_OBJECT_INVALID;
    if (const int r = git_odb_read_header(&size, &type, odb, &id); r != 0) {
      failed = git::failure(r, cat("object ", git::hex(id)));
      return false;
    }
    if (type != GIT_OBJECT_BLOB) return true;
    git_bytes += size;
    if (size > kRegularLimit)
      offenders.push_back({git::hex(id), cat("has ", human_size(size), "; files over 10 MB go through git-LFS")});
    if (size > kRegularLimit) return true;
    auto text = git::read_blob(odb, id, kRegularLimit);
    if (!text.ok()) {
      failed = std::move(text).status();
      return false;
    }
    if (std::string_view(*text).substr(0, kBinaryLook).find('\0') != std::string_view::npos)
      offenders.push_back({git::hex(id), std::string(kBinaryAdvice)});
    if (size < kPointerMin || size > kPointerMax) return true;
    if (const auto pointer = parse_pointer(*text)) {
      auto usable = hub.may_use_object(caller, repo, pointer->sha256);
      if (!usable.ok()) {
        failed = std::move(usable).status();
        return false;
      }
      if (*usable)
        objects.emplace_back(git::hex(id), pointer->sha256);
      else
        offenders.push_back({git::hex(id), cat("points to LFS object ", pointer->sha256, ", which was not uploaded")});
    }
    return true;
  }
};

// Finds the paths of the offending blobs by walking the new commits' trees, each tree once.
class PathFinder {
 public:
  PathFinder(git_repository* repository, std::set<std::string> blobs)
      : repository_(repository), wanted_(std::move(blobs)) {}
  Status walk(const git_oid& tree_id, const std::string& prefix) {
    if (paths_.size() == wanted_.size() || !seen_.insert(git::hex(tree_id)).second) return {};
    const auto tree = TRY(git::tree(repository_, tree_id));
    for (size_t i = 0; i < git_tree_entrycount(tree.get()); ++i) {
      const auto* entry = git_tree_entry_byindex(tree.get(), i);
      const auto path = path_join(prefix, git_tree_entry_name(entry));
      if (git_tree_entry_filemode(entry) == GIT_FILEMODE_TREE) {
        TRY(walk(*git_tree_entry_id(entry), path));
      } else if (const auto oid = git::hex(*git_tree_entry_id(entry)); wanted_.count(oid) != 0) {
        paths_.emplace(oid, path);
      }
    }
    return {};
  }
  std::string path(const std::string& oid) const {
    const auto found = paths_.find(oid);
    return found == paths_.end() ? "" : found->second;
  }
  std::string name(const std::string& oid) const {
    const auto found = path(oid);
    return found.empty() ? cat("object ", oid) : found;
  }

 private:
  git_repository* repository_;
  std::set<std::string> wanted_, seen_;
  std::map<std::string, std::string> paths_;
};

Status find_paths(git_repository* repository, std::span<const RefUpdate> updates, PathFinder& finder) {
  git_revwalk* made = nullptr;
  if (const int r = git_revwalk_new(&made, repository); r != 0) return git::failure(r, "history");
  const git::RevwalkPtr walk(made);
  for (const auto& update : updates) {
    if (update.new_id != kNoId) {
      const auto id = TRY(git::parse_oid(update.new_id));
      static_cast<void>(git_revwalk_push(walk.get(), &id));  // a tag of a tree has no commits
    }
    if (update.old_id == kNoId) continue;
    const auto old = TRY(git::parse_oid(update.old_id));
    static_cast<void>(git_revwalk_hide(walk.get(), &old));
  }
  git_oid id;
  while (git_revwalk_next(&id, walk.get()) == 0) {
    const auto commit = TRY(git::commit(repository, id));
    TRY(finder.walk(*git_commit_tree_id(commit.get()), ""));
  }
  return {};
}

// Is the new commit without the old one in its history? The objects may lie in quarantine.
bool rewrites(git_repository* repository, const RefUpdate& update) {
  if (update.old_id == kNoId || update.new_id == kNoId) return false;
  const auto old_id = git::parse_oid(update.old_id), new_id = git::parse_oid(update.new_id);
  return !old_id.ok() || !new_id.ok() || git_graph_descendant_of(repository, &*new_id, &*old_id) != 1;
}

// Which references the caller may move, and how.
Status check_refs(const Hub& hub, const Repo& repo, const Caller& caller, git_repository* repository,
                  std::span<const RefUpdate> updates, PushCheck& out) {
  const auto rules = TRY(protected_branches(hub, repo));
  for (const auto& update : updates) {
    const std::string_view ref = update.ref;
    const bool branch = ref.starts_with("refs/heads/"), request = ref.starts_with("refs/pr/");
    if (!branch && !request && !ref.starts_with("refs/tags/")) {
      out.texts.push_back(
          cat(printable(ref), ": only branches, tags and one's own pull requests (refs/pr/N) can be pushed"));
      continue;
    }
    const auto name = ref.substr(ref.find('/', 5) + 1);
    if (const auto named = check_ref_name(name); !named.ok() || name.starts_with("refs/")) {
      out.texts.push_back(named.ok() ? cat("Invalid reference for a branch: ", printable(name)) : named.message());
      continue;
    }
    if (request && update.new_id == kNoId) {
      out.texts.push_back(cat(ref, ": a pull request is closed on its page, not deleted"));
      continue;
    }
    if (const auto may = check_commit_to(hub, repo, caller, ref); !may.ok()) {
      out.texts.push_back(cat(ref, ": ", may.message()));
      continue;
    }
    const RefChange change{.ref = ref,
                           .deletes = update.new_id == kNoId,
                           .rewrites = branch && !rules.empty() && rewrites(repository, update)};
    if (const auto allowed = check_ref_change(rules, caller, repo, change); !allowed.ok())
      out.texts.push_back(allowed.message());
  }
  return {};
}

// The card of the new main must be readable.
void check_card(git_repository* repository, git_odb* odb, RepoKind kind, std::span<const RefUpdate> updates,
                PushCheck& out, std::vector<std::string>& remarks) {
  for (const auto& update : updates) {
    if (update.ref != "refs/heads/main" || update.new_id == kNoId) continue;
    const auto id = git::parse_oid(update.new_id);
    if (!id.ok()) continue;
    const auto commit = git::commit(repository, *id);
    if (!commit.ok()) {
      out.texts.push_back("refs/heads/main must be a commit");
      continue;
    }
    const auto tree = git::tree(repository, *git_commit_tree_id(commit->get()));
    const auto* entry = tree.ok() ? git_tree_entry_byname(tree->get(), "README.md") : nullptr;
    if (!entry) continue;
    const auto text = git::read_blob(odb, *git_tree_entry_id(entry), kCardMax);
    if (!text.ok()) continue;
    const auto check = validate_card(*text, kind);
    for (const auto& error : check.errors) out.texts.push_back(cat("README.md: ", error));
    for (const auto& warning : check.warnings) remarks.push_back(cat("README.md: ", warning));
  }
}

}  // namespace

Result<std::string> advertise_references(const Hub& hub, const Repo& repo) {
  const auto repository = TRY(git::open(hub, repo));
  git_reference_iterator* made = nullptr;
  if (const int r = git_reference_iterator_new(&made, repository.get()); r != 0) return git::failure(r, "references");
  const git::ReferenceIteratorPtr iterator(made);
  std::map<std::string, std::string> refs;  // git sends them by name
  git_reference* next = nullptr;
  while (git_reference_next(&next, iterator.get()) == 0) {
    const git::ReferencePtr reference(next);
    if (const auto* id = git_reference_target(next)) refs.emplace(git_reference_name(next), git::hex(*id));
  }
  if (refs.empty()) refs.emplace("capabilities^{}", kNoId);
  std::string out;
  for (const auto& [name, id] : refs) {
    const auto line = cat(id, " ", name, out.empty() ? std::string(1, '\0') + std::string(kCapabilities) : "", "\n");
    char length[5];
    snprintf(length, sizeof length, "%04zx", line.size() + 4);
    out += cat(std::string_view(length), line);
  }
  return out + "0000";
}

Result<std::vector<RefUpdate>> parse_ref_updates(std::string_view text) {
  std::vector<RefUpdate> out;
  for (const auto line : split(text, '\n')) {
    if (line.empty()) continue;
    if (line.size() < 83 || line[40] != ' ' || line[81] != ' ' || out.size() == kUpdatesMax)
      return Status(Code::bad_input, cat("'", line.substr(0, 200), "' is not \"OLD NEW REF\""));
    out.push_back({std::string(line.substr(0, 40)), std::string(line.substr(41, 40)), std::string(line.substr(82))});
  }
  return out;
}

Result<PushCheck> check_push(Hub& hub, const Repo& repo, const Caller& caller, std::span<const RefUpdate> updates,
                             const std::string& quarantine) {
  PushCheck out;
  const auto repository = TRY(git::open(hub, repo));
  const auto odb = TRY(git::odb(repository.get()));
  // The quarantine alone is inspected; the repository reads through both.
  git_odb* opened = nullptr;
  const auto objects = quarantine.empty() ? path_join(hub.git_folder(repo), "objects") : quarantine;
  if (const int r = git_odb_open(&opened, objects.c_str()); r != 0) return git::failure(r, "pushed objects");
  const git::OdbPtr pushed(opened);
  if (!quarantine.empty())
    if (const int r = git_odb_add_disk_alternate(odb.get(), quarantine.c_str()); r != 0)
      return git::failure(r, "pushed objects");
  TRY(check_refs(hub, repo, caller, repository.get(), updates, out));
  Inspection inspection{
      .hub = hub, .repo = repo, .caller = caller, .odb = pushed.get(), .offenders = {}, .objects = {}, .failed = {}};
  const int r = git_odb_foreach(pushed.get(), &Inspection::visit, &inspection);
  if (!inspection.failed.ok()) return std::move(inspection.failed);
  if (r != 0) return git::failure(r, "pushed objects");

  std::set<std::string> blobs;
  for (const auto& offender : inspection.offenders) blobs.insert(offender.oid);
  for (const auto& [blob, sha256] : inspection.objects) blobs.insert(blob);
  const bool named = !blobs.empty();
  PathFinder finder(repository.get(), std::move(blobs));
  if (named) TRY(find_paths(repository.get(), updates, finder));
  if (!inspection.offenders.empty()) {
    for (size_t i = 0; i < inspection.offenders.size() && i < kOffendersShown; ++i)
      out.texts.push_back(cat(finder.name(inspection.offenders[i].oid), " ", inspection.offenders[i].why));
    if (inspection.offenders.size() > kOffendersShown)
      out.texts.push_back(cat("and ", inspection.offenders.size() - kOffendersShown, " files more"));
  }
  std::vector<StoredFilePlace> places;
  for (const auto& [blob, sha256] : inspection.objects) places.push_back({sha256, finder.path(blob), updates[0].ref});
  if (const auto room = check_quota(hub, repo, inspection.git_bytes, places); !room.ok()) {
    if (room.code() != Code::forbidden) return room.clone();
    out.texts.push_back(room.message());
  }
  std::vector<std::string> remarks;
  check_card(repository.get(), odb.get(), repo.kind, updates, out, remarks);
  out.accepted = out.texts.empty();
  if (!out.accepted) return out;
  TRY(hub.link_objects(repo, places));
  // git locks them when this is over, and gives up where a killed process left its lock.
  const auto folder = hub.git_folder(repo);
  for (const auto& update : updates)
    for (const std::string_view ref : {std::string_view(update.ref), git::kPackedReferences})
      if (git::is_reference_locked(folder, ref)) {
        const auto lock = TRY(lock_repository(hub, repo));
        TRY(git::await_reference(folder, ref));
      }
  out.texts = std::move(remarks);
  return out;
}

Status after_push(Hub& hub, const Repo& repo, std::string_view actor, std::span<const RefUpdate> updates,
                  int64_t begun_ms) {
  TRY(git::sync_names(hub.git_folder(repo), begun_ms));
  TRY(record_event(hub.db(), content_event(repo, actor, updates)));
  return refresh_index(hub, repo);
}

}  // namespace hearth::hub
