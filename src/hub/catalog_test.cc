#include "hub/catalog.h"

#include <doctest/doctest.h>

#include "base/files.h"
#include "base/text.h"
#include "hub/commit.h"
#include "hub/full_text.h"
#include "hub/hub.h"
#include "hub/index_facts.h"
#include "hub/social.h"
#include "hub/statistics.h"

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

// One folder opened twice, as by two processes.
struct Fixture {
  TempFolder temp;
  std::unique_ptr<Hub> here = ok(Hub::open(temp.path())), there = ok(Hub::open(temp.path()));
  User alice = ok(here->accounts().create_user("alice", "correct horse"));
  Caller as_alice{.user = alice, .role = TokenRole::write};

  Repo make(std::string name, bool is_private = false) {
    return ok(here->create_repo({.id = {RepoKind::model, "alice", std::move(name)}, .is_private = is_private}));
  }
  std::string names(Hub& hub, const Caller& caller, RepoQuery query = {}) {
    query.sort = SortKey::created_at;
    query.ascending = true;
    std::vector<std::string> out;
    for (const auto& item : ok(list_repos(hub, caller, query)).items) out.push_back(item.repo.name);
    return join(out, " ");
  }
};

}  // namespace

TEST_CASE_FIXTURE(Fixture, "catalog: what one process changes the others list at once") {
  CHECK(names(*there, {}).empty());
  const auto one = make("one");
  make("hidden", /*is_private=*/true);
  CHECK(names(*there, {}) == "one");
  CHECK(names(*there, as_alice) == "one hidden");
  CHECK(ok(count_repos(*there, {}, RepoKind::model)) == 1);
  CHECK(ok(count_repos(*there, as_alice, RepoKind::model)) == 2);
  ok(create_commit(
      *here, one, as_alice,
      {.branch = "main", .summary = "card", .operations = {PutFile{"README.md", "---\ntags: [new]\n---\n"}}}));
  CHECK(names(*there, {}, {.tags = {"new"}}) == "one");
  ok(here->update_settings(one, {.is_private = true}));
  CHECK(names(*there, {}).empty());
  ok(here->update_settings(one, {.is_private = false}));
  const auto moved = ok(here->move_repo(one, {RepoKind::model, "alice", "two"}));
  CHECK(names(*there, {}) == "two");
  ok(here->delete_repo(moved));
  CHECK(names(*there, as_alice) == "hidden");
}

TEST_CASE_FIXTURE(Fixture, "catalog: a private row that changed without a note is not shown to strangers") {
  const auto repo = make("soon-theirs", /*is_private=*/true);
  CHECK(names(*there, as_alice) == "soon-theirs");
  const auto bob = ok(here->accounts().create_user("bob", "battery staple"));
  ok(here->db().execute("UPDATE repos SET owner_id = $2 WHERE id = $1", {repo.id, bob.id}));
  CHECK(names(*there, as_alice).empty());
}

TEST_CASE_FIXTURE(Fixture, "statistics: downloads count query files once each, and decide the order") {
  const auto quiet = make("quiet"), loud = make("loud");
  for (int i = 0; i < 3; ++i) ok(here->count_download(loud, "config.json", "1.2.3.4"));
  ok(here->count_download(quiet, "README.md", "1.2.3.4"));
  ok(here->flush_downloads());
  const auto listed = ok(list_repos(*there, {}, {.sort = SortKey::downloads})).items;
  REQUIRE(listed.size() == 2);
  CHECK(listed[0].repo.name == "loud");
  CHECK(listed[0].repo.downloads == 3);
  CHECK(listed[0].repo.downloads_all_time == 3);
  CHECK(listed[0].repo.trending == 3);
  CHECK(listed[1].repo.downloads == 0);
  // A month later they are history.
  ok(here->db().execute("UPDATE repo_days SET day = day - 40", {}));
  ok(update_statistics(here->db()));
  const auto later = ok(here->repo({RepoKind::model, "alice", "loud"}));
  CHECK(later.downloads == 0);
  CHECK(later.trending == 0);
  CHECK(later.downloads_all_time == 3);
}

TEST_CASE_FIXTURE(Fixture, "statistics: a dataset's downloads count once in five minutes for each client") {
  const auto data = ok(here->create_repo({.id = {RepoKind::dataset, "alice", "data"}}));
  for (const auto address : {"1.1.1.1", "1.1.1.1", "2.2.2.2"}) ok(here->count_download(data, "a.csv", address));
  ok(here->flush_downloads());
  CHECK(ok(here->repo({RepoKind::dataset, "alice", "data"})).downloads == 2);
}

TEST_CASE("statistics: the score halves each week") {
  CHECK(trending_score({{0, 8}, {7, 8}, {14, 8}, {31, 1000}}, {}) == 14);
  CHECK(trending_score({}, {{0, 1}, {7, 2}}) == 20);
}

TEST_CASE("facts: arXiv ids are read from links and mentions") {
  CHECK(arxiv_ids("see https://arxiv.org/abs/2501.12345v2, arXiv:1706.03762 and arxiv.org/pdf/1706.03762.pdf") ==
        std::vector<std::string>{"2501.12345", "1706.03762"});
  CHECK(arxiv_ids("arxiv.org/abs/cs/0112017 arxiv: arxiv:12.3 arXiv:1706.037").empty());
}

TEST_CASE_FIXTURE(Fixture, "full text: every word must be there, the last may be a beginning, names count most") {
  const auto named = make("speech-model"), told = make("other");
  ok(create_commit(*here, told, as_alice,
                   {.branch = "main",
                    .summary = "card",
                    .operations = {PutFile{"README.md", "# Über Speech\nRecognition of *speech* in the wild.\n"}}}));
  const auto find = [&](std::string text) {
    std::string out;
    for (const auto& hit : ok(search_text(*there, {}, {.text = std::move(text)})).hits) out += hit.repo.name + " ";
    return out;
  };
  CHECK(find("SPEECH") == "speech-model other ");
  CHECK(find("speech recog") == "other ");
  CHECK(find("recog speech").empty());
  CHECK(find("über") == "other ");
  CHECK(search_text(*there, {}, {.text = "! ?"}).status().code() == Code::bad_input);
  const auto pieces = excerpt("Recognition of *speech* in", {"speech"});
  REQUIRE(pieces.size() == 3);
  CHECK(pieces[1].text == "speech");
  CHECK(pieces[1].is_match);
}

}  // namespace hearth::hub
