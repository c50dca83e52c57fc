#include "huggingface_hub/cache.h"

#include <doctest/doctest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <thread>

#include "base/text.h"
#include "huggingface_hub/endpoint.h"

using namespace hearth;

namespace {

const std::string kCommit(40, 'a');  // NOLINT

std::string link_target(const std::string& path) {
  char buffer[512];
  const auto size = ::readlink(path.c_str(), buffer, sizeof buffer);
  return size < 0 ? std::string() : std::string(buffer, static_cast<size_t>(size));
}

}  // namespace

TEST_CASE("cache: folders are named as Python names them") {
  CHECK(repo_folder_name({RepoType::model, "julien-c/EsperBERTo-small"}) == "models--julien-c--EsperBERTo-small");
  CHECK(repo_folder_name({RepoType::dataset, "squad"}) == "datasets--squad");
}

TEST_CASE("cache: a file is a relative link into blobs, found by branch and by commit") {
  const TempFolder temp;
  const RepoName repo{RepoType::model, "ann/bert"};
  const RepoCache cache(temp.path(), repo);
  REQUIRE(cache.prepare(kCommit, "a/b.txt").ok());
  REQUIRE(write_file(cache.blob("e1"), "hello").ok());
  REQUIRE(cache.link("e1", kCommit, "a/b.txt").ok());
  REQUIRE(cache.link("e1", kCommit, "a/b.txt").ok());  // again: replaced, not refused
  CHECK(link_target(cache.pointer(kCommit, "a/b.txt")) == "../../../blobs/e1");
  CHECK(exists(path_join(temp.path(), "CACHEDIR.TAG")));

  CHECK_FALSE(try_to_load_from_cache(repo, "a/b.txt", "main", temp.path()));
  REQUIRE(cache.write_ref("main", kCommit).ok());
  REQUIRE(cache.write_ref("refs/pr/1", kCommit).ok());
  CHECK(read_file(path_join(cache.folder(), "refs/main")).value() == kCommit);
  for (const std::string revision : {"main", "refs/pr/1", kCommit.c_str()}) {
    const auto found = try_to_load_from_cache(repo, "a/b.txt", revision, temp.path());
    REQUIRE(found);
    CHECK(read_file(*found).value() == "hello");
  }
  CHECK_FALSE(try_to_load_from_cache(repo, "a", "main", temp.path()));
  CHECK_FALSE(try_to_load_from_cache(repo, "../../refs/main", "main", temp.path()));
  CHECK_FALSE(cache.write_ref("../../x", kCommit).ok());

  cache.write_absent(kCommit, "no/such.json");
  CHECK(cache.is_known_absent(kCommit, "no/such.json"));
  CHECK_FALSE(cache.is_known_absent(kCommit, "a/b.txt"));
}

TEST_CASE("cache: a commit's list of files is kept and read back, and a damaged one is ignored") {
  const TempFolder temp;
  TreeFiles files;
  files["config.json"] = {12, std::string(40, 'b'), "", ""};
  files["a/model.safetensors"] = {1 << 20, std::string(40, 'c'), std::string(64, 'd'), ""};
  write_tree_cache(temp.path(), kCommit, files);
  const auto read = read_tree_cache(temp.path(), kCommit);
  REQUIRE(read);
  CHECK(read->size() == 2);
  CHECK(read->at("a/model.safetensors").etag() == std::string(64, 'd'));
  CHECK(read->at("config.json").etag() == std::string(40, 'b'));
  const auto path = path_join(temp.path(), cat("trees/", kCommit, ".json"));
  REQUIRE(write_file(path, R"({"format_version": 2, "files": {}})").ok());
  CHECK_FALSE(read_tree_cache(temp.path(), kCommit));
  REQUIRE(write_file(path, "{").ok());
  CHECK_FALSE(read_tree_cache(temp.path(), kCommit));
}

TEST_CASE("cache: a lock is exclusive, and a wait for it ends at a stop") {
  const TempFolder temp;
  const auto path = path_join(temp.path(), ".locks/x.lock");
  auto first = FileLock::acquire(path);
  REQUIRE(first.ok());
  std::stop_source source;
  std::jthread stopper([&] { source.request_stop(); });
  const auto second = FileLock::acquire(path, source.get_token());
  CHECK(second.status().code() == Code::cancelled);
}

TEST_CASE("tokens: stored, switched, forgotten, in files for the owner alone") {
  const TempFolder temp;
  setenv("HF_HOME", path_join(temp.path(), "home").c_str(), 1);
  for (const char* name : {"HF_TOKEN", "HUGGING_FACE_HUB_TOKEN", "HF_TOKEN_PATH"}) unsetenv(name);
  CHECK_FALSE(get_token());
  REQUIRE(save_token("work", "hf_one").ok());
  REQUIRE(save_token("home", "hf_two").ok());
  CHECK(get_token() == "hf_two");
  using Tokens = std::vector<std::pair<std::string, std::string>>;
  CHECK(get_stored_tokens() == Tokens{{"home", "hf_two"}, {"work", "hf_one"}});
  REQUIRE(switch_token("work").ok());
  CHECK(get_token() == "hf_one");
  CHECK(switch_token("play").code() == Code::not_found);
  struct stat info {};
  REQUIRE(::stat(hf_token_path().c_str(), &info) == 0);
  CHECK((info.st_mode & 0777) == 0600);
  CHECK_FALSE(save_token("a]\n[b", "x").ok());

  REQUIRE(forget_token("work").ok());  // the active one: its file goes too
  CHECK_FALSE(get_token());
  REQUIRE(forget_token(std::nullopt).ok());
  CHECK(get_stored_tokens().empty());
  setenv("HF_TOKEN", " hf_env\n", 1);
  CHECK(get_token() == "hf_env");
  CHECK(token_is_from_environment());
  unsetenv("HF_TOKEN");
  unsetenv("HF_HOME");
}

TEST_CASE("endpoint: the environment, else the last one served, else the default port") {
  const TempFolder temp;
  setenv("XDG_CACHE_HOME", temp.path().c_str(), 1);
  unsetenv("HF_ENDPOINT");
  CHECK(hub_endpoint() == "http://127.0.0.1:8686");
  REQUIRE(make_folders(path_join(temp.path(), "hearth")).ok());
  REQUIRE(write_file(path_join(temp.path(), "hearth/endpoint"), "http://127.0.0.1:9000\n").ok());
  CHECK(hub_endpoint() == "http://127.0.0.1:9000");
  setenv("HF_ENDPOINT", "http://hub.lan:80/", 1);
  CHECK(hub_endpoint() == "http://hub.lan:80");
  unsetenv("HF_ENDPOINT");
  unsetenv("XDG_CACHE_HOME");
}

TEST_CASE("endpoint: HF_HOME and HF_HUB_CACHE expand ~ and variables") {
  setenv("HEARTH_TEST_ROOT", "/srv/hf", 1);
  setenv("HF_HOME", "$HEARTH_TEST_ROOT/home", 1);
  unsetenv("HF_HUB_CACHE");
  unsetenv("HUGGINGFACE_HUB_CACHE");
  CHECK(hf_home() == "/srv/hf/home");
  CHECK(hf_hub_cache() == "/srv/hf/home/hub");
  CHECK(hf_token_path() == "/srv/hf/home/token");
  setenv("HF_HUB_CACHE", "~/c/${HEARTH_TEST_ROOT}", 1);
  CHECK(hf_hub_cache() == cat(home_folder(), "/c//srv/hf"));
  unsetenv("HF_HOME");
  unsetenv("HF_HUB_CACHE");
}
