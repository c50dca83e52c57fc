// Rows of `discussions` and `discussion_events`: reading them, and writing an event as part of a change.
#pragma once

#include <string_view>

#include "hub/discussions.h"
#include "store/db.h"

namespace hearth::hub {

inline constexpr std::string_view kDiscussionColumns =
    "d.id, d.object_id, d.repo_id, d.num, d.title, d.author_id, a.name, a.fullname, d.status, d.is_pull_request, "
    "d.pinned, d.locked, d.comments, d.head, d.merge_commit, d.created_ms, d.updated_ms, "
    "d.base";
inline constexpr std::string_view kDiscussionsWithAuthors = "discussions d LEFT JOIN owners a ON a.id = d.author_id";

/// The columns in the order above.
Discussion discussion_of(const store::Row& row);

/// The discussion of that number as the transaction sees it; not_found.
Result<Discussion> discussion_in(store::Transaction& transaction, const Repo& repo, int64_t num);

struct NewEvent {
  DiscussionEventType type = DiscussionEventType::comment;
  std::string_view body;
  std::string_view former;
  std::string_view author_name;  ///< of a git commit
  int64_t at_ms = 0;             ///< 0: now
};
/// Adds the event and updates the discussion's counts and time. `by` null: nobody here (a commit).
Result<DiscussionEvent> add_event(store::Transaction& transaction, const Discussion& discussion, const User* by,
                                  const NewEvent& event);

/// A new comment with its event of `events`: rights and bounds were checked.
Result<DiscussionEvent> say(store::Transaction& transaction, const Repo& repo, const Caller& by,
                            const Discussion& discussion, std::string_view text);

enum class Action { create, update, remove };
/// The event (hub/events.h) of a change, in its transaction: kind "discussion", or "discussion.comment" when a comment
/// is given and `comment_alone`. data: {action: create|update|delete, discussion: {id, num, title, status,
/// isPullRequest, author, mergeCommitId?}, comment?: {id, author}} with the ids of the wire. What a comment says stays
/// out of it, so that hiding it leaves no copy. Whom something new concerns is notified.
Status record_discussion(store::Transaction& transaction, const Repo& repo, const Caller& by, int64_t num,
                         Action action, const DiscussionEvent* comment = nullptr, bool comment_alone = true);

/// Trimmed; bad_input when empty or over 64 KB.
Result<std::string> check_comment(std::string_view text);

/// May the caller change what belongs to this person: its author may, and writers of the repository.
Status check_author_or_writer(const Caller& by, const Repo& repo, const Person& author);

}  // namespace hearth::hub
