#include "hub/attributes.h"

#include <doctest/doctest.h>

#include <algorithm>

#include "base/files.h"
#include "base/process.h"
#include "base/text.h"

namespace hearth::hub {
namespace {

const std::vector<std::string> kPaths = {"a.bin",
                                         "dir/a.bin",
                                         "dir/sub/a.bin",
                                         "a.txt",
                                         "dir/a.txt",
                                         "saved_model/x",
                                         "saved_model/v/x",
                                         "saved_model/v/w/x",
                                         "odd name.xyz",
                                         "dir/odd name.xyz",
                                         "x[1].dat",
                                         "build/out.o",
                                         "src/build/out.o",
                                         "keep.log",
                                         "other.log",
                                         "logs/deep/x.log",
                                         "a",
                                         "b",
                                         "data/1.csv",
                                         "data/22.csv",
                                         "star*name",
                                         "back.tar.gz",
                                         "UPPER.BIN",
                                         "events.tfevents.1",
                                         "d/e/f/g"};

// What git itself says of every path: the original is the oracle.
struct Git {
  TempFolder temp;
  explicit Git(const std::string& file, const std::string& text) {
    run({"init", "-q"}, "");
    REQUIRE(write_file(path_join(temp.path(), file), text).ok());
  }
  std::string run(std::vector<std::string> arguments, const std::string& input) {
    arguments.insert(arguments.begin(), {"git", "-C", temp.path()});
    auto done = run_process({.arguments = arguments}, input);
    REQUIRE(done.ok());
    return done->out;
  }
};

std::string lines_of(const std::vector<std::string>& paths) {
  return join(paths, "\n") + "\n";
}

TEST_CASE("attributes: the same files are LFS as for git check-attr") {
  const std::string texts[] = {
      default_attributes(RepoKind::model),
      "*.bin filter=lfs\n*.txt filter=lfs\ndir/*.txt -filter\n",
      "/a.bin filter=lfs\ndata/?.csv filter=lfs\n# c\n\n  *.log   filter=lfs  -text\n",
      "saved_model/** filter=lfs\n**/a.txt filter=lfs\nd/**/g filter=lfs\n*.bin text\n",
      "x\\[1\\].dat filter=lfs\n[ab] filter=lfs\n[!a]ther.log filter=lfs\n\"odd name.xyz\" filter=lfs\n",
      "odd[[:space:]]name.xyz filter=lfs\nstar\\*name filter=lfs\ndata/[0-9][0-9].csv filter=other\n* "
      "filter=lfs\n*.log !filter\n"};
  for (const auto& text : texts) {
    Git git(".gitattributes", text);
    const Attributes ours(text);
    // Each line is `path: filter: value`.
    const auto told = split(trim(git.run({"check-attr", "--stdin", "filter"}, lines_of(kPaths))), '\n').size();
    REQUIRE(told == kPaths.size());
    const auto out = git.run({"check-attr", "--stdin", "filter"}, lines_of(kPaths));
    const auto answers = split(trim(out), '\n');
    for (size_t i = 0; i < kPaths.size(); ++i)
      CHECK_MESSAGE(ours.is_lfs(kPaths[i]) == answers[i].ends_with(": filter: lfs"), text, "\n", kPaths[i]);
  }
}

TEST_CASE("attributes: the line for one path matches that path alone") {
  for (const auto& path : kPaths) {
    const auto text = lfs_attribute_line(path);
    Git git(".gitattributes", text);
    const auto out = git.run({"check-attr", "--stdin", "filter"}, lines_of(kPaths));
    const auto answers = split(trim(out), '\n');
    const Attributes ours(text);
    for (size_t i = 0; i < kPaths.size(); ++i) {
      CHECK_MESSAGE(ours.is_lfs(kPaths[i]) == (kPaths[i] == path), text, kPaths[i]);
      CHECK_MESSAGE(answers[i].ends_with(": filter: lfs") == (kPaths[i] == path), text, kPaths[i]);
    }
  }
}

TEST_CASE("ignore: the same files are left out as for git check-ignore") {
  const std::string texts[] = {"*.log\n!keep.log\nbuild/\n", "/a\n/build\nlogs/**\n",
                               "data/*.csv\n!data/1.csv\n# note\n\\#x\n", "**/sub/\n*.tar.gz   \n[ab]\n",
                               "*\n!*.txt\n!*/\n"};
  for (const auto& text : texts) {
    Git git(".gitignore", text);
    const auto out = git.run({"check-ignore", "--stdin", "--no-index"}, lines_of(kPaths));
    std::vector<std::string_view> ignored = split(out, '\n');
    const Ignore ours(text);
    for (const auto& path : kPaths) {
      const bool theirs = std::find(ignored.begin(), ignored.end(), path) != ignored.end();
      CHECK_MESSAGE(ours.matches(path) == theirs, text, "\n", path);
    }
  }
}

TEST_CASE("attributes: a hostile pattern ends soon") {
  const auto pattern = "*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*b";
  CHECK(!wildmatch(pattern, std::string(200, 'a')));
}

}  // namespace
}  // namespace hearth::hub
