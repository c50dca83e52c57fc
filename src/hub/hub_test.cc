#include <doctest/doctest.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <thread>

#include "base/files.h"
#include "base/hash.h"
#include "base/process.h"
#include "base/text.h"
#include "hub/commit.h"
#include "hub/events.h"
#include "hub/history.h"
#include "hub/hub.h"
#include "hub/index.h"
#include "hub/maintenance.h"
#include "hub/preupload.h"
#include "hub/push.h"
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
template <class T>
Code code(const Result<T>& result) {
  return result.status().code();
}
Code code(const Status& status) {
  return status.code();
}

// A hub with two users and a repository of the first.
struct Fixture {
  TestFolder temp;
  std::unique_ptr<Hub> hub = ok(Hub::open(temp.path()));
  User alice = ok(hub->accounts().create_user("alice", "correct horse"));
  User bob = ok(hub->accounts().create_user("bob", "battery staple"));
  Caller as_alice{.user = alice, .role = TokenRole::write};
  Caller as_bob{.user = bob, .role = TokenRole::write};
  Repo repo = make("tiny");

  Repo make(std::string name, bool is_private = false) {
    return ok(hub->create_repo({.id = {RepoKind::model, "alice", std::move(name)},
                                .is_private = is_private,
                                .license = {},
                                .sdk = {},
                                .author = {}}));
  }
  Result<CommitDone> commit(std::vector<Operation> operations, std::string parent = "", std::string branch = "main") {
    return create_commit(*hub, repo, as_alice,
                         {.branch = std::move(branch),
                          .summary = "a commit",
                          .description = {},
                          .parent = std::move(parent),
                          .operations = std::move(operations)});
  }
  std::string git_line(std::vector<std::string> arguments) { return std::string(trim(git(std::move(arguments)))); }
  std::string git(std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(), {"git", "-C", hub->git_folder(repo)});
    const auto done = ok(run_process({.arguments = arguments}));
    REQUIRE_MESSAGE(done.exit_status == 0, done.err);
    return done.out;
  }
};

TEST_CASE_FIXTURE(Fixture, "hub: a new repository is real git with one commit and the LFS patterns") {
  CHECK(git({"rev-list", "--count", "main"}) == "1\n");
  CHECK(git({"ls-tree", "--name-only", "main"}) == ".gitattributes\n");
  CHECK(contains(git({"show", "main:.gitattributes"}), "*.safetensors filter=lfs diff=lfs merge=lfs -text\n"));
  CHECK(git({"symbolic-ref", "HEAD"}) == "refs/heads/main\n");
  CHECK(git({"fsck", "--strict"}).empty());
}

TEST_CASE_FIXTURE(Fixture, "hub: names are unique in any letter case and keep their spelling") {
  CHECK(ok(hub->repo({RepoKind::model, "ALICE", "Tiny"})).full_name() == "alice/tiny");
  CHECK(code(hub->create_repo({.id = {RepoKind::model, "alice", "TINY"}, .is_private = false})) == Code::conflict);
  CHECK(code(hub->repo({RepoKind::dataset, "alice", "tiny"})) == Code::repo_not_found);
  CHECK(code(hub->accounts().create_user("Alice", "another one")) == Code::conflict);
}

TEST_CASE("hub: names outside the rules are refused") {
  for (const std::string_view name :
       {"", "-a", "a-", "a--b", "a..b", "a.git", "a.GIT", "a/b", "a b", "a\n", "ä", ".", "..", "x.ipynb"})
    CHECK_MESSAGE(check_name(name).code() == Code::bad_input, name);
  CHECK(check_name(std::string(97, 'a')).code() == Code::bad_input);
  for (const std::string_view name : {"a", "A_b-c.d", "_x_", "0"}) CHECK_MESSAGE(check_name(name).ok(), name);
}

