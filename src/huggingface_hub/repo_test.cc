#include "huggingface_hub/repo.h"

#include <doctest/doctest.h>

using namespace hearth;

TEST_CASE("repo ids: huggingface_hub's rules") {
  // The examples of validate_repo_id's documentation and of its tests.
  for (const char* good : {"foo", "foo/bar", "123", "Foo-BAR_foo.bar123", "_a/b_", "a.b/c-d"})
    CHECK_MESSAGE(validate_repo_id(good).ok(), good);
  for (const char* bad : {"", "datasets/foo/bar", ".repo_id", "foo--bar", "foo..bar", "foo.git", "foo/", "/foo", "a b",
                          "-a", "a-", "a/-b", "caf\xc3\xa9", "a/b/c", "foo/bar.git"}) {
    CHECK_FALSE_MESSAGE(validate_repo_id(bad).ok(), bad);
  }
  CHECK(validate_repo_id(std::string(96, 'a')).ok());
  CHECK_FALSE(validate_repo_id(std::string(97, 'a')).ok());
}

TEST_CASE("repo arguments: ids, prefixed ids and hf:// addresses") {
  const auto plain = parse_repo_argument("ann/bert");
  REQUIRE(plain.ok());
  CHECK(plain->repo.api_path() == "/api/models/ann/bert");
  const auto typed = parse_repo_argument("ann/rows", "dataset");
  REQUIRE(typed.ok());
  CHECK(typed->repo.url_path() == "/datasets/ann/rows");
  const auto prefixed = parse_repo_argument("spaces/ann/demo");
  REQUIRE(prefixed.ok());
  CHECK(prefixed->repo.type == RepoType::space);
  CHECK(prefixed->repo.id == "ann/demo");

  const auto uri = parse_repo_argument("hf://datasets/ann/rows@v1.0/data/");
  REQUIRE(uri.ok());
  CHECK(uri->repo.type == RepoType::dataset);
  CHECK(uri->repo.id == "ann/rows");
  CHECK(uri->revision == "v1.0");
  CHECK(uri->path == "data/");
  const auto change = parse_repo_argument("hf://ann/bert@refs/pr/3/config.json");
  REQUIRE(change.ok());
  CHECK(change->revision == "refs/pr/3");
  CHECK(change->path == "config.json");

  CHECK_FALSE(parse_repo_argument("hf://ann/bert", "model").ok());
  CHECK_FALSE(parse_repo_argument("hf://ann/bert@/x").ok());
  CHECK_FALSE(parse_repo_argument("datasets/ann/rows", "space").ok());
  CHECK_FALSE(parse_repo_argument("ann/bert", "modle").ok());
}

TEST_CASE("file names stay below their folder") {
  for (const char* good : {"a", "a/b.txt", "..a", "a/..b/c", "a b", "dir/.hidden"})
    CHECK_MESSAGE(validate_relative_filename(good).ok(), good);
  for (const char* bad : {"", "/etc/passwd", "..", "a/../b", "a\\..\\b", "C:\\x", "d/C:x", "\\\\host\\share"})
    CHECK_FALSE_MESSAGE(validate_relative_filename(bad).ok(), bad);
}

TEST_CASE("patterns choose files as filter_repo_objects does") {
  // From huggingface_hub's tests/test_utils_paths.py: `*` crosses slashes, a folder stands for all below it.
  using Paths = std::vector<std::string>;
  const Paths paths{"not_hidden.pdf",      "profile.jpg",   ".hidden.pdf",
                    ".hidden_picture.png", "sub/file.json", "sub/deep/x.bin"};
  CHECK(filter_repo_objects(paths, Paths{"*.pdf"}, {".*"}) == Paths{"not_hidden.pdf"});
  CHECK(filter_repo_objects(paths, std::nullopt, {}) == paths);
  CHECK(filter_repo_objects(paths, Paths{}, {}).empty());
  CHECK(filter_repo_objects(paths, Paths{"sub/"}, {}) == Paths{"sub/file.json", "sub/deep/x.bin"});
  CHECK(filter_repo_objects(paths, Paths{"sub/*.bin"}, {}) == Paths{"sub/deep/x.bin"});
  CHECK(filter_repo_objects(paths, Paths{"*"}, {"sub/", "*.p[nd][gf]"}) == Paths{"profile.jpg"});
}
