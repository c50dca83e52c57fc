#include "hub/discussions.h"

#include <doctest/doctest.h>

#include "base/files.h"
#include "base/text.h"
#include "hub/commit.h"
#include "hub/history.h"
#include "hub/notifications.h"
#include "hub/organisations.h"
#include "hub/protection.h"
#include "hub/pull_requests.h"
#include "hub/testing.h"
#include "hub/tree.h"

namespace hearth::hub {
namespace {

template <class T>
T ok(Result<T> result) {
  REQUIRE_MESSAGE(result.ok(), result.status().message());
  return std::move(result).value();
}
void ok(const Status& status) {
  REQUIRE_MESSAGE(status.ok(), status.message());
}

// A repository of alice's; bob sees it, and has a token that reads besides.
struct Fixture {
  TestFolder temp;
  std::unique_ptr<Hub> hub = ok(Hub::open(temp.path()));
  Caller alice{.user = ok(hub->accounts().create_user("alice", "correct horse")), .role = TokenRole::write};
  Caller bob{.user = ok(hub->accounts().create_user("bob", "battery staple")), .role = TokenRole::write};
  Caller bob_reads{.user = bob.user, .role = TokenRole::read};
  Caller nobody{};
  Repo repo = ok(hub->create_repo({.id = {RepoKind::model, "alice", "tiny"}}));