TEST_CASE("hub: paths that climb, hide or break git are refused") {
  for (const std::string_view path : {"", "/", "/etc/passwd", "../x", "a/../b", "a/./b", "a//b", ".git/config",
                                      "a/.GIT/hooks/x", "..\\b", "a\nb", "git~1/x", "\xff"})
    CHECK_MESSAGE(code(check_path(path)) == Code::bad_input, path);
  CHECK(ok(check_path("a/b.txt")) == "a/b.txt");
  CHECK(ok(check_path("folder/")) == "folder");
  CHECK(ok(check_path(".gitignore")) == ".gitignore");
}

TEST_CASE_FIXTURE(Fixture, "access: every denied case") {
  const auto secret = make("secret", /*is_private=*/true);
  Caller reader = as_alice;
  reader.role = TokenRole::read;
  Caller admin = as_bob;
  admin.user->is_admin = true;
  for (const auto right : {Right::metadata, Right::content, Right::write, Right::admin}) {
    CHECK(code(check_access({}, secret, right)) == Code::repo_not_found);
    CHECK(code(check_access(as_bob, secret, right)) == Code::repo_not_found);
    CHECK(check_access(as_alice, secret, right).ok());
    CHECK(check_access(admin, secret, right).ok());
  }
  CHECK(check_access({}, repo, Right::content).ok());
  CHECK(code(check_access({}, repo, Right::write)) == Code::unauthenticated);
  CHECK(code(check_access(as_bob, repo, Right::write)) == Code::forbidden);
  CHECK(code(check_access(as_bob, repo, Right::admin)) == Code::forbidden);
  CHECK(code(check_access(reader, repo, Right::write)) == Code::forbidden);
  CHECK(check_access(reader, secret, Right::content).ok());
  ok(hub->update_settings(repo, {.gated = "manual"}));
  const auto gated = ok(hub->repo_by_number(repo.id));
  CHECK(check_access({}, gated, Right::metadata).ok());
  CHECK(code(check_access({}, gated, Right::content)) == Code::gated);
  CHECK(code(check_access(as_bob, gated, Right::content)) == Code::gated);
  CHECK(check_access(as_alice, gated, Right::content).ok());
  CHECK(code(check_create({}, "alice")) == Code::unauthenticated);
  CHECK(code(check_create(as_bob, "alice")) == Code::forbidden);
  CHECK(code(check_create(reader, "alice")) == Code::forbidden);
  CHECK(check_create(as_alice, "Alice").ok());
}

TEST_CASE_FIXTURE(Fixture, "accounts: passwords, tokens, sessions and links") {
  auto& accounts = hub->accounts();
  CHECK(ok(accounts.login("ALICE", "correct horse")).id == alice.id);
  CHECK(code(accounts.login("alice", "wrong horse")) == Code::unauthenticated);
  CHECK(code(accounts.login("nobody", "correct horse")) == Code::unauthenticated);
  CHECK(code(accounts.create_user("carol", "short")) == Code::bad_input);
  CHECK(code(accounts.create_user("api", "long enough")) == Code::bad_input);

  const auto token = ok(accounts.create_token(alice, TokenRole::read, "laptop"));
  CHECK(token.size() == 37);
  CHECK(token.starts_with("hf_"));
  const auto caller = ok(accounts.caller_by_token(token));
  CHECK(caller.name() == "alice");
  CHECK(caller.role == TokenRole::read);
  CHECK(code(accounts.caller_by_token("hf_wrong")) == Code::unauthenticated);
  const auto listed = ok(accounts.tokens(alice));
  CHECK(code(accounts.delete_token(bob, listed[0].id)) == Code::not_found);
  ok(accounts.delete_token(alice, listed[0].id));
  CHECK(code(accounts.caller_by_token(token)) == Code::unauthenticated);

  const auto session = ok(accounts.create_session(bob));
  CHECK(ok(accounts.caller_by_session(session)).name() == "bob");
  ok(accounts.end_session(session));
  CHECK(code(accounts.caller_by_session(session)) == Code::unauthenticated);

  const auto link = ok(accounts.create_login_link(bob));
  CHECK(ok(accounts.use_login_link(link)).name == "bob");
  CHECK(code(accounts.use_login_link(link)) == Code::unauthenticated);

  // Nothing that opens a door lies in the database, and the database is for nobody else.
  std::string content;
  auto snapshot = ok(hub->db().snapshot());
  for (const auto& table : ok(snapshot.tables()))
    ok(snapshot.each(cat("SELECT * FROM ", table.name), [&](const store::Row& row) {
      for (const auto& value : row) content += value.text();
      return Status();
    }));
  CHECK(contains(content, "argon2id"));
  if (const auto file = path_join(temp.path(), "hearth.db"); exists(file)) {
    struct stat mode {};
    for (const std::string_view suffix : {"", "-wal"}) {
      REQUIRE(stat(cat(file, suffix).c_str(), &mode) == 0);
      CHECK((mode.st_mode & 0777) == 0600);
    }
  }
  for (const auto& secret : {token, session, link, std::string("correct horse")}) CHECK(!contains(content, secret));
}

