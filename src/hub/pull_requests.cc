#include "hub/pull_requests.h"

#include <set>

#include "base/clock.h"
#include "base/log.h"
#include "base/text.h"
#include "hub/discussion_rows.h"
#include "hub/events.h"
#include "hub/git/durable.h"
#include "hub/git/objects.h"
#include "hub/git/reference_lock.h"
#include "hub/git/snapshot.h"
#include "hub/index.h"
#include "hub/lock.h"
#include "hub/protection.h"
#include "hub/push.h"

namespace hearth::hub {
namespace {

// Commits that one look turns into events: a branch of a whole other history would bring every commit of it.
constexpr size_t kCommitsMax = 500;
constexpr std::string_view kCutNote = "... the rest of the diff is left out: fetch the branch to see it\n";

using IndexPtr = git::Owned<git_index, git_index_free>;
using DiffPtr = git::Owned<git_diff, git_diff_free>;

struct NewCommit {
  std::string id, subject, author, email;
  int64_t time_ms = 0;
};

// The branch that a pull request is for and its own, and where they parted.
struct Sides {
  git::RepositoryPtr repository;
  git_oid ours{}, theirs{};
  std::optional<git_oid> base;  // nothing: they share no commit
};

Result<Sides> sides(const Hub& hub, const Repo& repo, const Discussion& discussion) {
  Sides out;
  out.repository = TRY(git::open(hub, repo));
  out.ours = TRY(git::resolve(out.repository.get(), discussion.base));
  out.theirs = TRY(git::resolve(out.repository.get(), discussion.ref()));
  git_oid base;
  const int r = git_merge_base(&base, out.repository.get(), &out.ours, &out.theirs);
  if (r != 0 && r != GIT_ENOTFOUND) return git::failure(r, "the common commit");
  if (r == 0) out.base = base;
  return out;
}

// Nothing when the base was deleted.
Result<std::optional<Sides>> sides_if_based(const Hub& hub, const Repo& repo, const Discussion& discussion) {
  auto found = sides(hub, repo, discussion);
  if (found.status().code() == Code::revision_not_found) return std::optional<Sides>();
  return std::optional(TRY(std::move(found)));
}

// Oldest first: what `tip` has that none of `known` has.
Result<std::vector<NewCommit>> commits_between(git_repository* repository, const git_oid& tip,
                                               std::initializer_list<const git_oid*> known) {
  git_revwalk* made = nullptr;
  if (const int r = git_revwalk_new(&made, repository); r != 0) return git::failure(r, "history");
  const git::RevwalkPtr walk(made);
  git_revwalk_sorting(walk.get(), GIT_SORT_TOPOLOGICAL | GIT_SORT_REVERSE);
  if (const int r = git_revwalk_push(walk.get(), &tip); r != 0) return git::failure(r, "history");
  for (const auto* id : known)
    if (id) static_cast<void>(git_revwalk_hide(walk.get(), id));  // one that was squashed away hides nothing
  std::vector<NewCommit> out;
  git_oid id;
  while (out.size() < kCommitsMax && git_revwalk_next(&id, walk.get()) == 0) {
    const auto commit = TRY(git::commit(repository, id));
    const char* subject = git_commit_summary(commit.get());
    const auto* author = git_commit_author(commit.get());
    out.push_back({git::hex(id), utf8_replace_errors(subject ? subject : ""), utf8_replace_errors(author->name),
                   utf8_replace_errors(author->email), git_commit_time(commit.get()) * 1000});
  }
  return out;
}

Result<IndexPtr> merged_index(const Sides& at) {
  const auto ours = TRY(git::commit(at.repository.get(), at.ours));
  const auto theirs = TRY(git::commit(at.repository.get(), at.theirs));
  git_merge_options options = GIT_MERGE_OPTIONS_INIT;
  git_index* made = nullptr;
  if (const int r = git_merge_commits(&made, at.repository.get(), ours.get(), theirs.get(), &options); r != 0)
    return git::failure(r, "merge");
  return IndexPtr(made);
}

std::vector<std::string> conflicts_of(git_index* index) {
  std::set<std::string> paths;
  git_index_conflict_iterator* made = nullptr;
  if (!git_index_has_conflicts(index) || git_index_conflict_iterator_new(&made, index) != 0) return {};
  const git::Owned<git_index_conflict_iterator, git_index_conflict_iterator_free> iterator(made);
  const git_index_entry *ancestor = nullptr, *our = nullptr, *their = nullptr;
  while (git_index_conflict_next(&ancestor, &our, &their, iterator.get()) == 0)
    for (const auto* entry : {ancestor, our, their})
      if (entry) paths.insert(utf8_replace_errors(entry->path));
  return {paths.begin(), paths.end()};
}

// "Title (#3)", the commits, and whoever else wrote them: as the Hub words its merges.
std::string merge_message(const Discussion& discussion, const User& by, const std::vector<NewCommit>& commits) {
  auto out = cat(discussion.title, " (#", discussion.num, ")\n\n");
  std::set<std::string> others;
  for (const auto& commit : commits) {
    out += cat("- ", commit.subject, " (", commit.id, ")\n");
    if (!equals_ignore_case(commit.author, by.name)) others.insert(cat(commit.author, " <", commit.email, ">"));
  }
  if (!others.empty()) out += "\n\n";
  for (const auto& other : others) out += cat("Co-authored-by: ", other, "\n");
  return out;
}

struct Cut {
  std::string text;
  size_t max_bytes;
  bool cut = false;
  static int line(const git_diff_delta*, const git_diff_hunk*, const git_diff_line* line, void* self) {
    auto& out = *static_cast<Cut*>(self);
    if (out.text.size() + line->content_len + 1 > out.max_bytes) return out.cut = true, GIT_EUSER;
    if (line->origin == GIT_DIFF_LINE_CONTEXT || line->origin == GIT_DIFF_LINE_ADDITION ||
        line->origin == GIT_DIFF_LINE_DELETION)
      out.text.push_back(line->origin);
    out.text.append(line->content, line->content_len);
    return 0;
  }
};

std::string_view branch_of(const Discussion& discussion) {
  constexpr std::string_view kHeads = "refs/heads/";
  return std::string_view(discussion.base).substr(discussion.base.starts_with(kHeads) ? kHeads.size() : 0);
}

Status check_mergeable(const Discussion& discussion) {
  const auto name = cat("pull request ", discussion.num);
  if (!discussion.is_pull_request)
    return Status(Code::bad_input, cat("discussion ", discussion.num, " is no pull request"));
  if (discussion.status == DiscussionStatus::draft)
    return Status(Code::bad_input, cat(name, " is a draft: set its status to open first"));
  if (discussion.status != DiscussionStatus::open)
    return Status(Code::conflict, cat(name, " is ", status_name(discussion.status), " already"));
  return {};
}

// Writes the merge's commit and moves the base to it; the head of the base when it has the changes already (a crash
// came between the two halves of a merge).
Result<git_oid> write_merge(const Sides& at, const Discussion& discussion, const User& by) {
  auto* repository = at.repository.get();
  if (at.base && git_oid_equal(&*at.base, &at.theirs))
    return Status(Code::bad_input,
                  cat("pull request ", discussion.num, " has no changes that ", branch_of(discussion), " lacks"));
  const auto index = TRY(merged_index(at));
  if (const auto files = conflicts_of(index.get()); !files.empty())
    return Status(Code::conflict, cat("pull request ", discussion.num, " conflicts with ", branch_of(discussion),
                                      " in ", join(files, ", "), ": bring it into ", discussion.ref(), " first"));
  git_oid root;
  if (const int r = git_index_write_tree_to(&root, index.get(), repository); r != 0) return git::failure(r, "tree");
  const auto head = TRY(git::commit(repository, at.ours));
  if (git_oid_equal(&root, git_commit_tree_id(head.get()))) return at.ours;
  const auto commits = TRY(commits_between(repository, at.theirs, {&at.ours}));
  git::ObjectBatch batch;
  const auto id =
      batch.add(GIT_OBJECT_COMMIT, git::commit_text(root, &at.ours, by.name, author_email(by), now_ms() / 1000,
                                                    merge_message(discussion, by, commits)));
  TRY(batch.write(repository));
  git_reference* made = nullptr;
  const int r = TRY(git::write_reference(git_repository_path(repository), discussion.base.c_str(), [&] {
    return git_reference_create_matching(&made, repository, discussion.base.c_str(), &id, /*force=*/1, &at.ours,
                                         "merge");
  }));
  if (r == GIT_EMODIFIED || r == GIT_ELOCKED)
    return Status(Code::precondition,
                  cat("A commit has happened since on ", branch_of(discussion), ". Please refresh and try again."));
  if (r != 0) return git::failure(r, discussion.base);
  git_reference_free(made);
  return id;
}

}  // namespace

Result<std::string> create_pull_request_ref(const Hub& hub, const Repo& repo, int64_t num, std::string_view start) {
  const auto repository = TRY(git::open(hub, repo));
  const auto begun_ms = now_ms();
  const auto target = TRY(git::resolve(repository.get(), start));
  git_reference* made = nullptr;
  // Forced: a ref of this number is of an opening that was not finished.
  const int r = git_reference_create(&made, repository.get(), cat("refs/pr/", num).c_str(), &target, /*force=*/1,
                                     "open pull request");
  if (r != 0) return git::failure(r, cat("refs/pr/", num));
  git_reference_free(made);
  TRY(git::sync_names(hub.git_folder(repo), begun_ms));
  return git::hex(target);
}

Status follow_pull_request(Hub& hub, const Repo& repo, Discussion& discussion) {
  if (!discussion.is_pull_request || discussion.status == DiscussionStatus::merged) return {};
  const auto repository = TRY(git::open(hub, repo));
  const auto tip = git::resolve(repository.get(), discussion.ref());
  if (!tip.ok() || git::hex(*tip) == discussion.head) return {};
  const auto base = git::resolve(repository.get(), discussion.base);  // it may have been deleted
  const auto former = git::parse_oid(discussion.head);
  const auto commits =
      TRY(commits_between(repository.get(), *tip, {base.ok() ? &*base : nullptr, former.ok() ? &*former : nullptr}));
  auto transaction = TRY(hub.db().begin());
  // Whoever looks at the same time writes the events once.
  if (TRY(transaction.execute("UPDATE discussions SET head = $3 WHERE id = $1 AND head = $2",
                              {discussion.id, discussion.head, git::hex(*tip)})) == 1) {
    for (const auto& commit : commits) {
      const auto author = hub.accounts().user(commit.author);
      TRY(add_event(transaction, discussion, author.ok() ? &*author : nullptr,
                    {.type = DiscussionEventType::commit,
                     .body = commit.subject,
                     .former = commit.id,
                     .author_name = commit.author,
                     .at_ms = commit.time_ms}));
    }
    TRY(transaction.commit());
  }
  discussion = TRY(get_discussion(hub, repo, discussion.num));
  return {};
}

Result<std::string> pull_request_diff(const Hub& hub, const Repo& repo, const Discussion& discussion,
                                      size_t max_bytes) {
  const auto based = TRY(sides_if_based(hub, repo, discussion));
  if (!based) return std::string();
  const auto& at = *based;
  const auto from = TRY(git::commit(at.repository.get(), at.base.value_or(at.ours)));
  const auto to = TRY(git::commit(at.repository.get(), at.theirs));
  const auto old_tree = TRY(git::tree(at.repository.get(), *git_commit_tree_id(from.get())));
  const auto new_tree = TRY(git::tree(at.repository.get(), *git_commit_tree_id(to.get())));
  git_diff* made = nullptr;
  if (const int r = git_diff_tree_to_tree(&made, at.repository.get(), old_tree.get(), new_tree.get(), nullptr); r != 0)
    return git::failure(r, "diff");
  const DiffPtr diff(made);
  Cut out{.text = {}, .max_bytes = max_bytes};
  const int r = git_diff_print(diff.get(), GIT_DIFF_FORMAT_PATCH, &Cut::line, &out);
  if (r != 0 && !out.cut) return git::failure(r, "diff");
  if (out.cut) out.text += kCutNote;
  return utf8_replace_errors(out.text);
}

Result<std::vector<std::string>> merge_conflicts(const Hub& hub, const Repo& repo, const Discussion& discussion) {
  const auto based = TRY(sides_if_based(hub, repo, discussion));
  if (!based) return std::vector<std::string>();
  const auto& at = *based;
  if (at.base && (git_oid_equal(&*at.base, &at.ours) || git_oid_equal(&*at.base, &at.theirs)))
    return std::vector<std::string>();
  const auto index = TRY(merged_index(at));
  return conflicts_of(index.get());
}

Result<Discussion> merge_pull_request(Hub& hub, const Repo& repo, const Caller& by, int64_t num,
                                      std::string_view comment) {
  TRY(check_access(by, repo, Right::write));
  const auto said = trim(comment).empty() ? std::string() : TRY(check_comment(comment));
  const auto lock = TRY(lock_repository(hub, repo));
  auto discussion = TRY(get_discussion(hub, repo, num));
  TRY(check_ref_change(TRY(protected_branches(hub, repo)), by, repo, {.ref = discussion.base}));
  TRY(check_mergeable(discussion));
  TRY(follow_pull_request(hub, repo, discussion));
  const auto at = TRY(sides(hub, repo, discussion));
  const auto id = TRY(write_merge(at, discussion, *by.user));

  auto transaction = TRY(hub.db().begin());
  if (!said.empty()) TRY(say(transaction, repo, by, discussion, said));
  TRY(transaction.execute("UPDATE discussions SET status = 'merged', merge_commit = $2 WHERE id = $1",
                          {discussion.id, git::hex(id)}));
  TRY(add_event(transaction, discussion, &*by.user,
                {.type = DiscussionEventType::status_change, .body = status_name(DiscussionStatus::merged)}));
  TRY(record_discussion(transaction, repo, by, num, Action::update));
  if (!git_oid_equal(&id, &at.ours)) {
    const RefUpdate update{git::hex(at.ours), git::hex(id), discussion.base};
    TRY(record_event(transaction, content_event(repo, by.name(), std::span(&update, 1))));
  }
  TRY(transaction.commit());
  if (const auto refreshed = refresh_index(hub, repo); !refreshed.ok())
    log(LogLevel::warning, "hub", cat("index of ", repo.full_name(), ": ", refreshed.message()));
  return get_discussion(hub, repo, num);
}

}  // namespace hearth::hub
