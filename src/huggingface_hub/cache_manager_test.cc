#include "huggingface_hub/cache_manager.h"

#include <doctest/doctest.h>

#include "base/files.h"
#include "base/text.h"
#include "huggingface_hub/cache.h"

using namespace hearth;

namespace {

const std::string kOld(40, 'a'), kNew(40, 'b');  // NOLINT

/// Two revisions that share one blob; main is at the second.
void fill(const std::string& folder) {
  const RepoCache cache(folder, {RepoType::dataset, "ann/rows"});
  for (const auto& commit : {kOld, kNew}) REQUIRE(cache.prepare(commit, "d/own.txt").ok());
  REQUIRE(write_file(cache.blob("shared"), "12345").ok());
  REQUIRE(write_file(cache.blob("old"), "123").ok());
  REQUIRE(write_file(cache.blob("new"), "1234567").ok());
  REQUIRE(cache.link("shared", kOld, "shared.txt").ok());
  REQUIRE(cache.link("shared", kNew, "shared.txt").ok());
  REQUIRE(cache.link("old", kOld, "d/own.txt").ok());
  REQUIRE(cache.link("new", kNew, "d/own.txt").ok());
  REQUIRE(cache.write_ref("main", kNew).ok());
}

}  // namespace

TEST_CASE("cache scan: sizes count a shared blob once, refs belong to their revision") {
  const TempFolder temp;
  fill(temp.path());
  const auto cache = scan_cache_dir(temp.path());
  REQUIRE(cache.ok());
  CHECK(cache->warnings.empty());
  REQUIRE(cache->repos.size() == 1);
  const auto& repo = cache->repos[0];
  CHECK(repo.cache_id() == "dataset/ann/rows");
  CHECK(repo.size_on_disk == 15);
  REQUIRE(repo.revisions.size() == 2);
  CHECK(repo.revisions[0].size_on_disk == 8);
  CHECK(repo.revisions[0].refs.empty());
  CHECK(repo.revisions[1].refs == std::vector<std::string>{"main"});
  CHECK(repo.revisions[1].files == std::vector<std::string>{"d/own.txt", "shared.txt"});
  CHECK(scan_cache_dir(path_join(temp.path(), "absent")).status().code() == Code::not_found);
}

TEST_CASE("cache scan: broken folders are told, incomplete downloads found") {
  const TempFolder temp;
  fill(temp.path());
  REQUIRE(make_folders(path_join(temp.path(), "models--x--y")).ok());
  REQUIRE(make_folders(path_join(temp.path(), "notes")).ok());
  const RepoCache cache(temp.path(), {RepoType::dataset, "ann/rows"});
  REQUIRE(write_file(cache.blob("e") + ".incomplete", "12").ok());
  auto found = scan_cache_dir(temp.path());
  REQUIRE(found.ok());
  CHECK(found->warnings.size() == 2);
  REQUIRE(found->incomplete.size() == 1);
  CHECK(found->incomplete[0].size == 2);
  REQUIRE(remove_all(cache.blob("old")).ok());
  found = scan_cache_dir(temp.path());
  REQUIRE(found.ok());
  CHECK(found->repos.empty());
  CHECK(found->warnings.size() == 3);
}

TEST_CASE("cache deletion: a revision goes with the blobs that are its alone") {
  const TempFolder temp;
  fill(temp.path());
  auto cache = scan_cache_dir(temp.path());
  REQUIRE(cache.ok());
  const std::vector<std::string> old{cat("dataset/ann/rows@", kOld)};
  const auto plan = plan_deletion(*cache, old);
  CHECK(plan.freed_bytes == 3);
  CHECK(plan.repo_count == 0);
  CHECK(plan.revision_count == 1);
  REQUIRE(plan.execute().ok());
  const RepoName repo{RepoType::dataset, "ann/rows"};
  CHECK(try_to_load_from_cache(repo, "shared.txt", "main", temp.path()));
  CHECK_FALSE(try_to_load_from_cache(repo, "shared.txt", kOld, temp.path()));
  CHECK_FALSE(exists(RepoCache(temp.path(), repo).blob("old")));

  cache = scan_cache_dir(temp.path());
  const std::vector<std::string> rest{cat("dataset/ann/rows@", kNew)};
  const auto all = plan_deletion(*cache, rest);
  CHECK(all.repo_count == 1);
  CHECK(all.freed_bytes == 12);
  REQUIRE(all.execute().ok());
  CHECK(scan_cache_dir(temp.path())->repos.empty());
}