TEST_CASE_FIXTURE(Fixture, "commit: files appear, change, vanish; the rest stays") {
  const auto first = ok(commit({PutFile{"a/b/c.txt", "one"}, PutFile{"top.txt", "two"}}));
  CHECK(git({"show", "main:a/b/c.txt"}) == "one");
  CHECK(git({"log", "-1", "--format=%an|%s|%P", "main"}) == cat("alice|a commit|", git({"rev-parse", "main~1"})));
  ok(commit({DeleteFolder{"a/"}, CopyPath{"top.txt", "", "deep/copy.txt"}}));
  CHECK(git({"ls-tree", "-r", "--name-only", "main"}) == ".gitattributes\ndeep/copy.txt\ntop.txt\n");
  CHECK(code(commit({DeleteFile{"a/b/c.txt"}})) == Code::entry_not_found);
  CHECK(code(commit({PutFile{"top.txt/x", "a file is no folder"}})) == Code::bad_input);
  const auto same = ok(commit({PutFile{"top.txt", "two"}}));
  CHECK(!same.changed);
  CHECK(ok(list_commits(*hub, repo, "main", 0, 10)).total == 3);
  CHECK(ok(find_file(*hub, repo, first.id, "a/b/c.txt")).entry.size_bytes == 3);
  CHECK(git({"fsck", "--strict"}).empty());
}

TEST_CASE_FIXTURE(Fixture, "commit: traversal and .git never reach the repository") {
  const auto before = ok(head(*hub, repo));
  for (const std::string path : {"../../escape", "/etc/x", ".git/hooks/post-update", "a/../../b", "a//b"})
    CHECK_MESSAGE(code(commit({PutFile{"fine.txt", "x"}, PutFile{path, "bad"}})) == Code::bad_input, path);
  CHECK(ok(head(*hub, repo)) == before);
  CHECK(!exists(path_join(temp.path(), "escape")));
}

TEST_CASE_FIXTURE(Fixture, "commit: a thousand files are one pack, readable by git") {
  std::vector<Operation> operations;
  for (int i = 0; i < 1000; ++i) operations.push_back(PutFile{cat("d", i % 10, "/", i, ".txt"), cat("file ", i)});
  ok(commit(std::move(operations)));
  CHECK(git({"show", "main:d7/777.txt"}) == "file 777");
  CHECK(git({"fsck", "--strict"}).empty());
  std::vector<std::string> paths;
  TreeQuery query{.path = "", .recursive = true, .expand = false, .cursor = "", .limit = 300};
  do {
    const auto page = ok(list_tree(*hub, repo, "main", query));
    CHECK(page.entries.size() <= 300);
    for (const auto& entry : page.entries)
      if (!entry.is_folder) paths.push_back(entry.path);
    query.cursor = page.next;
  } while (!query.cursor.empty());
  CHECK(join(paths, "\n") + "\n" == git({"ls-tree", "-r", "--name-only", "main"}));
}

