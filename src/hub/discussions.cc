#include "hub/discussions.h"

#include "base/clock.h"
#include "base/text.h"
#include "hub/discussion_rows.h"
#include "hub/events.h"
#include "hub/git/reference_lock.h"
#include "hub/git/snapshot.h"
#include "hub/lock.h"
#include "hub/notifications.h"
#include "hub/object_id.h"
#include "hub/parameters.h"
#include "hub/pull_requests.h"
#include "hub/push.h"

namespace hearth::hub {
namespace {

constexpr size_t kTitleMin = 3, kTitleMax = 200;
constexpr size_t kCommentMax = 64 * 1024;

Status no_discussion(const Repo& repo, int64_t num) {
  return Status(Code::not_found, cat(repo.full_name(), " has no discussion ", num));
}

Person person_of(const store::Row& row, size_t first) {
  return {.id = row[first].integer(), .name = row[first + 1].text(), .fullname = row[first + 2].text()};
}

Result<std::string> check_title(std::string_view text) {
  const auto title = trim(text);
  if (!is_utf8(title) || title.find('\0') != std::string_view::npos || title.find('\n') != std::string_view::npos)
    return Status(Code::bad_input, "a title is one line of text");
  if (const auto length = utf8_length(title); length < kTitleMin || length > kTitleMax)
    return Status(Code::bad_input,
                  cat("a title has ", kTitleMin, " to ", kTitleMax, " characters, this one has ", length));
  return std::string(title);
}

constexpr std::pair<DiscussionStatus, std::string_view> kStatuses[] = {{DiscussionStatus::draft, "draft"},
                                                                       {DiscussionStatus::open, "open"},
                                                                       {DiscussionStatus::closed, "closed"},
                                                                       {DiscussionStatus::merged, "merged"}};

// An opening that was killed may have left the lock of the reference that the next one makes.
Status await_next_number(const Hub& hub, const Repo& repo) {
  const auto last = TRY(hub.db().query_one("SELECT last FROM discussion_numbers WHERE repo_id = $1", {repo.id}));
  return git::await_reference(hub.git_folder(repo), cat("refs/pr/", (last ? (*last)[0].integer() : 0) + 1));
}

}  // namespace

std::string_view status_name(DiscussionStatus status) {
  for (const auto& [value, name] : kStatuses)
    if (value == status) return name;
  return "open";
}

Result<DiscussionStatus> parse_discussion_status(std::string_view text) {
  for (const auto& [value, name] : kStatuses)
    if (name == text) return value;
  return Status(Code::bad_input, cat("status '", text.substr(0, 40), "' is not known (open, closed, draft, merged)"));
}

std::string Discussion::ref() const {
  return cat("refs/pr/", num);
}

Discussion discussion_of(const store::Row& row) {
  return {.id = row[0].integer(),
          .object_id = row[1].text(),
          .repo_id = row[2].integer(),
          .num = row[3].integer(),
          .title = row[4].text(),
          .author = person_of(row, 5),
          .status = parse_discussion_status(row[8].text()).value_or(DiscussionStatus::open),
          .is_pull_request = row[9].boolean(),
          .pinned = row[10].boolean(),
          .locked = row[11].boolean(),
          .comments = row[12].integer(),
          .head = row[13].text(),
          .merge_commit = row[14].text(),
          .base = row[17].text(),
          .created_ms = row[15].integer(),
          .updated_ms = row[16].integer()};
}

Result<Discussion> discussion_in(store::Transaction& transaction, const Repo& repo, int64_t num) {
  const auto row = TRY(transaction.query_one(
      cat("SELECT ", kDiscussionColumns, " FROM ", kDiscussionsWithAuthors, " WHERE d.repo_id = $1 AND d.num = $2"),
      {repo.id, num}));
  if (!row) return no_discussion(repo, num);
  return discussion_of(*row);
}

Status record_discussion(store::Transaction& transaction, const Repo& repo, const Caller& by, int64_t num,
                         Action action, const DiscussionEvent* comment, bool comment_alone) {
  constexpr std::string_view actions[] = {"create", "update", "delete"};
  const auto discussion = TRY(discussion_in(transaction, repo, num));
  const auto author = [](const Person& person) { return person.id != 0 ? Json(object_id_of(person.id)) : Json(); };
  Json about = Json::Object{{"id", discussion.object_id},
                            {"num", num},
                            {"title", discussion.title},
                            {"status", status_name(discussion.status)},
                            {"isPullRequest", discussion.is_pull_request},
                            {"author", author(discussion.author)}};
  if (!discussion.merge_commit.empty()) about.set("mergeCommitId", discussion.merge_commit);
  Json data = Json::Object{{"action", actions[static_cast<size_t>(action)]}, {"discussion", std::move(about)}};
  if (comment) data.set("comment", Json::Object{{"id", comment->object_id}, {"author", author(comment->author)}});
  if (action == Action::create) TRY(notify(transaction, repo, by, discussion, comment ? comment->body : ""));
  return record_event(transaction, {.kind = comment && comment_alone ? "discussion.comment" : "discussion",
                                    .repo_id = repo.id,
                                    .actor = std::string(by.name()),
                                    .data = std::move(data)});
}

Result<std::string> check_comment(std::string_view text) {
  const auto clean = trim(text);
  if (clean.empty()) return Status(Code::bad_input, "a comment needs some text");
  if (clean.size() > kCommentMax)
    return Status(Code::too_large, cat("a comment has at most ", kCommentMax, " bytes, this one has ", clean.size()));
  if (!is_utf8(clean) || clean.find('\0') != std::string_view::npos)
    return Status(Code::bad_input, "a comment is UTF-8 text");
  return std::string(clean);
}

Status check_discuss(const Caller& caller, const Repo& repo) {
  TRY(check_access(caller, repo, Right::metadata));
  if (caller.anonymous())
    return Status(
        Code::unauthenticated,
        cat("log in, or send a token with the write role, to take part in discussions of ", repo.full_name()));
  return check_token(caller, "discussion.write", subject_of(repo));
}

Status check_author_or_writer(const Caller& by, const Repo& repo, const Person& author) {
  TRY(check_discuss(by, repo));
  if (by.user->id == author.id) return {};
  return check_access(by, repo, Right::write);
}

Status check_commit_to(const Hub& hub, const Repo& repo, const Caller& caller, std::string_view ref) {
  constexpr std::string_view folder = "refs/pr/";
  const auto num = ref.starts_with(folder) ? parse_int(ref.substr(folder.size())) : std::nullopt;
  const auto may_write = check_access(caller, repo, Right::write);
  if (!num) return may_write.clone();
  const auto found = get_discussion(hub, repo, *num);
  if (!found.ok() || !found->is_pull_request)
    return Status(Code::revision_not_found, cat("Invalid rev id: there is no pull request ", *num));
  if (found->status == DiscussionStatus::merged || found->status == DiscussionStatus::closed)
    return Status(Code::forbidden, cat("pull request ", *num, " is ", status_name(found->status)));
  TRY(check_discuss(caller, repo));
  return found->author.id == caller.user->id ? Status() : may_write.clone();
}

Result<Discussion> open_discussion(Hub& hub, const Repo& repo, const Caller& by, const NewDiscussion& wanted) {
  TRY(check_discuss(by, repo));
  const auto title = TRY(check_title(wanted.title));
  const auto description = trim(wanted.description).empty() ? std::string() : TRY(check_comment(wanted.description));
  const auto status = wanted.is_pull_request ? wanted.status : DiscussionStatus::open;
  if (status != DiscussionStatus::open && status != DiscussionStatus::draft)
    return Status(Code::bad_input, "a pull request begins as open or as draft");
  Fd lock;
  if (wanted.is_pull_request) {
    // Before the transaction: others would wait for it, and writers take the two in this order.
    lock = TRY(lock_repository(hub, repo));
    TRY(await_next_number(hub, repo));
  }
  const auto now = now_ms();
  auto transaction = TRY(hub.db().begin());
  const auto number = TRY(
      transaction.query_one("INSERT INTO discussion_numbers (repo_id, last) VALUES ($1, 1) ON CONFLICT (repo_id) DO "
                            "UPDATE SET last = discussion_numbers.last + 1 RETURNING last",
                            {repo.id}));
  const auto num = (*number)[0].integer();
  std::string head;
  if (wanted.is_pull_request)
    head = TRY(create_pull_request_ref(hub, repo, num, wanted.start.empty() ? wanted.base : wanted.start));
  TRY(transaction.execute(
      "INSERT INTO discussions (object_id, repo_id, num, title, author_id, status, is_pull_request, head, created_ms, "
      "updated_ms, base) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $9, $10)",
      {new_object_id(), repo.id, num, title, by.user->id, status_name(status), wanted.is_pull_request, head, now,
       wanted.base}));
  const auto made = TRY(discussion_in(transaction, repo, num));
  std::optional<DiscussionEvent> comment;
  if (!description.empty()) comment = TRY(add_event(transaction, made, &*by.user, {.body = description}));
  TRY(record_discussion(transaction, repo, by, num, Action::create, comment ? &*comment : nullptr,
                        /*comment_alone=*/false));
  if (wanted.is_pull_request) {
    const RefUpdate update{std::string(40, '0'), head, made.ref()};
    TRY(record_event(transaction, content_event(repo, by.name(), std::span(&update, 1))));
  }
  TRY(transaction.commit());
  return get_discussion(hub, repo, num);
}

Result<Discussion> get_discussion(const Hub& hub, const Repo& repo, int64_t num) {
  const auto row = TRY(hub.db().query_one(
      cat("SELECT ", kDiscussionColumns, " FROM ", kDiscussionsWithAuthors, " WHERE d.repo_id = $1 AND d.num = $2"),
      {repo.id, num}));
  if (!row) return no_discussion(repo, num);
  return discussion_of(*row);
}

Result<DiscussionPage> list_discussions(const Hub& hub, const Repo& repo, const DiscussionQuery& query) {
  Parameters parameters;
  auto where = cat(" FROM ", kDiscussionsWithAuthors, " WHERE d.repo_id = ", parameters.add(repo.id));
  if (query.is_pull_request) where += cat(" AND d.is_pull_request = ", parameters.add(*query.is_pull_request));
  if (query.open) where += *query.open ? " AND d.status IN ('open', 'draft')" : " AND d.status IN ('closed', 'merged')";
  if (!query.author.empty()) where += cat(" AND a.name = ", parameters.add(query.author));
  if (!query.search.empty()) {
    where += cat(" AND lower(d.title)", parameters.contains(query.search));
  }
  DiscussionPage out;
  out.total = TRY(hub.db().query(cat("SELECT count(*)", where), parameters.values())).at(0)[0].integer();
  const auto limit = parameters.add(query.limit), skip = parameters.add(query.skip);
  for (const auto& row : TRY(hub.db().query(cat("SELECT ", kDiscussionColumns, where,
                                                " ORDER BY d.pinned DESC, d.num DESC LIMIT ", limit, " OFFSET ", skip),
                                            parameters.values())))
    out.discussions.push_back(discussion_of(row));
  out.closed = (*TRY(hub.db().query_one(
      "SELECT count(*) FROM discussions WHERE repo_id = $1 AND status IN ('closed', 'merged')", {repo.id})))[0]
                   .integer();
  return out;
}

Result<DiscussionEvent> rename_discussion(Hub& hub, const Repo& repo, const Caller& by, int64_t num,
                                          std::string_view title) {
  const auto clean = TRY(check_title(title));
  auto transaction = TRY(hub.db().begin());
  const auto discussion = TRY(discussion_in(transaction, repo, num));
  TRY(check_author_or_writer(by, repo, discussion.author));
  TRY(transaction.execute("UPDATE discussions SET title = $2 WHERE id = $1", {discussion.id, clean}));
  auto event = TRY(add_event(transaction, discussion, &*by.user,
                             {.type = DiscussionEventType::title_change, .body = clean, .former = discussion.title}));
  TRY(record_discussion(transaction, repo, by, num, Action::update));
  TRY(transaction.commit());
  return event;
}

Result<DiscussionEvent> set_discussion_status(Hub& hub, const Repo& repo, const Caller& by, int64_t num,
                                              DiscussionStatus status, std::string_view comment) {
  const auto said = trim(comment).empty() ? std::string() : TRY(check_comment(comment));
  auto transaction = TRY(hub.db().begin());
  const auto discussion = TRY(discussion_in(transaction, repo, num));
  TRY(check_author_or_writer(by, repo, discussion.author));
  if (status == DiscussionStatus::merged)
    return Status(Code::bad_input, "a pull request becomes merged by merging it, not by its status");
  if (discussion.status == DiscussionStatus::merged)
    return Status(Code::conflict, cat("pull request ", num, " is merged; its status stays so"));
  if (status == DiscussionStatus::draft && !discussion.is_pull_request)
    return Status(Code::bad_input, "only a pull request can be a draft");
  if (status == discussion.status)
    return Status(Code::bad_input, cat("discussion ", num, " has the status ", status_name(status), " already"));
  if (!said.empty()) TRY(say(transaction, repo, by, discussion, said));
  TRY(transaction.execute("UPDATE discussions SET status = $2 WHERE id = $1", {discussion.id, status_name(status)}));
  auto event = TRY(add_event(transaction, discussion, &*by.user,
                             {.type = DiscussionEventType::status_change, .body = status_name(status)}));
  TRY(record_discussion(transaction, repo, by, num, Action::update));
  TRY(transaction.commit());
  return event;
}

namespace {

Result<DiscussionEvent> set_flag(Hub& hub, const Repo& repo, const Caller& by, int64_t num, std::string_view column,
                                 DiscussionEventType type, bool on) {
  TRY(check_access(by, repo, Right::write));
  auto transaction = TRY(hub.db().begin());
  const auto discussion = TRY(discussion_in(transaction, repo, num));
  TRY(transaction.execute(cat("UPDATE discussions SET ", column, " = $2 WHERE id = $1"), {discussion.id, on}));
  auto event = TRY(add_event(transaction, discussion, &*by.user, {.type = type, .body = on ? "1" : "0"}));
  TRY(record_discussion(transaction, repo, by, num, Action::update));
  TRY(transaction.commit());
  return event;
}

}  // namespace

Result<DiscussionEvent> set_pinned(Hub& hub, const Repo& repo, const Caller& by, int64_t num, bool pinned) {
  return set_flag(hub, repo, by, num, "pinned", DiscussionEventType::pinning_change, pinned);
}

Result<DiscussionEvent> set_locked(Hub& hub, const Repo& repo, const Caller& by, int64_t num, bool locked) {
  return set_flag(hub, repo, by, num, "locked", DiscussionEventType::locking_change, locked);
}

Status delete_discussion(Hub& hub, const Repo& repo, const Caller& by, int64_t num) {
  TRY(check_access(by, repo, Right::write));
  auto transaction = TRY(hub.db().begin());
  const auto discussion = TRY(discussion_in(transaction, repo, num));
  TRY(record_discussion(transaction, repo, by, num, Action::remove));
  TRY(transaction.execute("DELETE FROM discussions WHERE id = $1", {discussion.id}));
  TRY(transaction.commit());
  if (!discussion.is_pull_request) return {};
  const auto lock = TRY(lock_repository(hub, repo));
  auto removed = git::remove_reference(hub.git_folder(repo), discussion.ref());
  return removed.code() == Code::not_found ? Status() : std::move(removed);
}

}  // namespace hearth::hub
