// Discussions and pull requests: what people say about a repository and propose to change in it.
//
//   discussion:    open <--> closed
//   pull request:  draft <--> open <--> closed      open --merge--> merged (for good)
//
// 1. Both kinds share the numbers of their repository; a number is never used twice.
// 2. A pull request's commits are the branch refs/pr/N, which begins where main was. Git is the truth of it: commits
//    become events at the next look, as the index follows main.
// 3. Everybody who sees a repository may open and comment with a token that may write; a comment is its author's to
//    edit; writers of the repository may besides hide, rename, close, pin, lock and merge. In a locked discussion only
//    writers speak.
// Source: huggingface_hub 2.4.0 community.py, HfApi.create_discussion and its neighbours.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "hub/hub.h"

namespace hearth::hub {

enum class DiscussionStatus { draft, open, closed, merged };
std::string_view status_name(DiscussionStatus status);
Result<DiscussionStatus> parse_discussion_status(std::string_view text);

/// Somebody as a discussion shows them. The name is empty once the account is gone.
struct Person {
  int64_t id = 0;  ///< of the owner row; 0: an author of git commits alone
  std::string name;
  std::string fullname;
};

struct Discussion {
  int64_t id = 0;
  std::string object_id;
  int64_t repo_id = 0;
  int64_t num = 0;
  std::string title;
  Person author;
  DiscussionStatus status = DiscussionStatus::open;
  bool is_pull_request = false;
  bool pinned = false;
  bool locked = false;
  int64_t comments = 0;
  std::string head;          ///< of a pull request: the commit up to which events are written
  std::string merge_commit;  ///< once merged
  std::string base;          ///< the branch that a pull request is for: "refs/heads/main"
  int64_t created_ms = 0;
  int64_t updated_ms = 0;

  /// "refs/pr/N"
  std::string ref() const;
};

enum class DiscussionEventType { comment, status_change, title_change, commit, pinning_change, locking_change };

struct CommentEdit {
  std::string body;  ///< before the edit
  Person author;     ///< who edited
  int64_t at_ms = 0;
};
struct Reaction {
  std::string reaction;
  std::vector<std::string> users;
};

struct DiscussionEvent {
  int64_t id = 0;
  std::string object_id;
  DiscussionEventType type = DiscussionEventType::comment;
  Person author;
  std::string body;    ///< comment, new status, new title, the commit's subject, "1" for pinned or locked
  std::string former;  ///< former title; the commit's id
  bool hidden = false;
  int64_t created_ms = 0;
  int64_t updated_ms = 0;
  std::vector<CommentEdit> edits;  ///< oldest first
  std::vector<Reaction> reactions;
};

/// May the caller speak here? What check_access says of the repository, then unauthenticated or forbidden.
Status check_discuss(const Caller& caller, const Repo& repo);

struct NewDiscussion {
  std::string title;        ///< 3 to 200 characters
  std::string description;  ///< the first comment
  bool is_pull_request = false;
  DiscussionStatus status = DiscussionStatus::draft;  ///< of a pull request: draft or open
  std::string base = "refs/heads/main";               ///< the branch that a pull request is for
  std::string start;                                  ///< its first commit; empty: the head of `base`
};
/// Opens either kind; a pull request's ref stands when this returns. revision_not_found for an unknown `start`.
Result<Discussion> open_discussion(Hub& hub, const Repo& repo, const Caller& by, const NewDiscussion& wanted);

struct NewPullRequest {
  std::string title;
  std::string description;
  DiscussionStatus status = DiscussionStatus::open;
  std::string base = "refs/heads/main";
  std::string start;
};
/// May the caller commit to this reference? Writers to every branch; to refs/pr/N also who opened the pull request,
/// while it is open.
Status check_commit_to(const Hub& hub, const Repo& repo, const Caller& caller, std::string_view ref);

/// As open_discussion: what a commit with create_pr calls before it commits to `ref()`.
inline Result<Discussion> open_pull_request(Hub& hub, const Repo& repo, const Caller& by,
                                            const NewPullRequest& wanted) {
  return open_discussion(hub, repo, by,
                         {.title = wanted.title,
                          .description = wanted.description,
                          .is_pull_request = true,
                          .status = wanted.status,
                          .base = wanted.base,
                          .start = wanted.start});
}

/// not_found for a number that the repository has not.
Result<Discussion> get_discussion(const Hub& hub, const Repo& repo, int64_t num);
/// What happened in it, oldest first.
Result<std::vector<DiscussionEvent>> discussion_events(const Hub& hub, const Discussion& discussion);

struct DiscussionQuery {
  std::optional<bool> is_pull_request;
  std::optional<bool> open;  ///< true: open and drafts; false: closed and merged
  std::string author;
  std::string search;  ///< in titles, any letter case
  int64_t skip = 0;
  int64_t limit = 50;
};
struct DiscussionPage {
  std::vector<Discussion> discussions;
  int64_t total = 0;   ///< that match
  int64_t closed = 0;  ///< of the repository, closed or merged
};
/// Pinned ones first, then the newest.
Result<DiscussionPage> list_discussions(const Hub& hub, const Repo& repo, const DiscussionQuery& query);

/// The event that the change made: a comment, a title-change, ... forbidden for whoever may not; bad_input for a text
/// that is empty or too long.
Result<DiscussionEvent> add_comment(Hub& hub, const Repo& repo, const Caller& by, int64_t num, std::string_view text);
Result<DiscussionEvent> rename_discussion(Hub& hub, const Repo& repo, const Caller& by, int64_t num,
                                          std::string_view title);
/// `comment`, when not empty, is said before the change.
Result<DiscussionEvent> set_discussion_status(Hub& hub, const Repo& repo, const Caller& by, int64_t num,
                                              DiscussionStatus status, std::string_view comment);
Result<DiscussionEvent> set_pinned(Hub& hub, const Repo& repo, const Caller& by, int64_t num, bool pinned);
Result<DiscussionEvent> set_locked(Hub& hub, const Repo& repo, const Caller& by, int64_t num, bool locked);
/// The comment as it is then. not_found for an id that is no comment there.
Result<DiscussionEvent> edit_comment(Hub& hub, const Repo& repo, const Caller& by, int64_t num,
                                     std::string_view comment_id, std::string_view text);
/// For good: the text and its history are removed from the database.
Result<DiscussionEvent> hide_comment(Hub& hub, const Repo& repo, const Caller& by, int64_t num,
                                     std::string_view comment_id);
/// Adds the caller's reaction, or takes it back.
Result<DiscussionEvent> react(Hub& hub, const Repo& repo, const Caller& by, int64_t num, std::string_view comment_id,
                              std::string_view reaction, bool on);
/// By writers of the repository: with all that was said. A pull request's ref goes too.
Status delete_discussion(Hub& hub, const Repo& repo, const Caller& by, int64_t num);

}  // namespace hearth::hub