TEST_CASE_FIXTURE(Fixture, "commit: whoever names a parent that is no longer the head is told") {
  const auto base = ok(head(*hub, repo));
  ok(commit({PutFile{"x", "1"}}, base));
  CHECK(code(commit({PutFile{"x", "2"}}, base)) == Code::precondition);
  CHECK(git({"show", "main:x"}) == "1");
  CHECK(code(commit({PutFile{"x", "2"}}, "", "no-such-branch")) == Code::revision_not_found);
}

TEST_CASE_FIXTURE(Fixture, "commit: of many at once from one parent, exactly one wins") {
  for (int round = 0; round < 5; ++round) {
    const auto base = ok(head(*hub, repo));
    std::atomic<int> won = 0, told = 0;
    {
      std::vector<std::jthread> writers;
      for (int i = 0; i < 4; ++i)
        writers.emplace_back([&, i] {
          const auto done = commit({PutFile{"race.txt", cat(round, " ", i)}}, base);
          (done.ok() ? won : told) += 1;
          if (!done.ok()) CHECK(done.status().code() == Code::precondition);
        });
    }
    CHECK(won == 1);
    CHECK(told == 3);
  }
  CHECK(ok(list_commits(*hub, repo, "main", 0, 100)).total == 6);
  CHECK(git({"fsck", "--strict"}).empty());
}

TEST_CASE_FIXTURE(Fixture, "commit: the lock that a killed writer left at a branch does not stay in the way") {
  const auto lock = path_join(hub->git_folder(repo), "refs/heads/main.lock");
  REQUIRE(write_file(lock, "").ok());
  const timespec long_ago[2] = {{.tv_sec = 1'000'000'000, .tv_nsec = 0}, {.tv_sec = 1'000'000'000, .tv_nsec = 0}};
  REQUIRE(utimensat(AT_FDCWD, lock.c_str(), long_ago, 0) == 0);
  CHECK(commit({PutFile{"a.txt", "a"}}).ok());
  CHECK(!exists(lock));
  // A living one's is waited for.
  REQUIRE(write_file(lock, "").ok());
  std::jthread writer([&] {
    poll(nullptr, 0, 100);
    unlink(lock.c_str());
  });
  CHECK(commit({PutFile{"b.txt", "b"}}).ok());
}

TEST_CASE_FIXTURE(Fixture, "commit: without a parent, commits at once all stand one after another") {
  {
    std::vector<std::jthread> writers;
    for (int i = 0; i < 6; ++i) writers.emplace_back([&, i] { CHECK(commit({PutFile{cat(i, ".txt"), "x"}}).ok()); });
  }
  CHECK(ok(list_commits(*hub, repo, "main", 0, 100)).total == 7);
  CHECK(split(git_line({"ls-tree", "--name-only", "main"}), '\n').size() == 7);
}

TEST_CASE_FIXTURE(Fixture, "lfs: a big file is a pointer in git, content in the store, and needs a right to be named") {
  const std::string bytes(5000, '\x01');
  const auto sha256 = ok(hub->blobs().put(bytes));
  // Stored, but nobody gave it to a repository that alice may read.
  CHECK(code(commit({PutLfsFile{"w.bin", sha256, {}}})) == Code::bad_input);
  CHECK(code(commit({PutFile{"w.bin", format_pointer(sha256, bytes.size())}})) == Code::bad_input);
  ok(hub->link_object(repo, sha256));
  CHECK(code(commit({PutLfsFile{"w.bin", sha256, 4999}})) == Code::bad_input);
  CHECK(code(commit({PutLfsFile{"w.bin", std::string(64, '0'), {}}})) == Code::bad_input);
  ok(commit({PutLfsFile{"w.bin", sha256, 5000}, PutLfsFile{"odd name.xyz", sha256, 5000}}));
  CHECK(git({"show", "main:w.bin"}) ==
        cat("version https://git-lfs.github.com/spec/v1\noid sha256:", sha256, "\nsize 5000\n"));
  CHECK(contains(git({"show", "main:.gitattributes"}), "\n/odd[[:space:]]name.xyz filter=lfs"));
  const auto file = ok(find_file(*hub, repo, "main", "w.bin"));
  CHECK(file.entry.size_bytes == 5000);
  CHECK(file.entry.etag() == sha256);
  CHECK(ok(read_file(*hub, repo, "main", "w.bin", 1 << 20)) == bytes);
  CHECK(ok(hub->may_use_object(as_bob, repo, sha256)));  // alice/tiny is public
  ok(hub->update_settings(repo, {.is_private = true}));
  auto mine = ok(hub->create_repo({.id = {RepoKind::model, "bob", "mine"}, .is_private = false}));
  CHECK(!ok(hub->may_use_object(as_bob, mine, sha256)));
}

