#include "server/discussion_json.h"

#include "base/clock.h"
#include "base/text.h"
#include "hub/object_id.h"
#include "server/api_json.h"
#include "server/markdown.h"

namespace hearth::server {
namespace {

constexpr std::string_view kHiddenText = "This comment has been hidden";

void set_author(Json& out, std::string_view key, const hub::Person& person) {
  if (auto author = person_json(person); !author.is_null()) out.set(key, std::move(author));
}

Json comment_data(const hub::Repo& repo, const hub::DiscussionEvent& event) {
  const auto page = cat("/", hub::kind_prefix(repo.kind), repo.full_name());
  const CardBase base{cat(page, "/resolve/main/"), cat(page, "/blob/main/")};
  const auto raw = event.hidden ? kHiddenText : std::string_view(event.body);
  Json latest =
      Json::Object{{"raw", raw}, {"html", render_markdown(raw, base)}, {"updatedAt", iso_time(event.updated_ms)}};
  set_author(latest, "author", event.author);
  Json::Array history, reactions;
  for (const auto& edit : event.edits) {
    Json item = Json::Object{{"raw", edit.body}, {"updatedAt", iso_time(edit.at_ms)}};
    set_author(item, "author", edit.author);
    history.push_back(std::move(item));
  }
  for (const auto& reaction : event.reactions)
    reactions.push_back(Json::Object{{"reaction", reaction.reaction},
                                     {"users", Json::Array(reaction.users.begin(), reaction.users.end())},
                                     {"count", reaction.users.size()}});
  return Json::Object{{"edited", !event.edits.empty()}, {"hidden", event.hidden},
                      {"latest", std::move(latest)},    {"numEdits", event.edits.size()},
                      {"history", std::move(history)},  {"reactions", std::move(reactions)}};
}

}  // namespace

Json person_json(const hub::Person& person) {
  if (person.name.empty()) return {};
  Json out = Json::Object{{"name", person.name},
                          {"fullname", person.fullname.empty() ? person.name : person.fullname},
                          {"avatarUrl", ""},
                          {"type", "user"},
                          {"isPro", false}};
  if (person.id != 0) out.set("_id", hub::object_id_of(person.id));
  return out;
}

std::string discussion_url(const Request& rq, const hub::Repo& repo, int64_t num) {
  return cat(repo_url(rq, repo), "/discussions/", num);
}

Json discussion_json(const hub::Repo& repo, const hub::Discussion& discussion) {
  Json out = Json::Object{{"num", discussion.num},
                          {"title", discussion.title},
                          {"status", hub::status_name(discussion.status)},
                          {"createdAt", iso_time(discussion.created_ms)},
                          {"isPullRequest", discussion.is_pull_request},
                          {"pinned", discussion.pinned},
                          {"locked", discussion.locked},
                          {"numComments", discussion.comments},
                          {"repo", Json::Object{{"name", repo.full_name()}, {"type", hub::kind_name(repo.kind)}}}};
  set_author(out, "author", discussion.author);
  return out;
}

Json discussion_event_json(const hub::Repo& repo, const hub::DiscussionEvent& event) {
  using Type = hub::DiscussionEventType;
  Json out = Json::Object{{"id", event.object_id}, {"createdAt", iso_time(event.created_ms)}};
  set_author(out, "author", event.author);
  const auto typed = [&](std::string_view type, Json data) {
    out.set("type", type);
    out.set("data", std::move(data));
    return std::move(out);
  };
  switch (event.type) {
    case Type::comment:
      return typed("comment", comment_data(repo, event));
    case Type::status_change:
      return typed("status-change", Json::Object{{"status", event.body}});
    case Type::title_change:
      return typed("title-change", Json::Object{{"from", event.former}, {"to", event.body}});
    case Type::commit:
      return typed("commit", Json::Object{{"subject", event.body}, {"oid", event.former}});
    case Type::pinning_change:
      return typed("pinning-change", Json::Object{{"pinned", event.body == "1"}});
    case Type::locking_change:
      return typed("locking-change", Json::Object{{"locked", event.body == "1"}});
  }
  return out;
}

}  // namespace hearth::server
