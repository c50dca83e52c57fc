#include "hub/tar.h"

#include <doctest/doctest.h>

#include "base/process.h"
#include "base/text.h"

namespace hearth::hub {
namespace {

ProcessOutput tar(std::vector<std::string> words) {
  words.insert(words.begin(), "tar");
  auto done = run_process({.arguments = std::move(words), .environment = {"LC_ALL=C"}});
  REQUIRE(done.ok());
  return *std::move(done);
}

}  // namespace

TEST_CASE("tar: the system's tar reads what was written") {
  const TempFolder folder;
  const auto path = path_join(folder.path(), "a.tar");
  auto writer = TarWriter::create(path);
  REQUIRE(writer.ok());
  const std::string name = cat("objects/", std::string(92, 'n')), bytes(1500, 'x');
  REQUIRE(writer->begin("empty", 0).ok());
  REQUIRE(writer->begin("block", 512).ok());
  REQUIRE(writer->write(std::string(512, 'b')).ok());
  REQUIRE(writer->begin(name, bytes.size()).ok());
  for (size_t at = 0; at < bytes.size(); at += 100) REQUIRE(writer->write(bytes.substr(at, 100)).ok());
  REQUIRE(writer->finish().ok());
  CHECK(tar({"-tf", path}).out == cat("empty\nblock\n", name, "\n"));
  CHECK(tar({"-xOf", path, name}).out == bytes);
  CHECK(tar({"-xf", path, "-C", folder.path()}).exit_status == 0);
  CHECK(tar({"-df", path, "-C", folder.path(), "block", "empty"}).exit_status == 0);
}

TEST_CASE("tar: a member has as many bytes as it said") {
  const TempFolder folder;
  auto writer = TarWriter::create(path_join(folder.path(), "a.tar"));
  REQUIRE(writer.ok());
  REQUIRE(writer->begin("a", 3).ok());
  CHECK(!writer->write("four").ok());
  REQUIRE(writer->write("ab").ok());
  CHECK(!writer->begin("b", 0).ok());
  CHECK(!writer->finish().ok());
}

TEST_CASE("tar: sizes beyond eleven octal digits") {
  const TempFolder folder;
  const auto path = path_join(folder.path(), "a.tar");
  auto writer = TarWriter::create(path);
  REQUIRE(writer.ok());
  REQUIRE(writer->begin("large", uint64_t{9} << 30).ok());
  CHECK(contains(tar({"-tvf", path}).out, " 9663676416 "));
}

}  // namespace hearth::hub