TEST_CASE_FIXTURE(Fixture, "tree: revisions by branch, tag, long and short id; unknown ones are told apart") {
  const auto done = ok(commit({PutFile{"x/y.txt", "1"}}));
  ok(create_tag(*hub, repo, alice, "v1", "main", "first"));
  ok(create_branch(*hub, repo, as_alice, "dev"));
  CHECK(code(create_branch(*hub, repo, as_alice, "dev")) == Code::conflict);
  CHECK(code(create_tag(*hub, repo, alice, "v1", "main", "")) == Code::conflict);
  for (const auto& revision : {std::string("main"), std::string("v1"), std::string("dev"),
                               std::string("refs/heads/dev"), done.id, done.id.substr(0, 7)})
    CHECK(ok(resolve_revision(*hub, repo, revision)) == done.id);
  for (const std::string revision : {"nope", "", "refs/heads/nope", "0000000", "../main", "main^{tree}", "dead beef"})
    CHECK_MESSAGE(code(resolve_revision(*hub, repo, revision)) == Code::revision_not_found, revision);
  CHECK(code(find_file(*hub, repo, "main", "x/absent")) == Code::entry_not_found);
  CHECK(code(find_file(*hub, repo, "main", "x")) == Code::entry_not_found);
  CHECK(code(list_tree(*hub, repo, "main",
                       {.path = "x/y.txt", .recursive = false, .expand = false, .cursor = {}, .limit = 10})) ==
        Code::entry_not_found);
  const auto refs = ok(list_refs(*hub, repo));
  CHECK(refs.branches.size() == 2);
  CHECK(refs.tags.at(0).target == done.id);
  CHECK(code(delete_branch(*hub, repo, as_alice, "main")) == Code::forbidden);
  ok(delete_branch(*hub, repo, as_alice, "dev"));
  CHECK(code(delete_branch(*hub, repo, as_alice, "dev")) == Code::revision_not_found);
  ok(delete_tag(*hub, repo, alice, "v1"));
  CHECK(code(delete_tag(*hub, repo, alice, "v1")) == Code::revision_not_found);
}

TEST_CASE_FIXTURE(Fixture, "events: branches, tags and squashed history are told with what they were and are") {
  const auto done = ok(commit({PutFile{"x.txt", "1"}}));
  const auto start = ok(last_event(hub->db()));
  ok(create_branch(*hub, repo, as_alice, "dev"));
  ok(create_branch(*hub, repo, as_alice, "dev", {.overwrite = true}));  // moves nothing
  ok(create_tag(*hub, repo, alice, "v1", "main", ""));
  const auto squashed = ok(super_squash(*hub, repo, as_alice, "dev", ""));
  ok(delete_branch(*hub, repo, as_alice, "dev"));
  ok(delete_tag(*hub, repo, alice, "v1"));
  CHECK(code(delete_branch(*hub, repo, as_alice, "dev")) == Code::revision_not_found);
  const std::vector<std::array<std::string, 3>> expected = {{"refs/heads/dev", "", done.id},
                                                            {"refs/tags/v1", "", done.id},
                                                            {"refs/heads/dev", done.id, squashed},
                                                            {"refs/heads/dev", squashed, ""},
                                                            {"refs/tags/v1", done.id, ""}};
  const auto events = ok(events_after(hub->db(), start, 100));
  REQUIRE(events.size() == expected.size());
  for (size_t i = 0; i < events.size(); ++i) {
    const auto& event = events[i].event;
    CHECK(event.kind == "repo.content");
    CHECK(event.actor == "alice");
    const auto& moved = event.data["updatedRefs"];
    REQUIRE(moved.size() == 1);
    const auto& update = moved.array()[0];
    CHECK(update["ref"].as_string() == expected[i][0]);
    CHECK(update["oldSha"].as_string() == expected[i][1]);
    CHECK(update["newSha"].as_string() == expected[i][2]);
  }
}

