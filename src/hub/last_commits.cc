#include "hub/last_commits.h"

#include <span>

#include "base/log.h"
#include "base/text.h"
#include "base/unicode.h"
#include "hub/parameters.h"

namespace hearth::hub {
namespace {

constexpr int kWorthKeeping = 64;  // commits that were looked at
constexpr size_t kPathsAtOnce = 200;

Result<git::KnownCommits> load(const Hub& hub, const Repo& repo, std::span<const TreeEntry> entries) {
  git::KnownCommits out;
  for (size_t at = 0; at < entries.size(); at += kPathsAtOnce) {
    Parameters parameters;
    auto sql = cat("SELECT path, content, seen, commit_id, title, date_ms FROM last_commits WHERE repo_id = ",
                   parameters.add(repo.id), " AND path IN (");
    size_t asked = 0;
    for (const auto& entry : entries.subspan(at, std::min(kPathsAtOnce, entries.size() - at)))
      if (is_utf8(entry.path)) sql += cat(asked++ == 0 ? "" : ", ", parameters.add(entry.path));
    if (asked == 0) continue;
    for (const auto& row : TRY(hub.db().query(sql + ")", parameters.values())))
      out[row[0].text()] = {
          .content = row[1].text(), .seen = row[2].text(), .commit = {row[3].text(), row[4].text(), row[5].integer()}};
  }
  return out;
}

Status keep(const Hub& hub, const Repo& repo, const std::string& seen, std::span<const TreeEntry> entries) {
  auto transaction = TRY(hub.db().begin());
  for (const auto& entry : entries) {
    if (!entry.last_commit || !is_utf8(entry.path)) continue;
    const auto& commit = *entry.last_commit;
    TRY(transaction.execute(
        "INSERT INTO last_commits (repo_id, path, content, seen, commit_id, title, date_ms) VALUES ($1, $2, $3, $4, "
        "$5, $6, $7) ON CONFLICT (repo_id, path) DO UPDATE SET content = excluded.content, seen = excluded.seen, "
        "commit_id = excluded.commit_id, title = excluded.title, date_ms = excluded.date_ms",
        {repo.id, entry.path, entry.oid, seen, commit.id, utf8_replace_errors(commit.title), commit.date_ms}));
  }
  return transaction.commit();
}

}  // namespace

Status add_last_commits(const Hub& hub, const Repo& repo, const git::Snapshot& at, std::vector<TreeEntry>& entries) {
  const auto search = TRY(git::find_last_commits(at, entries, TRY(load(hub, repo, entries))));
  // Of main alone: another branch's would be in the way of the next search of main.
  const auto main = git::resolve(at.repository.get(), "refs/heads/main");
  if (search.looked_at >= kWorthKeeping && search.is_exact && main.ok() && git::hex(*main) == at.commit_id)
    if (const auto kept = keep(hub, repo, at.commit_id, entries); !kept.ok())
      log(LogLevel::warning, "hub", cat("last commits of ", repo.full_name(), ": ", kept.message()));
  return {};
}

}  // namespace hearth::hub
