#include "huggingface_hub/commit_api.h"

#include <doctest/doctest.h>
#include <unistd.h>

#include "base/files.h"
#include "base/text.h"

using namespace hearth;

TEST_CASE("upload: all files of a folder but git's own and the notes of transfers") {
  const TempFolder temp;
  for (const char* path : {"a.txt", "b/c.json", "b/.git/config", ".git/HEAD", ".cache/huggingface/x",
                           "b/.cache/huggingface/y", ".cache/own.txt", ".gitignore", "b/.gitattributes"}) {
    const auto full = path_join(temp.path(), path);
    REQUIRE(make_folders(std::string(path_parent(full))).ok());
    REQUIRE(write_file(full, "x").ok());
  }
  using Paths = std::vector<std::string>;
  CHECK(list_upload(temp.path(), {}).value() ==
        Paths{".cache/own.txt", ".gitignore", "a.txt", "b/.gitattributes", "b/c.json"});
  UploadFolderOptions options;
  options.allow_patterns = Paths{"*.txt", "b/"};
  options.ignore_patterns = {".cache/*"};
  CHECK(list_upload(temp.path(), options).value() == Paths{"a.txt", "b/.gitattributes", "b/c.json"});
}

TEST_CASE("upload: a link to a file is the file, a link to nothing is told") {
  const TempFolder temp;
  REQUIRE(write_file(path_join(temp.path(), "a"), "x").ok());
  REQUIRE(::symlink("a", path_join(temp.path(), "link").c_str()) == 0);
  CHECK(list_upload(temp.path(), {}).value() == std::vector<std::string>{"a", "link"});
  REQUIRE(::symlink("absent", path_join(temp.path(), "z").c_str()) == 0);
  CHECK(list_upload(temp.path(), {}).status().code() == Code::not_found);
}
