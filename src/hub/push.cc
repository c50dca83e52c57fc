#include "hub/push.h"

#include <algorithm>
#include <map>
#include <set>

#include "base/text.h"
#include "hub/card.h"
#include "hub/commit.h"
#include "hub/events.h"
#include "hub/git/snapshot.h"
#include "hub/index.h"
#include "hub/owners.h"

namespace hearth::hub {
namespace {

constexpr std::string_view kNoId = "0000000000000000000000000000000000000000";
constexpr size_t kPointerMin = 100, kPointerMax = 1024;
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
  std::vector<std::string> objects;  // stored files that pointers name
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
    if (size < kPointerMin || size > kPointerMax) return true;
    auto text = git::read_blob(odb, id, kPointerMax);
    if (!text.ok()) {
      failed = std::move(text).status();
      return false;
    }
    if (const auto pointer = parse_pointer(*text)) {
      auto usable = hub.may_use_object(caller, repo, pointer->sha256);
      if (!usable.ok()) {
        failed = std::move(usable).status();
        return false;
      }
      if (*usable)
        objects.push_back(pointer->sha256);
      else
        offenders.push_back({git::hex(id), cat("points to LFS object ", pointer->sha256, ", which was not uploaded")});
    }
    return true;
  }
};

// Finds the paths of the offending blobs by walking the new commits' trees, each tree once.
class PathFinder {
 public:
  PathFinder(git_repository* repository, const std::vector<Offender>& offenders) : repository_(repository) {
    for (const auto& offender : offenders) wanted_.insert(offender.oid);
  }
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
  std::string name(const std::string& oid) const {
    const auto found = paths_.find(oid);
    return found == paths_.end() ? cat("object ", oid) : found->second;
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

void check_refs(std::span<const RefUpdate> updates, PushCheck& out) {
  for (const auto& update : updates) {
    const bool ours = update.ref.starts_with("refs/heads/") || update.ref.starts_with("refs/tags/");
    if (!ours)
      out.texts.push_back(cat(update.ref, ": only branches (refs/heads/) and tags (refs/tags/) can be pushed"));
    if (update.ref == "refs/heads/main" && update.new_id == kNoId)
      out.texts.push_back("the branch main cannot be deleted");
  }
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
  check_refs(updates, out);
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
  Inspection inspection{
      .hub = hub, .repo = repo, .caller = caller, .odb = pushed.get(), .offenders = {}, .objects = {}, .failed = {}};
  const int r = git_odb_foreach(pushed.get(), &Inspection::visit, &inspection);
  if (!inspection.failed.ok()) return std::move(inspection.failed);
  if (r != 0) return git::failure(r, "pushed objects");

  if (!inspection.offenders.empty()) {
    PathFinder finder(repository.get(), inspection.offenders);
    TRY(find_paths(repository.get(), updates, finder));
    for (size_t i = 0; i < inspection.offenders.size() && i < kOffendersShown; ++i)
      out.texts.push_back(cat(finder.name(inspection.offenders[i].oid), " ", inspection.offenders[i].why));
    if (inspection.offenders.size() > kOffendersShown)
      out.texts.push_back(cat("and ", inspection.offenders.size() - kOffendersShown, " files more"));
  }
  if (const auto room = check_quota(hub, repo, inspection.git_bytes); !room.ok()) {
    if (room.code() != Code::forbidden) return room.clone();
    out.texts.push_back(room.message());
  }
  std::vector<std::string> remarks;
  check_card(repository.get(), odb.get(), repo.kind, updates, out, remarks);
  out.accepted = out.texts.empty();
  if (!out.accepted) return out;
  for (const auto& sha256 : inspection.objects) TRY(hub.link_object(repo, sha256));
  out.texts = std::move(remarks);
  return out;
}

Status after_push(Hub& hub, const Repo& repo, std::string_view actor, std::span<const RefUpdate> updates) {
  TRY(record_event(hub.db(), content_event(repo, actor, updates)));
  return refresh_index(hub, repo);
}

}  // namespace hearth::hub
