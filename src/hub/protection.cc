#include "hub/protection.h"

#include "base/text.h"
#include "hub/attributes.h"

namespace hearth::hub {
namespace {

constexpr size_t kPatternsMax = 100;
constexpr std::string_view kBranches = "refs/heads/";

}  // namespace

Result<std::vector<ProtectedBranch>> protected_branches(const Hub& hub, const Repo& repo) {
  std::vector<ProtectedBranch> out;
  for (const auto& row : TRY(hub.db().query(
           "SELECT pattern, push FROM protected_branches WHERE repo_id = $1 ORDER BY pattern", {repo.id})))
    out.push_back({row[0].text(), row[1].text() == "admin"});
  return out;
}

Status set_protected_branches(Hub& hub, const Repo& repo, const std::vector<ProtectedBranch>& branches) {
  if (branches.size() > kPatternsMax)
    return Status(Code::bad_input, cat(branches.size(), " protected branches; at most ", kPatternsMax));
  for (const auto& branch : branches)
    if (branch.pattern.empty() || branch.pattern.size() > 200 || !is_utf8(branch.pattern))
      return Status(Code::bad_input, "a protected branch is a name or pattern of 1 to 200 characters: main, release/*");
  auto transaction = TRY(hub.db().begin());
  TRY(transaction.execute("DELETE FROM protected_branches WHERE repo_id = $1", {repo.id}));
  for (const auto& branch : branches)
    TRY(
        transaction.execute("INSERT INTO protected_branches (repo_id, pattern, push) VALUES ($1, $2, $3) "
                            "ON CONFLICT (repo_id, pattern) DO UPDATE SET push = excluded.push",
                            {repo.id, branch.pattern, branch.admin_only ? "admin" : "write"}));
  return transaction.commit();
}

Status check_ref_change(const std::vector<ProtectedBranch>& rules, const Caller& caller, const Repo& repo,
                        const RefChange& change) {
  if (change.ref == "refs/heads/main" && change.deletes)
    return Status(Code::forbidden, "Cannot delete refs/heads/main: a repository always has its main branch");
  if (!change.ref.starts_with(kBranches)) return {};
  const auto name = change.ref.substr(kBranches.size());
  for (const auto& rule : rules) {
    if (!wildmatch(rule.pattern, name)) continue;
    const auto refuse = [&](std::string_view why) {
      return Status(Code::forbidden, cat(change.ref, " is protected (", rule.pattern, "): ", why));
    };
    if (change.deletes) return refuse("it cannot be deleted");
    if (change.rewrites) return refuse("its history cannot be rewritten; merge or rebase onto it and push forward");
    if (rule.admin_only && !check_access(caller, repo, Right::govern).ok())
      return refuse("only administrators of the repository push to it; open a pull request");
  }
  return {};
}

}  // namespace hearth::hub