TEST_CASE_FIXTURE(Fixture, "tree: expand names the last commit of each path") {
  const auto one = ok(commit({PutFile{"a.txt", "1"}, PutFile{"d/b.txt", "1"}}));
  const auto two = ok(commit({PutFile{"d/b.txt", "2"}}));
  const auto page =
      ok(list_tree(*hub, repo, "main", {.path = "", .recursive = true, .expand = true, .cursor = {}, .limit = 100}));
  std::vector<std::string> found;
  for (const auto& entry : page.entries) found.push_back(cat(entry.path, "=", entry.last_commit->id));
  const auto root = git_line({"rev-list", "--max-parents=0", "main"});
  CHECK(found == std::vector<std::string>{cat(".gitattributes=", root), cat("a.txt=", one.id), cat("d=", two.id),
                                          cat("d/b.txt=", two.id)});
}

TEST_CASE_FIXTURE(Fixture, "tree: last commits are kept, and right when main goes on or is rewritten") {
  const auto last = [&](std::string_view path) {
    const auto page = ok(paths_info(*hub, repo, "main", {std::string(path)}, /*expand=*/true));
    REQUIRE(page.entries.size() == 1);
    return *page.entries[0].last_commit;
  };
  const auto old = ok(commit({PutFile{"old.txt", "1"}, PutFile{"back.txt", "1"}}));
  const auto tree = git_line({"rev-parse", "main^{tree}"});
  auto head = old.id;
  for (int i = 0; i < 70; ++i)
    head = git_line({"-c", "user.name=a", "-c", "user.email=a@b.c", "commit-tree", tree, "-p", head, "-m", "nothing"});
  git({"update-ref", "refs/heads/main", head});
  CHECK(last("old.txt").id == old.id);
  CHECK(last("back.txt").id == old.id);
  // The next search takes what this one kept.
  REQUIRE(ok(hub->db().execute("UPDATE last_commits SET title = 'kept' WHERE repo_id = $1", {repo.id})) == 2);
  const auto hot = ok(commit({PutFile{"hot.txt", "new"}}));
  CHECK(last("old.txt").title == "kept");
  CHECK(last("old.txt").id == old.id);
  CHECK(last("hot.txt").id == hot.id);
  // A content that went and came back has the commit that brought it back.
  ok(commit({PutFile{"back.txt", "2"}}));
  const auto back = ok(commit({PutFile{"back.txt", "1"}}));
  CHECK(last("back.txt").id == back.id);
  // What was kept of another history counts no more.
  ok(super_squash(*hub, repo, as_alice, "main", "squashed"));
  const auto root = git_line({"rev-list", "--max-parents=0", "main"});
  CHECK(last("old.txt").id == root);
}

