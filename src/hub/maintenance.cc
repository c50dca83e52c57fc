#include "hub/maintenance.h"

#include <algorithm>
#include <map>
#include <set>

#include "base/clock.h"
#include "base/log.h"
#include "base/text.h"
#include "hub/content.h"
#include "hub/events.h"
#include "hub/git/objects.h"
#include "hub/git/reference_lock.h"
#include "hub/git/rewrite.h"
#include "hub/git/snapshot.h"
#include "hub/index.h"
#include "hub/lock.h"
#include "hub/protection.h"
#include "hub/push.h"

namespace hearth::hub {
namespace {

constexpr size_t kPointerMin = 100, kPointerMax = 1024;
constexpr size_t kDeletionsMax = 1000;  // huggingface_hub sends batches of as many

void refresh(Hub& hub, const Repo& repo) {
  if (const auto refreshed = refresh_index(hub, repo); !refreshed.ok())
    log(LogLevel::warning, "hub", cat("index of ", repo.full_name(), ": ", refreshed.message()));
}

// Is the blob a pointer to one of the files?
Result<bool> points_to(git_odb* odb, const git_oid& id, const std::set<std::string>& sha256s) {
  size_t size = 0;
  git_object_t type = GIT_OBJECT_INVALID;
  if (const int r = git_odb_read_header(&size, &type, odb, &id); r != 0) return git::failure(r, git::hex(id));
  if (type != GIT_OBJECT_BLOB || size < kPointerMin || size > kPointerMax) return false;
  const auto pointer = parse_pointer(TRY(git::read_blob(odb, id, kPointerMax)));
  return pointer && sha256s.count(pointer->sha256) != 0;
}

}  // namespace

Result<std::string> super_squash(Hub& hub, const Repo& repo, const Caller& by, std::string_view branch,
                                 std::string_view message) {
  VERIFY(by.user.has_value(), "write access was checked");
  const auto ref = branch.starts_with("refs/") ? std::string(branch) : cat("refs/heads/", branch);
  if (!ref.starts_with("refs/heads/") && !ref.starts_with("refs/pr/"))
    return Status(Code::revision_not_found, cat("Invalid rev id: ", branch.substr(0, 200), " is not a branch"));
  const auto lock = TRY(lock_repository(hub, repo));
  const auto at = TRY(git::snapshot(hub, repo, ref));
  auto rules = TRY(protected_branches(hub, repo));
  TRY(check_ref_change(rules, by, repo, {.ref = ref, .deletes = false, .rewrites = true}));
  const auto text = trim(message).empty() ? cat("Super-squash branch '", branch, "'") : std::string(message);
  if (!is_utf8(text) || text.size() > 64 * 1024) return Status(Code::bad_input, "the message is not a text of 64 KB");
  git::ObjectBatch batch;
  const auto id = batch.add(GIT_OBJECT_COMMIT, git::commit_text(*git_tree_id(at.root.get()), nullptr, by.user->name,
                                                                author_email(*by.user), now_ms() / 1000, text));
  TRY(batch.write(at.repository.get()));
  git_reference* made = nullptr;
  const int r = TRY(git::write_reference(hub.git_folder(repo), ref, [&] {
    return git_reference_create_matching(&made, at.repository.get(), ref.c_str(), &id, /*force=*/1,
                                         git_commit_id(at.commit.get()), "super-squash");
  }));
  if (r == GIT_EMODIFIED || r == GIT_ELOCKED)
    return Status(Code::precondition,
                  "The branch was updated since you opened this page. Please refresh and try again.");
  if (r != 0) return git::failure(r, ref);
  git_reference_free(made);
  const RefUpdate update{git::hex(*git_commit_id(at.commit.get())), git::hex(id), ref};
  note_moved_refs(hub, repo, by.name(), std::span(&update, 1));
  if (ref == "refs/heads/main") refresh(hub, repo);
  return git::hex(id);
}

Result<int64_t> lfs_multipart_bytes(const Hub& hub, const Repo& repo) {
  const auto row = TRY(hub.db().query_one("SELECT lfs_multipart_bytes FROM repos WHERE id = $1", {repo.id}));
  return row ? (*row)[0].integer() : 0;
}

Result<StoredFilePage> list_stored_files(const Hub& hub, const Repo& repo, const std::string& cursor, int64_t limit) {
  StoredFilePage out;
  const auto rows = TRY(hub.db().query(
      "SELECT sha256, path, ref, pushed_ms, size_bytes FROM repo_objects WHERE repo_id = $1 AND sha256 > $2 "
      "ORDER BY sha256 LIMIT $3",
      {repo.id, cursor, limit + 1}));
  // Remembered for what came by git-lfs alone.
  const auto size_of = [&](const std::string& sha256, int64_t remembered) {
    return remembered > 0 ? static_cast<uint64_t>(remembered) : content_size(hub, sha256).value_or(0);
  };
  for (const auto& row : rows) {
    if (static_cast<int64_t>(out.files.size()) == limit) {
      out.next = out.files.back().sha256;
      break;
    }
    out.files.push_back({.sha256 = row[0].text(),
                         .path = row[1].text(),
                         .ref = row[2].text(),
                         .size_bytes = size_of(row[0].text(), row[4].integer()),
                         .pushed_ms = row[3].integer() ? row[3].integer() : repo.created_ms});
  }
  // Files linked before their places were remembered: their names at main.
  if (std::any_of(out.files.begin(), out.files.end(), [](const auto& file) { return file.path.empty(); })) {
    std::map<std::string, std::string> names;
    for (const auto& entry : TRY(list_files(hub, repo, "main")))
      if (entry.lfs) names.emplace(entry.lfs->sha256, entry.path);
    for (auto& file : out.files)
      if (const auto found = names.find(file.sha256); file.path.empty() && found != names.end()) {
        file.path = found->second;
        file.ref = "refs/heads/main";
      }
  }
  return out;
}

Status delete_stored_files(Hub& hub, const Repo& repo, const Caller& by, const std::vector<std::string>& sha256s,
                           bool rewrite_history) {
  if (sha256s.size() > kDeletionsMax)
    return Status(Code::bad_input, cat(sha256s.size(), " files to delete; at most ", kDeletionsMax, " at once"));
  const std::set<std::string> wanted(sha256s.begin(), sha256s.end());
  for (const auto& sha256 : wanted)
    if (!store::is_sha256(sha256))
      return Status(Code::bad_input, cat("'", sha256.substr(0, 80), "' is no SHA-256 (\"fileOid\" of the list)"));
  const auto lock = TRY(lock_repository(hub, repo));
  std::vector<git::RefMove> moves;
  if (rewrite_history) {
    if (const auto rules = TRY(protected_branches(hub, repo)); !rules.empty())
      return Status(Code::forbidden, cat("history cannot be rewritten while branches are protected (",
                                         rules.front().pattern, "): lift the protection first"));
    const auto repository = TRY(git::open(hub, repo));
    const auto odb = TRY(git::odb(repository.get()));
    moves = TRY(git::drop_blobs(repository.get(),
                                [&](const git_oid& id) -> Result<bool> { return points_to(odb.get(), id, wanted); }));
    log(LogLevel::info, "hub",
        cat(repo.full_name(), ": ", by.name(), " removed ", wanted.size(), " files from ", moves.size(),
            " references"));
    std::vector<RefUpdate> updates;
    for (const auto& move : moves) updates.push_back({move.old_id, move.new_id, move.ref});
    note_moved_refs(hub, repo, by.name(), updates);
  }
  auto transaction = TRY(hub.db().begin());
  // The commits of a pull request that were told stay told.
  for (const auto& move : moves)
    if (move.ref.starts_with("refs/pr/"))
      TRY(transaction.execute("UPDATE discussions SET head = $3 WHERE repo_id = $1 AND head = $2",
                              {repo.id, move.old_id, move.new_id}));
  for (const auto& sha256 : wanted)
    TRY(transaction.execute("DELETE FROM repo_objects WHERE repo_id = $1 AND sha256 = $2", {repo.id, sha256}));
  TRY(transaction.commit());
  refresh(hub, repo);
  return {};
}

}  // namespace hearth::hub
