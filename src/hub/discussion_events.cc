// Comments and the other events of discussions (discussions.h).
#include <algorithm>
#include <map>

#include "base/clock.h"
#include "base/text.h"
#include "hub/discussion_rows.h"
#include "hub/object_id.h"

namespace hearth::hub {
namespace {

// Source: huggingface_hub 2.4.0 community.py deserialize_event; the last two as the Hub's pages show them.
constexpr std::pair<DiscussionEventType, std::string_view> kTypes[] = {
    {DiscussionEventType::comment, "comment"},
    {DiscussionEventType::status_change, "status-change"},
    {DiscussionEventType::title_change, "title-change"},
    {DiscussionEventType::commit, "commit"},
    {DiscussionEventType::pinning_change, "pinning-change"},
    {DiscussionEventType::locking_change, "locking-change"}};

// Those of the Hub's pages.
constexpr std::string_view kReactions[] = {"🔥", "🚀", "👀", "❤️", "🤗", "😎", "➕", "🧠", "👍", "🤝", "😔", "🤯"};

constexpr std::string_view kEventColumns =
    "e.id, e.object_id, e.type, e.author_id, coalesce(a.name, e.author_name), a.fullname, e.body, e.former, e.hidden, "
    "e.created_ms, e.updated_ms";
constexpr std::string_view kEventsWithAuthors = "discussion_events e LEFT JOIN owners a ON a.id = e.author_id";

std::string_view type_name(DiscussionEventType type) {
  for (const auto& [value, name] : kTypes)
    if (value == type) return name;
  return "comment";
}

DiscussionEvent event_of(const store::Row& row) {
  DiscussionEvent out{.id = row[0].integer(),
                      .object_id = row[1].text(),
                      .author = {row[3].integer(), row[4].text(), row[5].text()},
                      .body = row[6].text(),
                      .former = row[7].text(),
                      .hidden = row[8].boolean(),
                      .created_ms = row[9].integer(),
                      .updated_ms = row[10].integer(),
                      .edits = {},
                      .reactions = {}};
  for (const auto& [value, name] : kTypes)
    if (name == row[2].text()) out.type = value;
  return out;
}

// Edits and reactions of all events that `where` chooses ($1 is `id`), put to their events.
template <class Source>
Status add_details(Source& source, std::vector<DiscussionEvent>& events, std::string_view where, int64_t id) {
  std::map<int64_t, DiscussionEvent*> by_id;
  for (auto& event : events) by_id[event.id] = &event;
  const auto find = [&](const store::Value& value) {
    const auto found = by_id.find(value.integer());
    return found == by_id.end() ? nullptr : found->second;
  };
  for (const auto& row : TRY(source.query(
           cat("SELECT c.event_id, c.body, c.at_ms, c.author_id, a.name, a.fullname FROM comment_edits c JOIN "
               "discussion_events e ON e.id = c.event_id LEFT JOIN owners a ON a.id = c.author_id WHERE ",
               where, " ORDER BY c.id"),
           {id})))
    if (auto* event = find(row[0]))
      event->edits.push_back({row[1].text(), {row[3].integer(), row[4].text(), row[5].text()}, row[2].integer()});
  for (const auto& row : TRY(source.query(
           cat("SELECT r.event_id, r.reaction, a.name FROM comment_reactions r JOIN discussion_events e ON "
               "e.id = r.event_id JOIN owners a ON a.id = r.user_id WHERE ",
               where, " ORDER BY r.event_id, r.reaction, a.name"),
           {id}))) {
    auto* event = find(row[0]);
    if (!event) continue;
    if (event->reactions.empty() || event->reactions.back().reaction != row[1].text())
      event->reactions.push_back({row[1].text(), {}});
    event->reactions.back().users.push_back(row[2].text());
  }
  return {};
}

Result<DiscussionEvent> event_in(store::Transaction& transaction, int64_t id) {
  const auto row =
      TRY(transaction.query_one(cat("SELECT ", kEventColumns, " FROM ", kEventsWithAuthors, " WHERE e.id = $1"), {id}));
  if (!row) return Status(Code::internal, cat("event ", id, " is gone within its transaction"));
  std::vector<DiscussionEvent> one = {event_of(*row)};
  TRY(add_details(transaction, one, "e.id = $1", id));
  return std::move(one[0]);
}

Result<DiscussionEvent> comment_in(store::Transaction& transaction, const Discussion& discussion,
                                   std::string_view comment_id) {
  const auto row =
      TRY(transaction.query_one(cat("SELECT ", kEventColumns, " FROM ", kEventsWithAuthors,
                                    " WHERE e.object_id = $1 AND e.discussion_id = $2 AND e.type = 'comment'"),
                                {to_lower_ascii(comment_id), discussion.id}));
  if (!row)
    return Status(Code::not_found, cat("discussion ", discussion.num, " has no comment ", comment_id.substr(0, 40)));
  return event_of(*row);
}

Status check_unlocked(const Caller& by, const Repo& repo, const Discussion& discussion) {
  TRY(check_discuss(by, repo));
  if (!discussion.locked || check_access(by, repo, Right::write).ok()) return {};
  return Status(Code::forbidden,
                cat("discussion ", discussion.num, " is locked: only writers of ", repo.full_name(), " speak in it"));
}

}  // namespace

Result<DiscussionEvent> add_event(store::Transaction& transaction, const Discussion& discussion, const User* by,
                                  const NewEvent& event) {
  const auto now = event.at_ms != 0 ? event.at_ms : now_ms();
  const auto row = TRY(transaction.query_one(
      "INSERT INTO discussion_events (object_id, discussion_id, type, author_id, author_name, body, former, "
      "created_ms, "
      "updated_ms) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $8) RETURNING id",
      {new_object_id(), discussion.id, type_name(event.type), by ? std::optional(by->id) : std::nullopt,
       event.author_name, event.body, event.former, now}));
  TRY(transaction.execute("UPDATE discussions SET updated_ms = $2, comments = comments + $3 WHERE id = $1",
                          {discussion.id, now, event.type == DiscussionEventType::comment}));
  return event_in(transaction, (*row)[0].integer());
}

Result<DiscussionEvent> say(store::Transaction& transaction, const Repo& repo, const Caller& by,
                            const Discussion& discussion, std::string_view text) {
  auto event = TRY(add_event(transaction, discussion, &*by.user, {.body = text}));
  TRY(record_discussion(transaction, repo, by, discussion.num, Action::create, &event));
  return event;
}

Result<std::vector<DiscussionEvent>> discussion_events(const Hub& hub, const Discussion& discussion) {
  std::vector<DiscussionEvent> out;
  for (const auto& row : TRY(hub.db().query(
           cat("SELECT ", kEventColumns, " FROM ", kEventsWithAuthors, " WHERE e.discussion_id = $1 ORDER BY e.id"),
           {discussion.id})))
    out.push_back(event_of(row));
  TRY(add_details(hub.db(), out, "e.discussion_id = $1", discussion.id));
  return out;
}

Result<DiscussionEvent> add_comment(Hub& hub, const Repo& repo, const Caller& by, int64_t num, std::string_view text) {
  const auto said = TRY(check_comment(text));
  auto transaction = TRY(hub.db().begin());
  const auto discussion = TRY(discussion_in(transaction, repo, num));
  TRY(check_unlocked(by, repo, discussion));
  auto event = TRY(say(transaction, repo, by, discussion, said));
  TRY(transaction.commit());
  return event;
}

Result<DiscussionEvent> edit_comment(Hub& hub, const Repo& repo, const Caller& by, int64_t num,
                                     std::string_view comment_id, std::string_view text) {
  const auto said = TRY(check_comment(text));
  auto transaction = TRY(hub.db().begin());
  const auto discussion = TRY(discussion_in(transaction, repo, num));
  TRY(check_unlocked(by, repo, discussion));
  const auto comment = TRY(comment_in(transaction, discussion, comment_id));
  if (comment.author.id != by.user->id) return Status(Code::forbidden, "a comment is edited by its author alone");
  if (comment.hidden) return Status(Code::bad_input, "a hidden comment cannot be edited");
  const auto now = now_ms();
  TRY(transaction.execute("INSERT INTO comment_edits (event_id, author_id, body, at_ms) VALUES ($1, $2, $3, $4)",
                          {comment.id, by.user->id, comment.body, now}));
  TRY(transaction.execute("UPDATE discussion_events SET body = $2, updated_ms = $3 WHERE id = $1",
                          {comment.id, said, now}));
  auto out = TRY(event_in(transaction, comment.id));
  TRY(record_discussion(transaction, repo, by, num, Action::update, &out));
  TRY(transaction.commit());
  return out;
}

Result<DiscussionEvent> hide_comment(Hub& hub, const Repo& repo, const Caller& by, int64_t num,
                                     std::string_view comment_id) {
  auto transaction = TRY(hub.db().begin());
  const auto discussion = TRY(discussion_in(transaction, repo, num));
  TRY(check_discuss(by, repo));
  const auto comment = TRY(comment_in(transaction, discussion, comment_id));
  TRY(check_author_or_writer(by, repo, comment.author));
  TRY(transaction.execute("DELETE FROM comment_edits WHERE event_id = $1", {comment.id}));
  TRY(transaction.execute("UPDATE discussion_events SET body = '', hidden = 1, updated_ms = $2 WHERE id = $1",
                          {comment.id, now_ms()}));
  auto out = TRY(event_in(transaction, comment.id));
  TRY(record_discussion(transaction, repo, by, num, Action::update, &out));
  TRY(transaction.commit());
  return out;
}

Result<DiscussionEvent> react(Hub& hub, const Repo& repo, const Caller& by, int64_t num, std::string_view comment_id,
                              std::string_view reaction, bool on) {
  if (std::find(std::begin(kReactions), std::end(kReactions), reaction) == std::end(kReactions)) {
    std::string known;
    for (const auto one : kReactions) known += cat(known.empty() ? "" : " ", one);
    return Status(Code::bad_input, cat("the reactions are ", known));
  }
  auto transaction = TRY(hub.db().begin());
  const auto discussion = TRY(discussion_in(transaction, repo, num));
  TRY(check_unlocked(by, repo, discussion));
  const auto comment = TRY(comment_in(transaction, discussion, comment_id));
  if (on)
    TRY(transaction.execute(
        "INSERT INTO comment_reactions (event_id, user_id, reaction) VALUES ($1, $2, $3) ON CONFLICT (event_id, "
        "user_id, reaction) DO NOTHING",
        {comment.id, by.user->id, reaction}));
  else
    TRY(transaction.execute("DELETE FROM comment_reactions WHERE event_id = $1 AND user_id = $2 AND reaction = $3",
                            {comment.id, by.user->id, reaction}));
  auto out = TRY(event_in(transaction, comment.id));
  TRY(transaction.commit());
  return out;
}

}  // namespace hearth::hub