TEST_CASE_FIXTURE(Fixture, "index: card, config and formats become tags; search finds what the caller may know") {
  ok(commit({PutFile{"README.md", "---\nlicense: mit\nlanguage: [en, no]\ntags: [demo]\nbase_model: x/y\n---\n# Hi"},
             PutFile{"config.json", R"({"architectures": ["LlamaForCausalLM"], "model_type": "llama"})"}}));
  const auto index = ok(main_index(*hub, repo));
  CHECK(index.library_name == "transformers");
  CHECK(index.pipeline_tag == "text-generation");
  CHECK(index.tags == std::vector<std::string>{"transformers", "llama", "text-generation", "demo", "en", "no",
                                               "base_model:x/y", "base_model:finetune:x/y", "license:mit",
                                               "text-generation-inference", "endpoints_compatible", "region:us"});
  make("hidden-tiny", /*is_private=*/true);
  const auto names = [&](const Caller& caller, RepoQuery query) {
    std::vector<std::string> out;
    for (const auto& item : ok(list_repos(*hub, caller, query)).items) out.push_back(item.repo.name);
    return join(out, " ");
  };
  RepoQuery query;
  query.search = {"TIN"};
  query.sort = SortKey::created_at;
  CHECK(names({}, query) == "tiny");
  CHECK(names(as_bob, query) == "tiny");
  CHECK(names(as_alice, query) == "hidden-tiny tiny");
  query.search = {"ti \" %"};
  CHECK(names(as_alice, query).empty());
  query.search = {"ti ali"};
  CHECK(names(as_alice, query) == "hidden-tiny tiny");
  query = {};
  query.tags = {"license:mit", "en"};
  CHECK(names({}, query) == "tiny");
  query.tags.push_back("fr");
  CHECK(names({}, query).empty());
  query = {};
  query.author = "Alice";
  query.limit = 1;
  query.sort = SortKey::last_modified;
  auto page = ok(list_repos(*hub, as_alice, query));
  CHECK(page.items.size() == 1);
  query.cursor = page.next;
  page = ok(list_repos(*hub, as_alice, query));
  CHECK(page.items.size() == 1);
  CHECK(page.next.empty());
  query.cursor = "garbage";
  CHECK(code(list_repos(*hub, as_alice, query)) == Code::bad_input);
}

TEST_CASE_FIXTURE(Fixture, "index: the task of an architecture whose name is longer than a small string") {
  ok(commit({PutFile{"config.json", R"({"architectures": ["BertModel"], "model_type": "bert"})"}}));
  CHECK(ok(main_index(*hub, repo)).pipeline_tag == "feature-extraction");
  ok(commit(
      {PutFile{"config.json", R"({"architectures": ["WhisperForConditionalGeneration"], "model_type": "whisper"})"}}));
  CHECK(ok(main_index(*hub, repo)).pipeline_tag == "automatic-speech-recognition");
}

TEST_CASE_FIXTURE(Fixture, "index: a broken card is refused by a commit and does no harm in git") {
  CHECK(code(commit({PutFile{"README.md", "---\na: [1\n---\n"}})) == Code::bad_input);
  CHECK(code(commit({PutFile{"README.md", "---\n- a\n---\n"}})) == Code::bad_input);
  ok(commit(
      {PutFile{"config.json", "{not json"}, PutFile{"model.safetensors", "\xff\xff\xff\xff\xff\xff\xff\xff junk"}}));
  CHECK(ok(main_index(*hub, repo)).safetensors.is_null());
}

TEST_CASE_FIXTURE(Fixture, "preupload: attributes, binary content and size decide") {
  ok(commit({PutFile{"old.txt", "x"}, PutFile{".gitignore", "*.log\nbuild/\n!keep.log\n"}}));
  const auto modes = ok(preupload(*hub, repo, "main",
                                  {{"a.safetensors", 10, "text"},
                                   {"a.txt", 10, "text"},
                                   {"b.dat", 10, std::string("\0\1", 2)},
                                   {"big.txt", 20 << 20, "text"},
                                   {"old.txt", 1, "x"},
                                   {"x/y.log", 1, ""},
                                   {"build/a.txt", 1, ""},
                                   {"keep.log", 1, ""}},
                                  {}, {}));
  std::string lfs, ignored;
  for (const auto& mode : modes) {
    lfs += mode.is_lfs ? 'L' : '.';
    ignored += mode.ignored ? 'I' : '.';
  }
  CHECK(lfs == "L.LL....");
  CHECK(ignored == ".....II.");
  CHECK(modes[4].oid == git_blob_id("x"));
  CHECK(!modes[0].oid);
}