  Discussion open(const Caller& by, std::string title = "A question") {
    return ok(open_discussion(*hub, repo, by, {.title = std::move(title), .description = "Why?"}));
  }
  Discussion propose(const Caller& by) {
    return ok(open_pull_request(*hub, repo, by, {.title = "A change", .description = "", .start = {}}));
  }
  std::string commit(const std::string& branch, std::string path, std::string bytes) {
    return ok(create_commit(*hub, repo, alice,
                            {.branch = branch,
                             .summary = cat("Write ", path),
                             .description = {},
                             .parent = {},
                             .operations = {PutFile{std::move(path), std::move(bytes)}}}))
        .id;
  }
  std::vector<DiscussionEvent> events(const Discussion& discussion) { return ok(discussion_events(*hub, discussion)); }
  std::string read(std::string_view path) { return ok(read_file(*hub, repo, "main", path, 1 << 20)); }
};

}  // namespace

TEST_CASE("discussions: both kinds share the repository's numbers, which are never used twice") {
  Fixture f;
  CHECK(f.open(f.bob).num == 1);
  CHECK(f.propose(f.bob).num == 2);
  ok(delete_discussion(*f.hub, f.repo, f.alice, 2));
  CHECK(f.open(f.bob).num == 3);
  const auto other = ok(f.hub->create_repo({.id = {RepoKind::dataset, "alice", "tiny"}}));
  CHECK(ok(open_discussion(*f.hub, other, f.bob, {.title = "Elsewhere"})).num == 1);
}

TEST_CASE("discussions: who may not speak is told why") {
  Fixture f;
  const auto discussion = f.open(f.bob);
  CHECK(open_discussion(*f.hub, f.repo, f.nobody, {.title = "Hello"}).status().code() == Code::unauthenticated);
  CHECK(open_discussion(*f.hub, f.repo, f.bob_reads, {.title = "Hello"}).status().code() == Code::forbidden);
  CHECK(add_comment(*f.hub, f.repo, f.nobody, 1, "Hello").status().code() == Code::unauthenticated);
  const auto hidden = ok(f.hub->create_repo({.id = {RepoKind::model, "alice", "secret"}, .is_private = true}));
  CHECK(open_discussion(*f.hub, hidden, f.bob, {.title = "Hello"}).status().code() == Code::repo_not_found);
  // Another's comment is neither edited nor hidden, another's discussion neither renamed nor closed, by a reader.
  const auto question = f.open(f.alice);
  const auto comment = f.events(question)[0].object_id;
  CHECK(edit_comment(*f.hub, f.repo, f.bob, question.num, comment, "Ha").status().code() == Code::forbidden);
  CHECK(hide_comment(*f.hub, f.repo, f.bob, question.num, comment).status().code() == Code::forbidden);
  CHECK(rename_discussion(*f.hub, f.repo, f.bob, question.num, "Mine").status().code() == Code::forbidden);
  CHECK(set_discussion_status(*f.hub, f.repo, f.bob, question.num, DiscussionStatus::closed, "").status().code() ==
        Code::forbidden);
  CHECK(set_pinned(*f.hub, f.repo, f.bob, question.num, true).status().code() == Code::forbidden);
  CHECK(delete_discussion(*f.hub, f.repo, f.bob, question.num).code() == Code::forbidden);
  // Writers may hide what others said, but not put words into their mouths.
  const auto theirs = f.events(discussion)[0].object_id;
  CHECK(edit_comment(*f.hub, f.repo, f.alice, 1, theirs, "Ha").status().code() == Code::forbidden);
  CHECK(ok(hide_comment(*f.hub, f.repo, f.alice, 1, theirs)).hidden);
}

TEST_CASE("discussions: a comment of one discussion is not reached through another") {
  Fixture f;
  const auto comment = f.events(f.open(f.bob))[0].object_id;
  f.open(f.bob);
  CHECK(edit_comment(*f.hub, f.repo, f.bob, 2, comment, "Ha").status().code() == Code::not_found);
}

TEST_CASE("discussions: an edit keeps what was said, hiding removes it for good") {
  Fixture f;
  const auto discussion = f.open(f.bob);
  const auto comment = f.events(discussion)[0].object_id;
  ok(edit_comment(*f.hub, f.repo, f.bob, 1, comment, "Why not?").status().clone());
  auto event = f.events(discussion)[0];
  CHECK(event.body == "Why not?");
  REQUIRE(event.edits.size() == 1);
  CHECK(event.edits[0].body == "Why?");
  CHECK(event.edits[0].author.name == "bob");
  ok(hide_comment(*f.hub, f.repo, f.bob, 1, comment).status().clone());
  event = f.events(discussion)[0];
  CHECK(event.hidden);
  CHECK(event.body.empty());
  CHECK(event.edits.empty());
  CHECK(edit_comment(*f.hub, f.repo, f.bob, 1, comment, "Back").status().code() == Code::bad_input);
}

TEST_CASE("discussions: locked ones hear writers alone") {
  Fixture f;
  f.open(f.bob);
  ok(set_locked(*f.hub, f.repo, f.alice, 1, true).status().clone());
  CHECK(add_comment(*f.hub, f.repo, f.bob, 1, "But!").status().code() == Code::forbidden);
  CHECK(ok(add_comment(*f.hub, f.repo, f.alice, 1, "Enough.")).body == "Enough.");
  ok(set_locked(*f.hub, f.repo, f.alice, 1, false).status().clone());
  CHECK(ok(add_comment(*f.hub, f.repo, f.bob, 1, "Thanks")).author.name == "bob");
  CHECK(ok(get_discussion(*f.hub, f.repo, 1)).comments == 3);
}

TEST_CASE("discussions: titles and comments within their bounds") {
  Fixture f;
  const auto code = [&](std::string title, std::string text) {
    return open_discussion(*f.hub, f.repo, f.bob, {.title = std::move(title), .description = std::move(text)})
        .status()
        .code();
  };
  CHECK(code("ab", "text") == Code::bad_input);
  CHECK(code(std::string(201, 'a'), "text") == Code::bad_input);
  CHECK(code("two\nlines", "text") == Code::bad_input);
  CHECK(code("\xff\xfe bytes", "text") == Code::bad_input);
  CHECK(code("fine", std::string(65 * 1024, 'a')) == Code::too_large);
  CHECK(code("fine", std::string("nul\0", 4)) == Code::bad_input);
  CHECK(f.open(f.bob, "  trimmed  ").title == "trimmed");
}

TEST_CASE("discussions: lists filter by kind, status, author and words of the title") {
  Fixture f;
  f.open(f.bob, "100% sure");
  f.open(f.alice, "Not so sure");
  f.propose(f.bob);
  ok(set_discussion_status(*f.hub, f.repo, f.alice, 2, DiscussionStatus::closed, "Done.").status().clone());
  const auto numbers = [&](const DiscussionQuery& query) {
    std::string out;
    for (const auto& discussion : ok(list_discussions(*f.hub, f.repo, query)).discussions) out += cat(discussion.num);
    return out;
  };
  CHECK(numbers({}) == "321");
  CHECK(numbers({.is_pull_request = true}) == "3");
  CHECK(numbers({.open = true}) == "31");
  CHECK(numbers({.open = false}) == "2");
  CHECK(numbers({.author = "bob"}) == "31");
  CHECK(numbers({.author = "BOB", .skip = 1}) == "1");
  CHECK(numbers({.search = "SURE"}) == "21");
  CHECK(numbers({.search = "0% s"}) == "1");
  CHECK(numbers({.search = "%"}) == "1");
  ok(set_pinned(*f.hub, f.repo, f.alice, 1, true).status().clone());
  CHECK(numbers({}) == "132");
  CHECK(ok(list_discussions(*f.hub, f.repo, {.limit = 1})).total == 3);
}

TEST_CASE("pull requests: commits on their branch become events once, and the diff is theirs alone") {
  Fixture f;
  auto pr = f.propose(f.bob);
  CHECK(ok(pull_request_diff(*f.hub, f.repo, pr)).empty());
  const auto id = f.commit("refs/pr/1", "notes.txt", "one\n");
  f.commit("main", "other.txt", "two\n");
  ok(follow_pull_request(*f.hub, f.repo, pr));
  ok(follow_pull_request(*f.hub, f.repo, pr));
  const auto events = f.events(pr);
  REQUIRE(events.size() == 1);
  CHECK(events[0].type == DiscussionEventType::commit);
  CHECK(events[0].body == "Write notes.txt");
  CHECK(events[0].former == id);
  CHECK(events[0].author.name == "alice");
  const auto diff = ok(pull_request_diff(*f.hub, f.repo, pr));
  CHECK(contains(diff, "diff --git a/notes.txt b/notes.txt"));
  CHECK(contains(diff, "\n+one\n"));
  CHECK(!contains(diff, "other.txt"));
  CHECK(contains(ok(pull_request_diff(*f.hub, f.repo, pr, 60)), "the rest of the diff is left out"));
}

TEST_CASE("pull requests: a merge is one commit on main with the changes of both sides") {
  Fixture f;
  auto pr = f.propose(f.bob);
  CHECK(merge_pull_request(*f.hub, f.repo, f.alice, 1, "").status().code() == Code::bad_input);  // no changes
  const auto id = f.commit("refs/pr/1", "notes.txt", "one\n");
  const auto main = f.commit("main", "other.txt", "two\n");
  CHECK(merge_pull_request(*f.hub, f.repo, f.bob, 1, "").status().code() == Code::forbidden);
  CHECK(ok(merge_conflicts(*f.hub, f.repo, pr)).empty());
  pr = ok(merge_pull_request(*f.hub, f.repo, f.alice, 1, "Thank you"));
  CHECK(pr.status == DiscussionStatus::merged);
  CHECK(pr.merge_commit == ok(head(*f.hub, f.repo)));
  CHECK(f.read("notes.txt") == "one\n");
  CHECK(f.read("other.txt") == "two\n");
  const auto commits = ok(list_commits(*f.hub, f.repo, "main", 0, 10)).commits;
  CHECK(commits[0].title == "A change (#1)");
  CHECK(contains(commits[0].message, cat("- Write notes.txt (", id, ")")));
  CHECK(commits[1].id == main);
  const auto events = f.events(pr);
  REQUIRE(events.size() == 3);
  CHECK(events[1].body == "Thank you");
  CHECK(events[2].body == "merged");
  // For good.
  CHECK(merge_pull_request(*f.hub, f.repo, f.alice, 1, "").status().code() == Code::conflict);
  CHECK(set_discussion_status(*f.hub, f.repo, f.alice, 1, DiscussionStatus::open, "").status().code() ==
        Code::conflict);
}

TEST_CASE("pull requests: what protects main protects it from merges") {
  Fixture f;
  const auto club = ok(create_org(*f.hub, {.name = "club"}, *f.alice.user));
  ok(set_member(*f.hub, club, *f.bob.user, OrgRole::write));
  const auto repo = ok(f.hub->create_repo({.id = {RepoKind::model, "club", "song"}}));
  const auto alice = ok(f.hub->accounts().caller_of(*f.alice.user)), bob = ok(f.hub->accounts().caller_of(*f.bob.user));
  ok(open_pull_request(*f.hub, repo, bob, {.title = "A change", .description = "", .start = {}}).status().clone());
  ok(create_commit(*f.hub, repo, bob,
                   {.branch = "refs/pr/1", .summary = "Write", .operations = {PutFile{"notes.txt", "one\n"}}})
         .status()
         .clone());
  ok(set_protected_branches(*f.hub, repo, {{.pattern = "main", .admin_only = true}}));
  const auto before = ok(head(*f.hub, repo));
  const auto refused = merge_pull_request(*f.hub, repo, bob, 1, "");
  CHECK(refused.status().code() == Code::forbidden);
  CHECK(contains(refused.status().message(), "protected"));
  CHECK(ok(head(*f.hub, repo)) == before);
  CHECK(ok(merge_pull_request(*f.hub, repo, alice, 1, "")).status == DiscussionStatus::merged);
}

TEST_CASE("pull requests: conflicting files are named and nothing is merged") {
  Fixture f;
  auto pr = f.propose(f.bob);
  f.commit("refs/pr/1", "notes.txt", "one\n");
  const auto main = f.commit("main", "notes.txt", "two\n");
  CHECK(ok(merge_conflicts(*f.hub, f.repo, pr)) == std::vector<std::string>{"notes.txt"});
  const auto refused = merge_pull_request(*f.hub, f.repo, f.alice, 1, "");
  CHECK(refused.status().code() == Code::conflict);
  CHECK(contains(refused.status().message(), "notes.txt"));
  CHECK(ok(head(*f.hub, f.repo)) == main);
}

TEST_CASE("pull requests: drafts are opened before they are merged, and begin where they are told to") {
  Fixture f;
  const auto first = ok(head(*f.hub, f.repo));
  f.commit("main", "other.txt", "two\n");
  const auto pr =
      ok(open_discussion(*f.hub, f.repo, f.bob, {.title = "A draft", .is_pull_request = true, .start = first}));
  CHECK(pr.status == DiscussionStatus::draft);
  CHECK(pr.head == first);
  f.commit("refs/pr/1", "notes.txt", "one\n");
  CHECK(merge_pull_request(*f.hub, f.repo, f.alice, 1, "").status().code() == Code::bad_input);
  ok(set_discussion_status(*f.hub, f.repo, f.bob, 1, DiscussionStatus::open, "").status().clone());
  ok(merge_pull_request(*f.hub, f.repo, f.alice, 1, "").status().clone());
  CHECK(open_pull_request(*f.hub, f.repo, f.bob, {.title = "Lost", .description = {}, .start = "nowhere"})
            .status()
            .code() == Code::revision_not_found);
  CHECK(ok(list_discussions(*f.hub, f.repo, {})).total == 1);
}

TEST_CASE("pull requests: a merge that a crash cut in two is finished, not made twice") {
  Fixture f;
  f.propose(f.bob);
  f.commit("refs/pr/1", "notes.txt", "one\n");
  ok(merge_pull_request(*f.hub, f.repo, f.alice, 1, "").status().clone());
  const auto merged = ok(head(*f.hub, f.repo));
  ok(f.hub->db().execute("UPDATE discussions SET status = 'open', merge_commit = ''").status().clone());
  CHECK(ok(merge_pull_request(*f.hub, f.repo, f.alice, 1, "")).merge_commit == merged);
  CHECK(ok(head(*f.hub, f.repo)) == merged);
}

TEST_CASE("notifications: those concerned are told, never who did it, and only of what they may know of") {
  Fixture f;
  const Caller carol{.user = ok(f.hub->accounts().create_user("carol", "a long password"))};
  const auto unread = [&](const Caller& who) {
    const auto page = ok(list_notifications(*f.hub, who, /*is_read=*/false, 0, 50));
    CHECK(page.unread == static_cast<int64_t>(page.notifications.size()));
    return page;
  };
  const auto question = f.open(f.bob);
  CHECK(unread(f.bob).notifications.empty());
  REQUIRE(unread(f.alice).notifications.size() == 1);  // her repository
  ok(add_comment(*f.hub, f.repo, f.alice, 1, "Ask @carol, not carol@alice.").status().clone());
  REQUIRE(unread(f.bob).notifications.size() == 1);
  CHECK(!unread(f.bob).notifications[0].mentioned);
  REQUIRE(unread(carol).notifications.size() == 1);
  CHECK(unread(carol).notifications[0].mentioned);
  ok(mark_notifications(*f.hub, f.bob, {question.object_id}, true));
  CHECK(unread(f.bob).notifications.empty());
  CHECK(ok(list_notifications(*f.hub, f.bob, std::nullopt, 0, 50)).all == 1);
  ok(add_comment(*f.hub, f.repo, carol, 1, "No.").status().clone());
  CHECK(unread(f.bob).notifications.size() == 1);  // new again
  CHECK(unread(carol).notifications.size() == 1);
  ok(f.hub->update_settings(f.repo, {.is_private = true, .gated = {}}, "alice"));
  CHECK(unread(carol).all == 0);
  CHECK(unread(f.alice).notifications.size() == 1);
}

TEST_CASE("mentions: names at a word's beginning") {
  CHECK(mentions("@alice and (@bob), @carol. Not mail@dave or @/x, nor /@erin; @alice again") ==
        std::vector<std::string>{"alice", "bob", "carol"});
  std::string many;
  for (int i = 0; i < 50; ++i) many += cat("@user", i, " ");
  CHECK(mentions(many).size() == 20);
}

TEST_CASE("reactions: once a person, taken back, only known ones") {
  Fixture f;
  const auto discussion = f.open(f.bob);
  const auto comment = f.events(discussion)[0].object_id;
  for (int i = 0; i < 2; ++i) ok(react(*f.hub, f.repo, f.alice, 1, comment, "🤗", true).status().clone());
  const auto event = ok(react(*f.hub, f.repo, f.bob, 1, comment, "🤗", true));
  REQUIRE(event.reactions.size() == 1);
  CHECK(event.reactions[0].users == std::vector<std::string>{"alice", "bob"});
  ok(react(*f.hub, f.repo, f.alice, 1, comment, "🤗", false).status().clone());
  CHECK(f.events(discussion)[0].reactions[0].users == std::vector<std::string>{"bob"});
  CHECK(react(*f.hub, f.repo, f.bob, 1, comment, "<b>", true).status().code() == Code::bad_input);
}

}  // namespace hearth::hub