TEST_CASE_FIXTURE(Fixture, "push: rules name the file and what to do") {
  // The objects of a push lie in git's quarantine: here a clone's object folder.
  TempFolder work;
  const auto in_work = [&](std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(), {"git", "-C", work.path(), "-c", "user.name=a", "-c", "user.email=a@b"});
    const auto done = ok(run_process({.arguments = arguments, .environment = {"GIT_LFS_SKIP_SMUDGE=1"}}));
    REQUIRE_MESSAGE(done.exit_status == 0, done.err);
    return std::string(trim(done.out));
  };
  in_work({"clone", "-q", hub->git_folder(repo), "."});
  const auto old_id = in_work({"rev-parse", "HEAD"});
  const auto push = [&] {
    in_work({"add", "-A"});
    in_work({"commit", "-qm", "x"});
    const auto new_id = in_work({"rev-parse", "HEAD"});
    return ok(check_push(*hub, repo, as_alice, std::vector<RefUpdate>{{old_id, new_id, "refs/heads/main"}},
                         path_join(work.path(), ".git/objects")));
  };
  ok(write_file(path_join(work.path(), "small.txt"), "fine"));
  CHECK(push().accepted);
  ok(make_folders(path_join(work.path(), "deep")));
  ok(write_file(path_join(work.path(), "deep/big.txt"), std::string(11 << 20, 'x')));
  const auto big = push();
  CHECK(!big.accepted);
  CHECK_MESSAGE(contains(join(big.texts, "\n"), "deep/big.txt has 12 MB"), join(big.texts, "\n"));
  const auto sha256 = sha256_hex("never uploaded");
  ok(write_file(path_join(work.path(), "w.txt"), format_pointer(sha256, 14)));
  CHECK(contains(join(push().texts, "\n"), cat("w.txt points to LFS object ", sha256)));

  const std::string zero(40, '0');
  const auto judge = [&](RefUpdate update) {
    return ok(check_push(*hub, repo, as_alice, std::vector<RefUpdate>{std::move(update)}, "")).accepted;
  };
  CHECK(!judge({old_id, zero, "refs/heads/main"}));
  CHECK(!judge({zero, old_id, "refs/pr/1"}));
  CHECK(judge({zero, old_id, "refs/heads/dev"}));
  CHECK(code(parse_ref_updates("short\n")) == Code::bad_input);
  CHECK(ok(parse_ref_updates(cat(zero, " ", old_id, " refs/heads/x\n"))).at(0).ref == "refs/heads/x");
}

TEST_CASE_FIXTURE(Fixture, "hub: delete, move and recovery") {
  ok(commit({PutFile{"x", "1"}}));
  const auto moved = ok(hub->move_repo(repo, {RepoKind::model, "bob", "renamed"}));
  CHECK(moved.full_name() == "bob/renamed");
  CHECK(ok(hub->repo({RepoKind::model, "alice", "tiny"})).full_name() == "bob/renamed");
  CHECK(ok(find_file(*hub, moved, "main", "x")).entry.size_bytes == 1);
  const auto again = make("tiny");  // takes the name back from the alias
  CHECK(ok(hub->repo({RepoKind::model, "alice", "tiny"})).id == again.id);
  CHECK(code(hub->move_repo(again, {RepoKind::model, "bob", "RENAMED"})) == Code::conflict);
  const auto folder = hub->git_folder(moved);
  ok(hub->delete_repo(moved));
  CHECK(!exists(folder));
  CHECK(code(hub->repo({RepoKind::model, "bob", "renamed"})) == Code::repo_not_found);
  CHECK(code(list_refs(*hub, moved)) == Code::repo_not_found);

  // A crash between the folder and the row, and a push that nobody indexed.
  ok(make_folders(path_join(temp.path(), "repos/models/99.git")));
  repo = again;
  ok(commit({PutFile{"y", "1"}}));
  const auto first = git_line({"rev-list", "--max-parents=0", "main"});
  git({"update-ref", "refs/heads/main", first});
  hub = ok(Hub::open(temp.path()));
  ok(hub->recover());
  CHECK(!exists(path_join(temp.path(), "repos/models/99.git")));
  CHECK(ok(main_index(*hub, repo)).head == first);
}

}  // namespace
}  // namespace hearth::hub
